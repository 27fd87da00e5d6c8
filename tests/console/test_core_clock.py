"""The clock on screen: the core's time, counted on between events, and how often it needs to be drawn."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from backends import events
from console.core_clock import CoreClock, counts_seconds
from console.messages import StateChanged
from console.panes.header import HeaderPane
from console.state import CoreConnection, ViewState, adopt
from tests.console.scene import snapshot
from tests.console.scene_exchanges import NOW
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, text_of
from tests.waiting import until

QUIET: dict[str, Any] = {"alerts": (), "in_flight": (), "recent": (), "engines": ()}
AHEAD = timedelta(hours=3)


class Watch:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


def quiet(**changes: Any) -> ViewState:
    return adopt(ViewState(), snapshot(**{**QUIET, **changes}))


def test_the_cores_time_goes_on_between_events_whatever_this_machines_clock_says() -> None:
    watch = Watch()
    clock = CoreClock(watch)
    clock.heard(NOW + AHEAD)
    watch.at += timedelta(seconds=5)
    assert clock.core_now(quiet()) == NOW + AHEAD + timedelta(seconds=5)
    host = snapshot().host
    assert host is not None
    clock.heard_of(events.HostSampled(reading=msgspec.structs.replace(host, at=NOW)))
    assert clock.core_now(quiet()) == NOW


def test_a_past_moment_is_drawn_once_a_minute() -> None:
    watch = Watch()
    clock = CoreClock(watch)
    past = msgspec.structs.replace(quiet(recent=snapshot().recent), past=True, at=NOW - AHEAD)
    assert clock.next_s(past) == 60.0 - watch.at.second, "how far away it is changes each minute"
    assert clock.next_s(ViewState()) is None, "before any core there is no time of it"


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, False),
        ({"alerts": snapshot().alerts}, True),
        ({"in_flight": snapshot().in_flight}, True),
        ({"recent": snapshot().recent}, True),
        ({"engines": snapshot().engines}, True),
    ],
)
def test_seconds_are_drawn_only_while_something_counts(changes: dict[str, Any], counts: bool) -> None:
    watch = Watch()
    watch.at = NOW.replace(second=12, microsecond=250_000)
    clock = CoreClock(watch)
    state = quiet(**changes)
    assert counts_seconds(state, watch.at) is counts
    assert clock.next_s(state) == pytest.approx(1.0 if counts else 47.75)


def test_requests_count_for_a_minute() -> None:
    state = quiet(recent=snapshot().recent)
    newest = state.exchanges[-1].at
    assert counts_seconds(state, newest + timedelta(seconds=59))
    assert not counts_seconds(state, newest + timedelta(seconds=60))


async def test_the_clock_goes_on_without_any_event_and_repaints_its_own_cells() -> None:
    core = ScriptedCore(snapshot())
    async with on_stage(core, size=(120, 40)) as (app, _):
        header = app.query_one(HeaderPane)
        first = app.state.now
        assert first is not None
        await until(lambda: app.state.now is not None and app.state.now > first)
        await until(lambda: f":{app.state.now:%S}" in text_of(app).split("\n")[0])
        assert header.state is app.state
        app.post_message(StateChanged(app.state))


def test_while_the_core_is_gone_its_time_stands_still() -> None:
    watch = Watch()
    clock = CoreClock(watch)
    clock.heard(NOW)
    lost = CoreConnection(phase="lost", mode="attached", since=NOW)
    state = msgspec.structs.replace(quiet(alerts=snapshot().alerts), connection=lost, now=NOW)
    watch.at += timedelta(minutes=10)
    assert clock.core_now(state) == NOW, "nobody knows whether what stood then stands on"
    assert clock.next_s(state) is None
