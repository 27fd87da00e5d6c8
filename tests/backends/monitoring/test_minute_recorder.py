"""The recorder of minutes, also while the ledger takes nothing."""

import asyncio
from datetime import datetime
from pathlib import Path

from backends.clock import ManualClock
from backends.ledger.minutes import Minute, minutes_between
from backends.ledger.sqlite_connection import open_read_only
from backends.monitoring.minute_recorder import UNWRITTEN, MinuteRecorder
from backends.monitoring.request_series import RequestSeries
from backends.monitoring.touched import EndedRequest, How
from backends.telemetry.history import History
from tests.backends.ledger.samples import opened, paths
from tests.backends.monitoring.outcomes import an_outcome


def ended(clock: ManualClock, how: How) -> EndedRequest:
    return EndedRequest(at=clock.monotonic(), began=clock.now(), ended=clock.now(), agent="ada", how=how)


def on_record(home: Path, since: datetime, until: datetime) -> list[Minute]:
    with open_read_only(paths(home).ledger) as db:
        return minutes_between(db, since, until)


async def test_a_ledger_that_takes_nothing_does_not_matter(tmp_path: Path) -> None:
    clock, history = ManualClock(), History()
    series = RequestSeries(history)
    async with opened(tmp_path, clock=clock) as ledger:
        recorder = MinuteRecorder(
            ledger=ledger, history=history, requests=series, state=lambda: {"health.local": 3.0}, clock=clock
        )
        began = clock.now()
        series.refused(ended(clock, "failed"))
        series.refused(ended(clock, "refused"))
        await recorder.record()
        assert recorder.running().failed == 1, "the minute has not ended"
        clock.advance(60)
        await recorder.record()
        (minute,) = await asyncio.to_thread(on_record, tmp_path, began, clock.now())
        assert (minute.failed, minute.refused, minute.sampled) == (1, 1, {"health.local": 3.0})
        await ledger.close()
        for _ in range(UNWRITTEN + 5):
            series.refused(ended(clock, "failed"))
            clock.advance(60)
            await recorder.record()
    kept = recorder.unwritten()
    assert len(kept) == UNWRITTEN + 1
    assert [each.failed for each in kept] == [1] * UNWRITTEN + [0]


def test_the_history_counts_requests_and_ranks_latencies() -> None:
    clock, history = ManualClock(), History(step_s=10, points=3)
    series = RequestSeries(history)
    history.advance(0)
    for latency_ms in (100.0, 200.0, 900.0):
        series.settled(an_outcome(latency_ms=latency_ms), ended(clock, "local"))
    series.settled(an_outcome(finish="error", latency_ms=9e9), ended(clock, "failed"))
    series.settled(an_outcome(source="shadow"), None)
    series.refused(ended(clock, "refused"))
    assert history.advance(10) == {
        "requests": 5,
        "failed": 1,
        "refused": 1,
        "spend_usd": 0,
        "latency_p50_ms": 200,
        "latency_p95_ms": 900,
    }
    points = history.advance(20)
    assert points is not None
    assert (points["failed"], points["latency_p50_ms"]) == (0, None), "none failed is known, how long none took is not"
