"""The timeline against rows and minutes that were written at known times."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import WrongUse
from backends.ledger import migrations
from backends.ledger.minutes import KEPT, Minute, RecordMinutes
from backends.ledger.request_rows import encode, stamp
from backends.ledger.running_totals import RunningTotals
from backends.ledger.sqlite_connection import extend
from backends.monitoring.timeline import MOST_STEPS, read_timeline, step_of
from backends.types import Finish, Source, Timeline
from tests.backends.monitoring.outcomes import an_outcome

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
CALLERS = ("context", "rejected")


class Row(NamedTuple):
    """A request that began `second` seconds after noon."""

    second: float
    finish: Finish = "stop"
    error_kind: str | None = None
    latency_ms: float = 100.0
    cost_usd: Decimal = Decimal(0)
    source: Source = "gateway"


FINISHES: tuple[Finish, ...] = ("stop", "length", "blocked", "cancelled", "error")
SOURCES: tuple[Source, ...] = ("gateway", "chat", "shadow")
ROWS = st.lists(
    st.builds(
        Row,
        second=st.floats(-600, 7200),
        finish=st.sampled_from(FINISHES),
        error_kind=st.sampled_from(("timeout", "no_engine", *CALLERS)),
        latency_ms=st.floats(0, 1e5),
        cost_usd=st.sampled_from([Decimal(0), Decimal("0.25"), Decimal("0.0625")]),
        source=st.sampled_from(SOURCES),
    ),
    max_size=40,
)


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def timeline(
    rows: Sequence[Row] = (),
    minutes: Sequence[Minute] = (),
    *,
    since: float = 0,
    until: float = 3600,
    unwritten: Sequence[Minute] = (),
) -> Timeline:
    """Of a ledger that holds these rows and minutes."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrations.migrate(db)
        extend(db)
        for index, row in enumerate(rows):
            columns = encode(
                an_outcome(
                    id=f"r{index}",
                    started_at=at(row.second),
                    finish=row.finish,
                    error_kind=row.error_kind,
                    latency_ms=row.latency_ms,
                    cost_usd=row.cost_usd,
                    source=row.source,
                )
            ) | {"charged_at": stamp(at(row.second))}
            names, places = ", ".join(columns), ", ".join(f":{name}" for name in columns)
            db.execute(f"INSERT INTO requests ({names}) VALUES ({places})", columns)  # noqa: S608 — our own columns
        for minute in minutes:
            RecordMinutes((minute,)).apply(db, RunningTotals((), at(7200)))
        return read_timeline(db, at(since), at(until), unwritten=unwritten)


def total(series: Sequence[float | None]) -> float:
    return sum(value for value in series if value is not None)


@given(ROWS, st.integers(0, 3600), st.integers(60, 90_000))
def test_the_steps_sum_up_to_the_rows(rows: list[Row], since: int, span: int) -> None:
    found = timeline(rows, since=since, until=since + span)
    inside = [row for row in rows if found.since <= at(row.second) < at(since + span)]
    waited_for = [row for row in inside if row.source != "shadow"]
    errors = [row for row in waited_for if row.finish == "error"]
    assert total(found.series["requests"]) == len(waited_for)
    assert total(found.series["failed"]) == sum(row.error_kind not in CALLERS for row in errors)
    assert total(found.series["refused"]) == sum(row.error_kind in CALLERS for row in errors)
    assert total(found.series["spend_usd"]) == pytest.approx(float(sum(row.cost_usd for row in inside)))
    answered = [row.latency_ms for row in waited_for if row.finish not in ("error", "cancelled")]
    known = [value for value in found.series["latency_p95_ms"] if value is not None]
    assert set(known) <= set(answered)
    assert max(known, default=None) == max(answered, default=None) or len(answered) > len(known)


@given(st.integers(-90_000, 90_000), st.integers(1, 31 * 86_400))
def test_a_timeline_has_a_bounded_number_of_steps_that_hold_its_whole_time(since: int, span: int) -> None:
    found = timeline(since=since, until=since + span)
    steps = {len(series) for series in found.series.values()}
    assert steps <= set(range(1, MOST_STEPS + 2))
    assert found.since <= at(since) < found.since + timedelta(seconds=found.step_s)
    assert found.until - timedelta(seconds=found.step_s) < at(since + span) <= found.until
    assert all(value is None for series in found.series.values() for value in series), "nothing is on record"


def test_a_step_of_an_hour_is_a_minute_and_of_a_day_ten() -> None:
    assert step_of(at(0), at(3600)) == 60
    assert step_of(at(0), at(86_400)) == 600


@pytest.mark.parametrize("span", [0, -60, 32 * 86_400])
def test_a_span_that_is_none_or_too_long_is_refused(span: int) -> None:
    with pytest.raises(WrongUse):
        step_of(at(0), at(span))


def test_a_request_counts_in_the_minute_in_which_it_began() -> None:
    rows = [Row(59.999), Row(60.0, latency_ms=500_000), Row(60.0, "error", "timeout")]
    found = timeline(rows, until=240)
    assert found.series["requests"] == (1, 2, None, None)
    assert found.series["failed"] == (0, 1, None, None)
    assert found.series["latency_p50_ms"] == (100, 500_000, None, None)


def test_requests_without_a_row_count_and_a_minute_on_record_is_known() -> None:
    minutes = [Minute(at=at(0)), Minute(at=at(60), failed=3, refused=1)]
    found = timeline([Row(70, "error", "timeout")], minutes, until=180)
    assert found.series["requests"] == (0, 5, None)
    assert found.series["failed"] == (0, 4, None)
    assert found.series["refused"] == (0, 1, None)
    assert found.series["spend_usd"] == (0, 0, None)


def test_the_running_minute_is_known_before_it_is_written() -> None:
    running = Minute(at=at(120), failed=2, sampled={"queue.local": 7.0})
    assert timeline(until=150, unwritten=[running]).series["failed"] == (None, None, 2)
    assert timeline(until=150, unwritten=[running]).series["queue.local"] == (None, None, 7)
    assert timeline(until=120, unwritten=[running]).series["failed"] == (None, None)


def test_a_long_step_shows_the_longest_wait_the_worst_health_and_else_the_mean() -> None:
    minutes = [
        Minute(at=at(0), sampled={"queue.local": 2, "oldest_wait_s.local": 9, "health.local": 3, "host.cpu": 10}),
        Minute(at=at(60), sampled={"queue.local": 8, "oldest_wait_s.local": 1, "health.local": 1, "host.cpu": 30}),
    ]
    found = timeline(minutes=minutes, until=86_400).series
    assert [found[name][0] for name in ("queue.local", "oldest_wait_s.local", "health.local", "host.cpu")] == [
        8,
        9,
        1,
        20,
    ]


def test_a_minute_that_two_cores_wrote_has_the_requests_of_both() -> None:
    minutes = [
        Minute(at=at(0), failed=1, sampled={"queue.local": 2, "host.cpu": 5}),
        Minute(at=at(0), failed=2, refused=1, sampled={"queue.local": 3}),
    ]
    found = timeline(minutes=minutes, until=60).series
    assert (found["failed"], found["refused"]) == ((3,), (1,))
    assert (found["queue.local"], found["host.cpu"]) == ((3,), (5,))


def test_minutes_are_kept_for_a_week() -> None:
    old, kept = at(7200) - KEPT - timedelta(minutes=1), at(7200) - KEPT
    minutes = [Minute(at=old, failed=1), Minute(at=kept, failed=1)]
    found = timeline(minutes=minutes, since=7200 - KEPT.total_seconds() - 120, until=7200 - KEPT.total_seconds() + 120)
    assert found.series["failed"] == (None, None, 1, None)
