"""A drained engine gets no new requests: what runs ends, what waits moves where it may, and policy stays absolute."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.errors import NoEngine
from backends.rehearsal.faults import Fault
from backends.settings.model import Settings
from backends.types import Action
from tests.core import Stand, ask, policy, prompt, stand
from tests.waiting import until

SLOW, FAST = 0.5, 5000.0


def narrow(settings: Settings) -> Settings:
    """One place at the local engine, which is always good enough for the writer."""
    local = replace(settings.engines["local"], parallel=1)
    settings = replace(settings, engines=settings.engines | {"local": local})
    return policy(settings, "writer", "auto", dial=0.0)


def order(verb: str, engine: str = "local") -> Action:
    return Action(verb=verb, actor="console", engine=engine, reason="a new driver")  # type: ignore[arg-type]


def speed(it: Stand, tokens_per_s: float) -> None:
    it.ollama.behaviour = replace(it.ollama.behaviour, tokens_per_s=tokens_per_s)


async def test_new_requests_go_elsewhere_also_after_a_restart_until_it_is_undone(home: Path) -> None:
    async with stand(home, change=narrow) as it:
        _, before = await ask(it.core, prompt("hello", agent="writer"))
        acted = await it.core.act(order("drain"))
        _, during = await ask(it.core, prompt("hello you", agent="writer"))
        told = await it.core.explain(prompt("hello all", agent="writer"))
    async with stand(home, change=narrow) as it:
        (state, _) = (await it.core.snapshot()).engines
        _, restarted = await ask(it.core, prompt("hello again", agent="writer"))
        assert acted.undo is not None
        await it.core.act(acted.undo)
        _, after = await ask(it.core, prompt("hello at last", agent="writer"))
    assert acted.detail == "local drained"
    assert [each.engine for each in (before, during, restarted, after)] == ["local", "cloud", "cloud", "local"]
    assert state.draining
    assert [(each.engine, each.ruled_out_by, each.detail) for each in told.alternatives] == [
        ("local", "drained", "drained by the operator")
    ]
    assert "local is drained no more" in told.flips


@pytest.mark.parametrize("more", [{"agent": "scout"}, {"agent": "writer", "sensitive": True}])
async def test_what_must_stay_here_is_never_sent_to_the_cloud_by_a_drain(home: Path, more: dict[str, object]) -> None:
    async with stand(home, change=narrow) as it:
        await it.core.act(order("drain"))
        with pytest.raises(NoEngine, match="claw act undrain local") as refused:
            await ask(it.core, prompt("how are my disks?", **more))
        told = await it.core.explain(prompt("how are my disks?", **more))
        assert not it.gemini.usage.calls
    assert (refused.value.http_status, refused.value.retry_after_s, told.status) == (503, 30.0, 503)


async def test_what_runs_ends_and_what_waits_moves_unless_it_must_stay(home: Path) -> None:
    async with stand(home, change=narrow) as it:
        speed(it, SLOW)
        running = asyncio.create_task(ask(it.core, prompt("count to ten", agent="writer")))
        await until(lambda: it.ollama.usage.open == 1)
        staying = asyncio.create_task(ask(it.core, prompt("count to six", agent="scout")))
        moving = asyncio.create_task(ask(it.core, prompt("count to five", agent="writer")))
        await until(lambda: it.slots["local"].limiter.waiting == 2)
        acted = await it.core.act(order("drain"))
        _, moved = await moving
        assert not running.done()
        speed(it, FAST)
        running.cancel()
        _, stayed = await staying
        await until(it.idle)
    assert acted.detail == "local drained: 1 still run, 2 wait"
    assert (moved.engine, moved.finish, stayed.engine, stayed.finish) == ("cloud", "stop", "local", "stop")
    assert moved.reasons[0].detail == "local: drained"
    assert moved.attempts[0].engine == "cloud"


async def test_a_request_that_nobody_takes_over_waits_where_it_was(home: Path) -> None:
    async with stand(home, change=narrow) as it:
        speed(it, SLOW)
        first = asyncio.create_task(ask(it.core, prompt("count to ten", agent="scout")))
        await until(lambda: it.ollama.usage.open == 1)
        waits = asyncio.create_task(ask(it.core, prompt("count to five", agent="writer")))
        await until(lambda: it.slots["local"].limiter.waiting == 1)
        it.gemini.behaviour = replace(it.gemini.behaviour, faults=(Fault(kind="status", status=503, times=None),))
        await it.core.act(order("drain"))
        await until(lambda: it.gemini.usage.calls and it.slots["local"].limiter.waiting == 1)
        speed(it, FAST)
        first.cancel()
        _, answered = await waits
    assert (answered.engine, answered.finish) == ("local", "stop")


async def test_the_alert_says_who_drained_it_since_when_and_what_it_does_to_requests(home: Path) -> None:
    async with stand(home, change=narrow) as it:
        acted = await it.core.act(order("drain"))
        await it.alert("drained:local")
        await ask(it.core, prompt("hello", agent="writer"))
        with pytest.raises(NoEngine):
            await ask(it.core, prompt("how are my disks?", agent="scout"))

        async def counted() -> bool:
            return (await it.alerts())["drained:local"].requests == 2

        await until(counted)
        alert = (await it.alerts())["drained:local"]
    assert alert.text == "local is drained by console (a new driver)"
    assert (alert.since, alert.severity) == (acted.at, "warning")
    assert alert.effect == "1 went to the cloud, 1 failed"
    assert set(alert.agents) == {"writer", "scout"}
    async with stand(home, change=narrow) as it:
        await it.alert("drained:local")
        kept = (await it.alerts())["drained:local"]
        await it.core.act(kept.choices[0].action)
        await it.cleared("drained:local")
    assert (kept.text, kept.since) == (alert.text, alert.since)
