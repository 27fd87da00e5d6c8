"""All calls of an agent cancelled at once: those that run, those that wait, and nobody else's."""

import asyncio
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.errors import Cancelled, WrongUse
from backends.rehearsal.faults import Fault
from backends.settings.agents import Agent
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import Action
from tests.core import Stand, ask, policy, prompt, stand
from tests.waiting import until


def order(agent: str) -> Action:
    return Action(verb="cancel-agent", actor="console", agent=agent)


def narrow(settings: Settings) -> Settings:
    local = replace(settings.engines["local"], parallel=1)
    return replace(settings, engines=settings.engines | {"local": local})


def slow(it: Stand) -> None:
    it.ollama.behaviour = replace(it.ollama.behaviour, tokens_per_s=0.5)
    it.gemini.behaviour = replace(it.gemini.behaviour, tokens_per_s=1.0, chunk_tokens=1)


async def test_calls_in_flight_and_in_the_queue_end_and_those_of_others_go_on(home: Path) -> None:
    async with stand(home, change=narrow) as it:
        slow(it)
        mine = [asyncio.create_task(ask(it.core, prompt(f"count to {n}", agent="scout"))) for n in (10, 20, 30)]
        other = asyncio.create_task(ask(it.core, prompt("count to four", agent="infra")))
        await until(lambda: it.slots["local"].limiter.waiting == 3 and it.ollama.usage.open == 1)
        acted = await it.core.act(order("Scout"))
        ended = await asyncio.gather(*mine)
        assert not other.done()
        other.cancel()
        await until(it.idle)
        with pytest.raises(WrongUse, match="no call of scout is running"):
            await it.core.act(order("scout"))
    assert acted.detail == "3 calls of scout cancelled"
    assert [outcome.finish for _, outcome in ended] == ["cancelled"] * 3
    assert acted.undo is None


async def test_a_shared_call_goes_on_for_the_other_agent_that_waits_for_it(home: Path) -> None:
    def sharing(settings: Settings) -> Settings:
        shared = Agent(policy="local", cache_scope="all")
        return replace(settings, agents=settings.agents | {"scout": shared, "infra": shared})

    async with stand(home, change=sharing) as it:
        it.ollama.behaviour = replace(it.ollama.behaviour, tokens_per_s=20.0)
        leads = asyncio.create_task(ask(it.core, prompt("explain raid levels", agent="scout")))
        await until(lambda: it.ollama.usage.open == 1)
        follows = asyncio.create_task(ask(it.core, prompt("explain raid levels", agent="infra")))

        async def shared() -> bool:
            return len((await it.core.snapshot()).recent) == 2

        await until(shared)
        acted = await it.core.act(order("scout"))
        _, cancelled = await leads
        it.ollama.behaviour = replace(it.ollama.behaviour, tokens_per_s=5000.0)
        _, answered = await follows
        await until(it.idle)
    assert acted.detail == "1 call of scout cancelled"
    assert (cancelled.finish, answered.finish) == ("cancelled", "stop")


async def test_a_request_that_waits_for_money_ends_too(home: Path) -> None:
    def poor(settings: Settings) -> Settings:
        budget = Budget(scope="all", window="day", limit_usd=Decimal("0.0014"), on_exceeded="refuse")
        settings = policy(policy(settings, "writer", "cloud", max_output=512), "ada", "cloud", max_output=512)
        return replace(settings, budgets=(budget,))

    async with stand(home, change=poor) as it:
        slow(it)
        runs = asyncio.create_task(ask(it.core, prompt("a poem of two lines", agent="writer")))
        await until(lambda: it.gemini.usage.open == 1)
        waits = asyncio.create_task(ask(it.core, prompt("a poem of two lines", agent="ada")))

        async def cancelled() -> bool:
            with suppress(WrongUse):  # it does not wait yet
                await it.core.act(order("ada"))
            return waits.done()

        await until(cancelled)
        with pytest.raises(Cancelled, match="while it waited"):
            await waits
        assert not runs.done()
        await it.core.act(order("writer"))
        await runs
        await until(it.idle)
        budget = await it.budget()
    assert budget.reserved_usd == 0


@pytest.mark.parametrize("pause", [0.0, 0.05, 0.2])
async def test_a_call_on_its_way_from_one_engine_to_the_next_ends_with_one_row(home: Path, pause: float) -> None:
    async with stand(home, change=lambda settings: policy(settings, "writer", "prefer-local")) as it:
        slow(it)
        it.ollama.behaviour = replace(it.ollama.behaviour, faults=(Fault(kind="status", status=500, times=None),))
        call = asyncio.create_task(ask(it.core, prompt("count to ten", agent="writer")))

        async def admitted() -> bool:
            return bool((await it.core.snapshot()).in_flight)

        await until(admitted)
        await asyncio.sleep(pause)
        await it.core.act(order("writer"))
        _, outcome = await call
        await until(it.idle)
        rows = it.rows()
    assert outcome.finish == "cancelled"
    assert [(row["id"], row["finish"]) for row in rows] == [(outcome.id, "cancelled")]
