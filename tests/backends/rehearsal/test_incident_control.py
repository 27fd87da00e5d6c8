"""Incidents of a rehearsal by name: started and ended through the core, which then goes on as if none had been."""

from pathlib import Path

import pytest

from backends.errors import ClawError, WrongUse
from backends.rehearsal.incident_control import IncidentControl, known_incident
from backends.settings.model import Settings
from backends.types import Action
from tests.core import Stand, ask, policy, prompt, stand


def rehearse(name: str, engine: str | None = None) -> Action:
    return Action(verb="rehearse", actor="test", id=name, engine=engine)


def control(it: Stand) -> IncidentControl:
    return IncidentControl(Settings(), {"local": (it.ollama.url,), "cloud": (it.gemini.url,)})


async def finish(it: Stand, agent: str) -> str:
    _, outcome = await ask(it.core, prompt("Is the rack well?", agent=agent, cache=False))
    return outcome.finish


async def test_a_quota_of_the_day_that_a_twin_used_up_is_forgotten_with_the_reset(home: Path) -> None:
    async with stand(home, change=lambda settings: policy(settings, "writer", "cloud")) as it:
        it.compared = False  # the reset makes the twin forget
        it.core.rehearse_on(control(it))
        acted = await it.core.act(rehearse("c2"))
        assert acted.detail.startswith("C2 at cloud: daily quota")
        assert acted.undo == rehearse("reset")
        assert await finish(it, "writer") == "error"
        assert (await it.core.snapshot()).engines[1].reopens_at is not None
        reset = await it.core.act(rehearse("reset"))
        assert reset.detail == "all incidents ended; forgotten that cloud failed"
        assert await finish(it, "writer") == "stop"
        assert (await it.core.snapshot()).engines[1].health == "up"
        assert (await it.core.act(rehearse("reset"))).detail == "all incidents ended"


async def test_a_reset_leaves_nothing_to_undo_of_the_incidents_before(home: Path) -> None:
    async with stand(home) as it:
        it.core.rehearse_on(control(it))
        for again in (rehearse("reset"), Action(verb="undo", actor="test")):
            await it.core.act(rehearse("C1"))
            await it.core.act(rehearse("L1"))
            undoable = (await it.core.snapshot()).undoable
            assert undoable is not None
            assert undoable.detail.startswith("L1 at local")
            await it.core.act(again)
            assert (await it.core.snapshot()).undoable is None
            assert not it.gemini.behaviour.faults


async def test_an_incident_strikes_the_engines_that_it_is_meant_for_or_the_one_that_is_named(home: Path) -> None:
    async with stand(home) as it:
        it.core.rehearse_on(control(it))
        await it.core.act(rehearse("L1"))
        assert (len(it.ollama.behaviour.faults), len(it.gemini.behaviour.faults)) == (1, 0)
        await it.core.act(rehearse("L1", engine="cloud"))
        assert (len(it.ollama.behaviour.faults), len(it.gemini.behaviour.faults)) == (1, 1)
        with pytest.raises(WrongUse, match="use one of local, cloud"):
            await it.core.act(rehearse("L1", engine="moon"))


async def test_a_core_that_does_not_rehearse_says_how_to_start_one(home: Path) -> None:
    async with stand(home) as it:
        with pytest.raises(WrongUse, match="claw serve --rehearse"):
            await it.core.act(rehearse("C1"))


async def test_a_twin_that_is_gone_is_an_error_in_a_line(home: Path) -> None:
    async with stand(home) as it:
        it.core.rehearse_on(IncidentControl(Settings(), {"cloud": ("http://127.0.0.1:9",)}))
        with pytest.raises(ClawError, match=r"the twin at http://127\.0\.0\.1:9 does not answer"):
            await it.core.act(rehearse("C1"))


@pytest.mark.parametrize("name", ["C1x", "", "L"])
def test_an_unknown_name_brings_the_nearest(name: str) -> None:
    with pytest.raises(WrongUse, match="the nearest are"):
        known_incident(name)
