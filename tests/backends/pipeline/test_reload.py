"""claw.toml read again while the core runs: what is taken, what waits for a restart, and what a wrong file changes."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends import events
from backends.errors import WrongSettings
from backends.rehearsal.behaviour import TwinModel
from backends.types import Acted, Action
from tests.core import Stand, ask, prompt, stand
from tests.waiting import until

RELOAD = Action(verb="reload", actor="SIGHUP")


async def reload(it: Stand, text: str) -> Acted:
    await asyncio.to_thread(it.paths.config.write_text, text)
    return await it.core.act(RELOAD)


async def test_policies_dial_and_privacy_hold_from_the_next_request_on(home: Path) -> None:
    async with stand(home) as it:
        said = await reload(
            it,
            """
            [router]
            dial = 0.0
            [agents.scout]
            policy = "cloud"
            [privacy]
            words = ["Nightjar"]
            """,
        )
        _, scout = await ask(it.core, prompt("what is new?", agent="scout"))
        _, writer = await ask(it.core, prompt("prove Fermat's last theorem", agent="writer"))
        secret = await it.core.explain(prompt("what is Nightjar?", agent="writer"))
        agents = {agent.name: agent.policy for agent in (await it.core.snapshot()).agents}
    assert said.detail.startswith("router, agents, privacy, alerts taken from claw.toml")
    assert (scout.engine, writer.engine, secret.sensitive) == ("cloud", "local", True)
    assert agents["scout"] == "cloud"


async def test_an_agents_new_model_is_proved_local_and_one_that_is_relayed_is_not(home: Path) -> None:
    async with stand(home) as it:
        models = (*it.ollama.behaviour.models, TwinModel(name="qwen3:8b"), TwinModel(name="gpt-oss:120b-cloud"))
        it.ollama.behaviour = replace(it.ollama.behaviour, models=models)
        secret = prompt("what is the password?", agent="scout", sensitive=True)
        assert (await it.core.explain(secret)).model == "qwen2.5:14b"
        await reload(it, '[agents.scout]\nmodel = "qwen3:8b"\n')
        assert (await it.core.explain(secret)).model == "qwen3:8b"
        await reload(it, '[agents.scout]\nmodel = "gpt-oss:120b-cloud"\n')
        told = await it.core.explain(secret)
    assert (told.engine, told.status) == ("", 403)
    assert "not proved" in told.error


async def test_what_the_core_was_opened_with_waits_for_a_restart(home: Path) -> None:
    async with stand(home) as it:
        said = await reload(it, '[gateway]\nport = 9999\n[engines.local]\nmodel = "other"\n')
        told = await it.core.explain(prompt("hello", agent="scout"))
    assert said.detail.startswith("alerts taken from claw.toml; engines, ")
    assert "engines" in said.detail
    assert "gateway" in said.detail
    assert told.model == "qwen2.5:14b"


async def test_rules_that_name_an_engine_of_the_next_start_change_nothing(home: Path) -> None:
    async with stand(home) as it:
        with pytest.raises(WrongSettings, match=r"`agents\.scout\.engines` names small.*restart"):
            await reload(
                it, '[engines.small]\nkind = "ollama"\nmodel = "qwen2.5:3b"\n[agents.scout]\nengines = ["small"]\n'
            )
        _, outcome = await ask(it.core, prompt("what is new?", agent="scout"))
    assert outcome.engine == "local"


async def test_a_wrong_file_changes_nothing_and_is_said_until_it_is_right(home: Path) -> None:
    async with stand(home) as it:
        with pytest.raises(WrongSettings, match=r"agents\.scout\.policy"):
            await reload(it, '[agents.scout]\npolicy = "moon"\n')
        (alert,) = [alert for alert in (await it.core.snapshot()).alerts if alert.key == "settings"]
        _, outcome = await ask(it.core, prompt("what is new?", agent="scout"))
        await reload(it, "")
        later = [alert.key for alert in (await it.core.snapshot()).alerts]
    assert "agents.scout.policy" in alert.text
    assert outcome.engine == "local"
    assert "settings" not in later


async def test_watchers_look_anew(home: Path) -> None:
    async with stand(home) as it:
        heard: list[events.Event] = []

        async def watch() -> None:
            async for event in it.core.events():
                heard.append(event)

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0)
        await reload(it, "")
        await until(lambda: any(isinstance(event, events.Resync) for event in heard))
        watching.cancel()
        await asyncio.wait([watching])
