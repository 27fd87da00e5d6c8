"""Counts of requests that were refused before any engine was called, by the hour, agent and reason."""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from msgspec import Struct

from backends.ledger.request_rows import stamp
from backends.ledger.running_totals import RunningTotals

Key = tuple[str, str, str]
"""Hour ("2026-11-24T14", UTC), agent, and reason, which is an error's `kind`."""


class CountRefusals(Struct, frozen=True):
    """Add to the counts. Many refusals are one command, so that a storm of them is not a storm of rows."""

    counts: Mapping[Key, int]
    guaranteed = False

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        db.executemany(ADD, [(*key, count) for key, count in self.counts.items()])


ADD = """
INSERT INTO refusals (hour, agent, reason, count) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET count = count + excluded.count
"""

SINCE = """
SELECT agent, reason, sum(count) AS count, max(hour) AS last_hour FROM refusals WHERE hour >= ? GROUP BY agent, reason
"""


def refused_by(
    db: sqlite3.Connection, by: str, *, since: datetime, until: datetime, timezone: tzinfo | None = UTC
) -> dict[str, int]:
    """Refused requests from the hour of `since` on and before `until`, by agent or by day, else all by agent.

    A day is that of `timezone` in which the UTC hour began.
    """
    key = "hour" if by == "day" else "agent"
    found = db.execute(
        f"SELECT {key} AS key, sum(count) AS count FROM refusals WHERE hour >= ? AND hour < ? GROUP BY 1",  # noqa: S608 — our own column
        (stamp(since)[:13], stamp(until)),
    )
    counts: Counter[str] = Counter()
    for row in found:
        day = f"{_hour(row['key']).astimezone(timezone):%Y-%m-%d}" if by == "day" else row["key"]
        counts[day] += row["count"]
    return dict(counts)


def _hour(stamped: str) -> datetime:
    return datetime.fromisoformat(f"{stamped}:00+00:00")
