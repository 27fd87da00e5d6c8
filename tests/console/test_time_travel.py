"""Moving through time: every pane shows a past moment, says so, changes nothing, and is live again at one key."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends import events
from backends.errors import LedgerError
from backends.types import Alert, AlertState, Snapshot, Timeline
from console.app import ClawApp
from console.bridge import Bridge, BridgeTimes
from console.messages import ActionFailed, StateChanged
from console.time_travel import TimeTravel, previous_onset, whole_minute
from tests.console.scene import snapshot
from tests.console.scene_exchanges import NOW, exchange
from tests.console.scripted_core import Opener, ScriptedCore
from tests.console.stage import on_stage, text_of
from tests.waiting import until

MINUTE = timedelta(minutes=1)
THIS_MINUTE = NOW.replace(second=0)
ALERT = snapshot().alerts[0]
QUIET = snapshot(alerts=(), past_alerts=())


def past(**changes: object) -> Snapshot:
    return snapshot(past=True, agents=(), alerts=(), past_alerts=(), **changes)


@pytest.fixture
def core() -> ScriptedCore:
    played = ScriptedCore(QUIET)
    played.past = past()
    played.past_timeline = Timeline(
        since=THIS_MINUTE - 59 * MINUTE,
        until=THIS_MINUTE + MINUTE,
        step_s=60,
        series={"requests": (30.0,) * 59 + (12.0,), "failed": (0.0,) * 58 + (None, 4.0)},
    )
    return played


async def test_t_shows_five_minutes_ago_and_end_is_live_again(core: ScriptedCore) -> None:
    async with on_stage(core, size=(110, 24)) as (app, pilot):
        await pilot.press("t")
        await until(lambda: "PAST" in text_of(app))
        assert core.moments == [THIS_MINUTE - 4 * MINUTE]
        shown = text_of(app)
        assert "(−4 min)" in shown
        assert "┏╍ 2 Routing" in shown
        assert "end live" in shown
        await pilot.press("end")
        await until(lambda: "PAST" not in text_of(app))
        assert "┏━ 2 Routing" in text_of(app)
        assert not app.state.past


def arrived(app: ClawApp, core: ScriptedCore, moments: int) -> bool:
    return len(core.moments) == moments and app.state.at == core.moments[-1]


async def test_arrows_move_a_minute_and_ten(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("left", "right")
        assert core.moments == [], "in the present they are other keys"
        await pilot.press("t")
        await until(lambda: app.state.past)
        for count, key in enumerate(("left", "shift+left", "right", "shift+right"), 2):
            await pilot.press(key)
            await until(partial(arrived, app, core, count))
        first, *later = core.moments
        assert [(at - first) / MINUTE for at in later] == [-1, -11, -10, 0]
        await pilot.press("shift+right")
        await until(lambda: not app.state.past)


async def test_t_goes_from_incident_to_incident(core: ScriptedCore) -> None:
    core.current = replace(
        QUIET,
        alerts=(replace(ALERT, id="a", since=NOW - 20 * MINUTE),),
        past_alerts=(replace(ALERT, id="b", since=NOW - 90 * MINUTE, ended_at=NOW - 80 * MINUTE),),
    )
    async with on_stage(core) as (app, pilot):
        await pilot.press("t")
        await until(lambda: app.state.past)
        await pilot.press("t")
        await until(lambda: len(core.moments) == 2)
        await pilot.press("t")
        await until(lambda: "No incident" in text_of(app))
    assert core.moments == [THIS_MINUTE - 19 * MINUTE, THIS_MINUTE - 89 * MINUTE]


async def test_t_on_an_alert_shows_how_it_began(core: ScriptedCore) -> None:
    core.current = replace(QUIET, alerts=(replace(ALERT, since=NOW - 2 * MINUTE),))
    async with on_stage(core) as (app, pilot):
        await pilot.press("5")
        await until(lambda: ALERT.text[:20] in text_of(app))
        await pilot.press("t")
        await until(lambda: app.state.past)
    assert core.moments == [THIS_MINUTE - MINUTE]


@pytest.mark.parametrize(
    ("pane", "keys"), [("2", "pxrP"), ("2", ("plus", "minus")), ("3", "f"), ("4", "b"), ("5", "abcym"), ("2", "S")]
)
async def test_no_key_acts_on_the_past(core: ScriptedCore, pane: str, keys: Sequence[str]) -> None:
    core.past = replace(past(), alerts=(ALERT,))
    async with on_stage(core) as (app, pilot):
        await pilot.press(pane, "t")
        await until(lambda: app.state.past)
        for key in keys:
            app.main.show_message("")
            await pilot.press(key)
            await until(lambda: "live only, press end" in text_of(app))
        assert app.screen is app.main
    assert core.acted == []


async def test_what_happens_meanwhile_is_kept_aside(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("t")
        await until(lambda: app.state.past)
        core.emit(events.Decided(exchange=exchange(70, "newcomer", "local", "chat", 0.1)))
        await until(lambda: app.bridge.state.exchanges[-1].id == "req-070")
        await pilot.pause()
        assert "newcomer" not in text_of(app)
        await pilot.press("end")
        await until(lambda: "newcomer" in text_of(app))


async def test_a_paused_pane_moves_through_time_with_the_others(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("space", "t")
        await until(lambda: "┏╍ 2 Routing" in text_of(app))
        await pilot.press("end")
        await until(lambda: "┏━ 2 Routing" in text_of(app))


async def test_a_prompt_may_have_every_letter(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("t")
        await until(lambda: app.state.past)
        await pilot.press("6", *"test", "end", "left")
        await until(lambda: "test" in text_of(app))
        assert app.state.past


async def test_a_core_that_goes_away_is_seen_in_the_past_too(core: ScriptedCore) -> None:
    opener = Opener(core, mode="attached")
    async with on_stage(core, opener=opener, size=(120, 24)) as (app, pilot):
        await pilot.press("t")
        await until(lambda: app.state.past)
        opener.error = LedgerError("gone")
        core.vanish()
        await until(lambda: not app.state.past and not app.state.live)


async def test_the_timeline_is_asked_for_once_while_it_is_on_screen(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        core.emit(events.Decided(exchange=exchange(70, "newcomer", "local", "chat", 0.1)))
        await until(lambda: "newcomer" in text_of(app))
        assert core.timelines == []
        await pilot.press("7")
        await until(lambda: "req/min" in text_of(app))
        core.emit(events.Decided(exchange=exchange(71, "latecomer", "local", "chat", 0.1)))
        await until(lambda: app.state.exchanges[-1].id == "req-071")
        assert core.timelines == [(THIS_MINUTE - 59 * MINUTE, THIS_MINUTE + MINUTE)]
        await pilot.press("d")
        await until(lambda: len(core.timelines) == 2)
        since, end = core.timelines[-1]
        assert end - since == timedelta(days=1)
        await pilot.press("left")
        await until(lambda: app.state.past and "◆" in text_of(app))


async def test_a_timeline_that_cannot_be_read_says_why(core: ScriptedCore) -> None:
    core.past_timeline = None
    core.refusal = LedgerError("the ledger cannot be used: free space on its disk")
    async with on_stage(core) as (app, pilot):
        await pilot.press("7")
        await until(lambda: "free space on its disk" in text_of(app))


async def test_moments_that_are_asked_for_at_once_are_asked_one_by_one(core: ScriptedCore) -> None:
    """A key that is held down does not starve the screen, nor flood the core."""
    posted: list[object] = []
    bridge = Bridge(Opener(core), post=posted.append, now=lambda: NOW, times=BridgeTimes(retry_s=(0.001,)))
    bridge.start()
    try:
        await until(lambda: bridge.state.live)
        travel = TimeTravel(bridge, posted.append)
        for _ in range(30):
            travel.move(-1)
        await until(lambda: core.moments and core.moments[-1] == THIS_MINUTE - 29 * MINUTE)
        assert len(core.moments) <= 2
        core.past = None
        travel.move(-1)
        await until(lambda: any(isinstance(each, ActionFailed) for each in posted))
        travel.to_present()
        (*_, last) = [each for each in posted if isinstance(each, StateChanged)]
        assert not last.state.past
    finally:
        await bridge.close()


STATES: tuple[AlertState, ...] = ("new", "cleared")


@given(st.lists(st.integers(0, 10_000)), st.integers(0, 10_000))
def test_the_incident_before_is_the_last_one_that_began_earlier(began: list[int], at: int) -> None:
    before = NOW + timedelta(seconds=at)
    alerts: list[Alert] = [replace(ALERT, since=NOW + timedelta(seconds=second)) for second in began]
    found = previous_onset(alerts, before)
    onsets = [whole_minute(alert.since) for alert in alerts]
    assert found == max((onset for onset in onsets if onset < before), default=None)
    assert all(timedelta() <= onset - alert.since < MINUTE for onset, alert in zip(onsets, alerts, strict=True))
