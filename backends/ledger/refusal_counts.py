"""Counts of requests that were refused before any engine was called, by the hour, agent and reason."""

import sqlite3
from collections.abc import Mapping

from msgspec import Struct

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
