"""The bridge: one subscriber that survives its core, tells the screen sparingly, and owns every task."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

import msgspec
import pytest
from textual.message import Message

from backends import events
from backends.errors import LedgerError, Unreachable, WrongUse
from backends.types import Acted, Action, Delta, Done, Request, Routed, Traffic
from backends.types import Message as Said
from console.bridge import GONE, Bridge, BridgeTimes
from console.messages import (
    ActionFailed,
    ActionSucceeded,
    AnswerFailed,
    ChunkArrived,
    OpenFailed,
    RoutePreviewed,
    StateChanged,
)
from tests.console.scene import snapshot
from tests.console.scene_exchanges import NOW, exchange, explained, settled
from tests.console.scripted_core import Opener, ScriptedCore
from tests.waiting import until

REQUEST = Request(id="r1", messages=(Said(role="user", text="hello"),))
TOLD = explained("chat", "local", "question", 0.2)
STOP = Action(verb="stop-cloud", actor="test")


QUICK = BridgeTimes(retry_s=(0.001,))


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore(snapshot())


@asynccontextmanager
async def running(
    opener: Opener, *, times: BridgeTimes = QUICK, **options: object
) -> AsyncGenerator[tuple[Bridge, list[Message]]]:
    posted: list[Message] = []
    bridge = Bridge(opener, post=posted.append, now=lambda: NOW, times=times, **options)  # type: ignore[arg-type]
    bridge.start()
    try:
        yield bridge, posted
    finally:
        await bridge.close()
    assert opener.core.watchers == 0
    assert opener.opened == opener.closed


M = TypeVar("M", bound=Message)


def of(posted: list[Message], kind: type[M]) -> list[M]:
    return [message for message in posted if isinstance(message, kind)]


async def test_it_shows_the_snapshot_and_then_what_happens(core: ScriptedCore) -> None:
    async with running(Opener(core)) as (bridge, posted):
        await until(lambda: of(posted, StateChanged) and of(posted, StateChanged)[-1].state.live)
        assert bridge.state.connection.label == "this process"
        core.emit(events.Decided(exchange=exchange(99, "ada", "local", "x", 0.1)))
        await until(lambda: of(posted, StateChanged)[-1].state.exchanges[-1].id == "req-099")


async def test_many_events_become_few_states(core: ScriptedCore) -> None:
    async with running(Opener(core)) as (bridge, posted):
        await until(lambda: bridge.state.live)
        core.emit(*(events.AlertCleared(key=f"{number}") for number in range(500)))
        core.emit(events.Decided(exchange=exchange(99, "ada", "local", "x", 0.1)))
        await until(
            lambda: of(posted, StateChanged) and of(posted, StateChanged)[-1].state.exchanges[-1].id == "req-099"
        )
        assert len(of(posted, StateChanged)) < 10


async def test_samples_wait_for_each_other_and_hold_no_request_up(
    core: ScriptedCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.bridge.SAMPLES_S", 1000.0)
    async with running(Opener(core)) as (bridge, posted):
        await until(lambda: of(posted, StateChanged) and of(posted, StateChanged)[-1].state.live)
        before = len(of(posted, StateChanged))
        sample = events.TrafficSampled(traffic=Traffic(failed=7))
        core.emit(sample)
        await until(lambda: bridge.state.traffic == sample.traffic)
        core.emit(events.Decided(exchange=exchange(99, "ada", "local", "x", 0.1)))
        await until(lambda: of(posted, StateChanged)[-1].state.exchanges[-1].id == "req-099")
        assert of(posted, StateChanged)[-1].state.traffic == sample.traffic
        assert len(of(posted, StateChanged)) == before + 1


@pytest.mark.proves("T4")
async def test_a_terminal_that_has_not_drained_gets_only_the_latest_state(core: ScriptedCore) -> None:
    drained = False
    async with running(Opener(core), drained=lambda: drained) as (bridge, posted):
        await until(lambda: bridge.state.live)
        core.emit(events.Decided(exchange=exchange(99, "ada", "local", "x", 0.1)))
        await until(lambda: bridge.state.exchanges[-1].id == "req-099")
        assert not of(posted, StateChanged)
        drained = True
        await until(lambda: of(posted, StateChanged))
        assert [message.state.exchanges[-1].id for message in of(posted, StateChanged)] == ["req-099"]


async def test_after_a_resync_the_snapshot_holds(core: ScriptedCore) -> None:
    async with running(Opener(core)) as (bridge, _):
        await until(lambda: bridge.state.live)
        core.current = snapshot(cloud_stopped=True)
        core.emit(events.Resync())
        await until(lambda: bridge.state.cloud_stopped)
        assert core.snapshots == 2
        assert bridge.state.live


async def test_a_core_that_vanishes_is_looked_for_until_it_is_back(core: ScriptedCore) -> None:
    opener = Opener(core, mode="attached")
    again = Opener(core, mode="attached")
    again.error = Unreachable("nobody answers")
    async with running(opener, reopen=again) as (bridge, _):
        await until(lambda: bridge.state.live)
        core.vanish()
        await until(lambda: bridge.state.connection.phase == "lost")
        assert bridge.state.connection.since == NOW
        assert bridge.state.exchanges, "what was known stays on screen"
        again.error = WrongUse("another version runs there: update claw")
        await until(lambda: bridge.state.connection.phase == "failed")
        assert "update claw" in bridge.state.connection.line
        again.error = None
        await until(lambda: bridge.state.live)
        assert opener.opened == 1, "an embedded core is never opened in place of one that vanished"
    assert again.opened == again.closed == 1


async def test_what_was_under_way_with_a_core_that_vanishes_ends(core: ScriptedCore) -> None:
    core.gate = asyncio.Event()
    core.answer = [Delta("a lake "), Delta("in the"), Done(settled("r1", TOLD, NOW, ms=9.0))]
    async with running(Opener(core)) as (bridge, posted):
        await until(lambda: bridge.state.live)
        bridge.ask("t1", REQUEST)
        await until(lambda: of(posted, ChunkArrived))
        core.vanish()
        await until(lambda: of(posted, AnswerFailed))
        assert of(posted, AnswerFailed)[0].turn == "t1"
        assert "Its ledger has the result" in of(posted, AnswerFailed)[0].line
        heard = [message.chunk for message in of(posted, ChunkArrived)]
        assert "".join(chunk.text for chunk in heard if isinstance(chunk, Delta)) == "a lake in the"


async def test_an_action_under_way_with_a_core_that_vanishes_is_not_said_to_be_done(
    core: ScriptedCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting = asyncio.Event()

    async def act(action: Action) -> Acted:
        acting.set()
        never: asyncio.Future[Acted] = asyncio.get_running_loop().create_future()
        return await never

    monkeypatch.setattr(core, "act", act)
    async with running(Opener(core)) as (bridge, posted):
        await until(lambda: bridge.state.live)
        bridge.act(STOP)
        await acting.wait()
        core.vanish()
        await until(lambda: of(posted, ActionFailed))
        assert "Check the result once it is back" in of(posted, ActionFailed)[0].line
        assert not of(posted, ActionSucceeded)


async def test_a_first_opening_that_fails_is_told_once(core: ScriptedCore) -> None:
    opener = Opener(core)
    opener.error = LedgerError("the ledger is held by process 4711: stop it first")
    async with running(opener) as (_, posted):
        await until(lambda: of(posted, OpenFailed))
        assert of(posted, OpenFailed) == [OpenFailed("the ledger is held by process 4711: stop it first", 1)]


@pytest.mark.proves("I13")
async def test_samples_that_stop_are_marked(core: ScriptedCore) -> None:
    old = snapshot()
    assert old.host is not None
    core.current = msgspec.structs.replace(old, host=msgspec.structs.replace(old.host, at=NOW - timedelta(minutes=1)))
    async with running(Opener(core), times=BridgeTimes(stale_check_s=0.001)) as (bridge, _):
        await until(lambda: bridge.state.stale == {"host"})


async def test_an_answer_reaches_its_turn_in_order_with_text_joined(core: ScriptedCore) -> None:
    outcome = settled("r1", TOLD, NOW, ms=9.0)
    core.answer = [Routed(id="r1", explanation=TOLD), *(Delta(f"{number} ") for number in range(300)), Done(outcome)]
    async with running(Opener(core)) as (bridge, posted):
        await until(lambda: bridge.state.live)
        bridge.ask("t1", REQUEST)
        await until(lambda: any(isinstance(message.chunk, Done) for message in of(posted, ChunkArrived)))
        chunks = [message.chunk for message in of(posted, ChunkArrived)]
        text = "".join(chunk.text for chunk in chunks if isinstance(chunk, Delta))
        assert text == "".join(f"{number} " for number in range(300))
        assert isinstance(chunks[0], Routed)
        assert isinstance(chunks[-1], Done)
        assert len(chunks) < 20


@pytest.mark.proves("T4")
async def test_text_waits_for_the_terminal_but_not_for_ever(core: ScriptedCore) -> None:
    core.gate = asyncio.Event()
    core.answer = [Delta("slowly"), Done(settled("r1", TOLD, NOW, ms=9.0))]
    drained = False
    async with running(Opener(core), drained=lambda: drained) as (bridge, posted):
        await until(lambda: bridge.state.live)
        bridge.ask("t1", REQUEST)
        await until(lambda: core.asked)
        assert not of(posted, ChunkArrived)
        drained = True
        await until(lambda: of(posted, ChunkArrived))
        core.gate.set()
        await until(lambda: len(of(posted, ChunkArrived)) == 2)


async def test_cancelling_a_turn_closes_it_at_the_core(core: ScriptedCore) -> None:
    core.gate = asyncio.Event()
    core.answer = [Delta("never ends"), Done(settled("r1", TOLD, NOW, ms=9.0))]
    async with running(Opener(core)) as (bridge, posted):
        await until(lambda: bridge.state.live)
        bridge.ask("t1", REQUEST)
        await until(lambda: of(posted, ChunkArrived))
        bridge.cancel("t1")
        bridge.cancel("never-asked")
        await until(lambda: core.ended == ["r1"])
        assert not of(posted, AnswerFailed)


async def test_leaving_closes_what_is_asked(core: ScriptedCore) -> None:
    core.gate = asyncio.Event()
    core.answer = [Delta("never ends"), Done(settled("r1", TOLD, NOW, ms=9.0))]
    async with running(Opener(core)) as (bridge, _):
        await until(lambda: bridge.state.live)
        bridge.ask("t1", REQUEST)
        await until(lambda: core.asked)
    assert core.ended == ["r1"]


async def test_refusals_come_back_as_lines(core: ScriptedCore) -> None:
    core.refusal = WrongUse("the prompt is empty: type one")
    async with running(Opener(core)) as (bridge, posted):
        await until(lambda: bridge.state.live)
        bridge.ask("t1", REQUEST)
        bridge.preview("p1", REQUEST)
        bridge.act(STOP)
        await until(lambda: of(posted, AnswerFailed) and of(posted, RoutePreviewed) and of(posted, ActionFailed))
        assert of(posted, AnswerFailed)[0].line == "the prompt is empty: type one"
        assert of(posted, RoutePreviewed)[0].line == "the prompt is empty: type one"
        assert of(posted, ActionFailed)[0].line == "the prompt is empty: type one"


async def test_previews_and_actions_are_answered(core: ScriptedCore) -> None:
    core.explanation = TOLD
    async with running(Opener(core)) as (bridge, posted):
        await until(lambda: bridge.state.live)
        bridge.preview("p1", REQUEST)
        bridge.preview("p2", REQUEST)
        bridge.act(STOP)
        await until(lambda: of(posted, RoutePreviewed) and of(posted, ActionSucceeded))
        assert [message.turn for message in of(posted, RoutePreviewed)] == ["p2"], (
            "the newest preview alone is answered"
        )
        assert core.acted == [STOP]


async def test_before_the_core_is_open_each_verb_says_so(core: ScriptedCore) -> None:
    posted: list[Message] = []
    bridge = Bridge(Opener(core), post=posted.append)
    bridge.ask("t1", REQUEST)
    bridge.cancel("t1")
    bridge.preview("p1", REQUEST)
    bridge.act(STOP)
    await bridge.close()
    assert [type(message) for message in posted] == [AnswerFailed, RoutePreviewed, ActionFailed]
    assert "not open yet" in of(posted, ActionFailed)[0].line


async def test_while_the_core_is_gone_each_verb_says_that_the_console_looks_for_it(core: ScriptedCore) -> None:
    again = Opener(core)
    again.error = Unreachable("nobody answers")
    async with running(Opener(core), reopen=again) as (bridge, posted):
        await until(lambda: bridge.state.live)
        core.vanish()
        await until(lambda: bridge.state.connection.phase == "lost")
        bridge.ask("t1", REQUEST)
        bridge.preview("p1", REQUEST)
        bridge.act(STOP)
        again.error = WrongUse("another version runs there: update claw")
        await until(lambda: bridge.state.connection.phase == "failed")
        bridge.act(STOP)
    lines = [
        of(posted, AnswerFailed)[0].line,
        of(posted, RoutePreviewed)[0].line,
        *(m.line for m in of(posted, ActionFailed)),
    ]
    assert lines == [GONE] * 4
    assert "reconnects as soon as" in GONE
