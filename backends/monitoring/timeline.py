"""The timeline: what the ledger's rows and minutes tell of a stretch of time, in equal steps."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from backends.errors import WrongUse
from backends.ledger.minutes import Minute, minutes_between
from backends.ledger.request_rows import stamp
from backends.monitoring.traffic_window import CALLERS_FAULT
from backends.telemetry.history import percentile
from backends.types import Health, Timeline

STEPS_S = (60, 120, 300, 600, 1800, 3600, 7200, 14_400, 86_400)
MOST_STEPS = 150
LONGEST = timedelta(days=31)
HIGHEST = ("queue.", "waiting.", "will_miss.", "predicted_wait_s.", "oldest_wait_s.", "in_flight.")
LOWEST = ("health.",)
"""Series of which a step shows the worst minute; of the others it shows the mean."""

HEALTH: tuple[Health, ...] = ("unknown", "down", "degraded", "up")
"""An engine's health as a number is its place here."""

CACHE_COUNTS = ("lookups", "exact_hits", "semantic_hits", "shared_flights", "entries", "bytes")
"""Those of `CacheStats` that are sampled, as "cache.lookups"."""


def step_of(since: datetime, until: datetime) -> int:
    """The seconds of a step: a minute for up to two hours, ten minutes for a day. Raises WrongUse."""
    if not timedelta() < until - since <= LONGEST:
        raise WrongUse(f"a timeline has up to {LONGEST.days} days and ends after it begins")
    return next(step for step in STEPS_S if (until - since).total_seconds() <= step * MOST_STEPS)


def read_timeline(
    db: sqlite3.Connection, since: datetime, until: datetime, *, unwritten: Iterable[Minute] = ()
) -> Timeline:
    """From the step that `since` lies in to the one that ends at `until` or after it, without alerts.

    Requests count in the step in which they began, those that nobody waited for with their cost alone. `unwritten` are
    minutes that are not in the ledger yet. A step of which nothing is on record is unknown. Raises WrongUse.
    """
    step_s = step_of(since, until)
    first = int(since.timestamp()) // step_s * step_s
    steps = -(-(until.timestamp() - first) // step_s)
    timeline = _Steps(first, step_s, int(steps))
    for row in db.execute(ROWS, (stamp(timeline.moment(0)), stamp(until))):
        timeline.add_row(row)
    timeline.add_minutes(minutes_between(db, timeline.moment(0), until))
    timeline.add_minutes(minute for minute in unwritten if timeline.moment(0) <= minute.at < until)
    return timeline.whole()


class _Steps:
    def __init__(self, first: int, step_s: int, steps: int) -> None:
        self._first = first
        self._step_s = step_s
        self._known = [False] * steps
        self._requests, self._failed, self._refused = [0] * steps, [0] * steps, [0] * steps
        self._spend = [0.0] * steps
        self._latencies: list[list[float]] = [[] for _ in range(steps)]
        self._sampled: dict[str, list[list[float]]] = {}
        self._step_of_minute: dict[str, int] = {}

    def moment(self, step: int) -> datetime:
        return datetime.fromtimestamp(self._first + step * self._step_s, UTC)

    def add_row(self, row: tuple[str, str, str, str | None, float, str]) -> None:
        """A row of ROWS."""
        started_at, source, finish, error_kind, latency_ms, cost_usd = row
        minute = started_at[:16]
        step = self._step_of_minute.get(minute)
        if step is None:  # reading a time is dear, and rows of one minute follow each other
            step = self._step_of_minute[minute] = self._step(datetime.fromisoformat(f"{minute}+00:00"))
        self._known[step] = True
        if cost_usd != "0":
            self._spend[step] += float(cost_usd)
        if source == "shadow":
            return
        self._requests[step] += 1
        if finish == "error":
            counts = self._refused if error_kind in CALLERS_FAULT else self._failed
            counts[step] += 1
        elif finish != "cancelled":
            self._latencies[step].append(latency_ms)

    def add_minutes(self, minutes: Iterable[Minute]) -> None:
        for minute in minutes:
            step = self._step(minute.at)
            self._known[step] = True
            self._requests[step] += minute.failed + minute.refused
            self._failed[step] += minute.failed
            self._refused[step] += minute.refused
            for name, value in minute.sampled.items():
                if name not in self._sampled:
                    self._sampled[name] = [[] for _ in self._known]
                self._sampled[name][step].append(value)

    def whole(self) -> Timeline:
        ordered = [sorted(values) for values in self._latencies]
        return Timeline(
            since=self.moment(0),
            until=self.moment(len(self._known)),
            step_s=float(self._step_s),
            series={
                "requests": self._where_known(self._requests),
                "failed": self._where_known(self._failed),
                "refused": self._where_known(self._refused),
                "latency_p50_ms": tuple(percentile(values, 50) for values in ordered),
                "latency_p95_ms": tuple(percentile(values, 95) for values in ordered),
                "spend_usd": self._where_known(self._spend),
                **{
                    name: tuple(_of_step(name, values) if values else None for values in series)
                    for name, series in self._sampled.items()
                },
            },
        )

    def _step(self, at: datetime) -> int:
        return min(len(self._known) - 1, max(0, (int(at.timestamp()) - self._first) // self._step_s))

    def _where_known(self, values: Iterable[float]) -> tuple[float | None, ...]:
        return tuple(
            round(float(value), 9) if known else None for value, known in zip(values, self._known, strict=True)
        )


def _of_step(name: str, values: list[float]) -> float:
    if name.startswith(HIGHEST):
        return max(values)
    return min(values) if name.startswith(LOWEST) else sum(values) / len(values)


ROWS = """
SELECT started_at, source, finish, error_kind, latency_ms, cost_usd FROM requests
WHERE started_at >= ? AND started_at < ?
"""
