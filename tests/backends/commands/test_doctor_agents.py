"""What the doctor finds among the agents' requests of the last day."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.commands.doctor_agents import KEPT, MANY, check_agents
from backends.engines.engine_checks import AGENTS_NEED, check
from backends.settings.model import Settings
from backends.types import Check
from tests.core import Stand, ask, policy, prompt, stand


def strict(settings: Settings) -> Settings:
    return policy(policy(settings, "scout", "local"), "writer", "auto")


async def checks(it: Stand) -> dict[str, Check]:
    found = await asyncio.to_thread(check_agents, it.resources.settings, it.paths)
    return {each.name: each for each in found}


async def refuse(it: Stand, agent: str, reason: str, count: int) -> None:
    hour = f"{datetime.now(UTC):%Y-%m-%dT%H}"
    await it.resources.ledger.count_refusals({(hour, agent, reason): count})


async def test_nothing_refused_and_nobody_kept_is_well(home: Path) -> None:
    async with stand(home, change=strict) as it:
        found = await checks(it)
    assert {name: each.ok for name, each in found.items()} == {"refusals": True, "kept here": True}


@pytest.mark.parametrize(("count", "ok"), [(1, None), (MANY, False)])
async def test_refusals_are_told_by_agent_and_reason(home: Path, count: int, ok: bool | None) -> None:
    async with stand(home, change=strict) as it:
        await refuse(it, "scout", "context_length_exceeded", count)
        await refuse(it, "ada", "budget", 1)
        found = (await checks(it))["refusals"]
    assert found.ok is ok
    assert f"scout {count} × context_length_exceeded" in found.detail
    assert "ada 1 × budget" in found.detail
    named = "scout" if count > 1 else "ada"
    assert f"claw explain --agent {named}" in found.remedy


async def test_an_agent_whose_requests_are_all_sensitive_is_told(home: Path) -> None:
    async with stand(home, change=strict) as it:
        for agent, count in (("writer", KEPT), ("scout", KEPT), ("ada", KEPT - 1)):
            for number in range(count):
                await ask(it.core, prompt(f"number {number}", agent=agent, sensitive=True))
        kept = (await checks(it))["kept here"]
        await ask(it.core, prompt("hello", agent="writer"))
        free = (await checks(it))["kept here"]
    assert kept.ok is None
    assert f"the last {KEPT} requests of writer were all sensitive" in kept.detail
    assert "scout" not in kept.detail
    assert free.ok is True


async def test_without_a_ledger_there_is_nothing_to_say(home: Path) -> None:
    async with stand(home) as it:
        paths = replace(it.paths, state=home / "elsewhere")
        assert await asyncio.to_thread(check_agents, it.resources.settings, paths) == ()


async def test_a_window_too_small_for_agents_is_told_with_its_remedy(home: Path) -> None:
    async with stand(home) as it:
        settings = it.resources.settings
        local = settings.engines["local"]
        found = {}
        for tokens in (8_192, AGENTS_NEED):
            engines = settings.engines | {"local": replace(local, context=tokens)}
            told = await check(replace(settings, engines=engines), {})
            found[tokens] = {each.name: each for each in told}["local window"]
    assert (found[8_192].ok, found[AGENTS_NEED].ok) == (None, True)
    assert "engines.local.context" in found[8_192].remedy
