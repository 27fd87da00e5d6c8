"""The timeline as pictures: of an incident, live and from a moment of the past; and its faces without one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from backends.types import CacheStats, Timeline
from console.app import ClawApp
from console.messages import TimelineLoaded
from console.state import ViewState, look_back
from tests.console.scene import engines, snapshot
from tests.console.scene_exchanges import NOW
from tests.snapshots.test_screens import Compare, Still, pressing, scene

MINUTE = timedelta(minutes=1)
UNTIL = NOW.replace(second=0) + MINUTE
REQUESTS = tuple(30.0 + (minute * 7) % 11 for minute in range(60))
FAILED = (*(0.0,) * 48, 4.0, 30.0, 33.0, 36.0, 12.0, *(0.0,) * 7)
UNKNOWN: tuple[float | None, ...] = (None,) * 9
LOOKED_AT = Timeline(
    since=UNTIL - 60 * MINUTE,
    until=UNTIL,
    step_s=60,
    series={
        "requests": UNKNOWN + REQUESTS[9:],
        "failed": UNKNOWN + FAILED[9:],
        "refused": (0.0,) * 60,
        "latency_p50_ms": tuple(600.0 + 20 * value for value in REQUESTS),
        "latency_p95_ms": tuple(2400.0 + 400 * value for value in FAILED),
        "spend_usd": tuple(0.0002 * value for value in REQUESTS),
        "oldest_wait_s.local": tuple(2.0 * value for value in FAILED),
        "oldest_wait_s.cloud": (0.0,) * 60,
    },
    alerts=(
        replace(snapshot().alerts[0], id="over", since=NOW - 12 * MINUTE, ended_at=NOW - 7 * MINUTE),
        replace(
            snapshot().alerts[0], id="long ago", severity="warning", since=NOW - 90 * MINUTE, ended_at=NOW - 55 * MINUTE
        ),
    ),
)
SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=["narrow", "split", "wide"])


def looked_back(*, recorded: bool = True) -> ViewState:
    """Ten minutes ago, in the middle of the incident."""
    at = NOW.replace(second=0) - 10 * MINUTE
    known = engines() if recorded else tuple(replace(engine, health="unknown") for engine in engines())
    then = snapshot(
        at=at,
        past=True,
        engines=known,
        agents=(),
        gpu=None,
        host=None,
        runtime=None,
        runtimes={},
        sessions=(),
        cache=CacheStats(lookups=120, exact_hits=24, semantic_hits=7, entries=310, bytes=812_000),
    )
    return look_back(scene(), then)


def with_timeline(loaded: TimelineLoaded, *keys: str) -> Callable[[Pilot[None]], Any]:
    async def press(pilot: Pilot[None]) -> None:
        await pressing(*keys)(pilot)
        assert isinstance(pilot.app, ClawApp)
        pilot.app.main.timeline.post_message(loaded)
        await pilot.pause()

    return press


@SIZES
def test_live(snap_compare: Compare, size: tuple[int, int]) -> None:
    loaded = with_timeline(TimelineLoaded(timeline=LOOKED_AT), "7")
    assert snap_compare(Still(scene()), terminal_size=size, run_before=loaded)


@SIZES
@pytest.mark.parametrize("pane", ["1", "2", "3", "5", "7"])
def test_past(snap_compare: Compare, size: tuple[int, int], pane: str) -> None:
    loaded = with_timeline(TimelineLoaded(timeline=LOOKED_AT), pane)
    assert snap_compare(Still(looked_back()), terminal_size=size, run_before=loaded)


@pytest.mark.parametrize("pane", ["1", "3", "5"])
def test_nothing_on_record(snap_compare: Compare, pane: str) -> None:
    shown = Still(looked_back(recorded=False))
    assert snap_compare(shown, terminal_size=(80, 24), run_before=pressing(pane))


def test_loading(snap_compare: Compare) -> None:
    assert snap_compare(Still(scene()), terminal_size=(80, 24), run_before=pressing("7"))


def test_failed(snap_compare: Compare) -> None:
    line = "the ledger /home/ada/.local/state/claw/ledger.db cannot be used: free space on its disk"
    loaded = with_timeline(TimelineLoaded(line=line), "7")
    assert snap_compare(Still(scene()), terminal_size=(80, 24), run_before=loaded)
