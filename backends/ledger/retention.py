"""Retention: old rows are deleted. Their hourly sums stay for reports, and the sums of their charges for budgets."""

import sqlite3
from datetime import datetime

from msgspec import Struct

from backends.ledger.request_rows import stamp
from backends.ledger.running_totals import RunningTotals


class Prune(Struct, frozen=True, kw_only=True):
    """Delete up to `rows` final rows that started before `before` and are in the sums by the hour, with their bodies.

    `before` must lie before every budget's running window but "total".
    """

    before: datetime
    rows: int
    guaranteed = False

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        db.execute("CREATE TEMP TABLE IF NOT EXISTS leaving (id TEXT PRIMARY KEY)")
        db.execute("DELETE FROM leaving")
        db.execute(CHOOSE, (stamp(self.before), self.rows))
        db.execute(KEEP_CHARGES)
        db.execute(REACH)
        for table in ("charges", "bodies", "requests"):
            db.execute(f"DELETE FROM {table} WHERE id IN (SELECT id FROM leaving)")  # noqa: S608 — our own tables
        db.execute("DELETE FROM leaving")


CHOOSE = """
INSERT INTO leaving
SELECT id FROM requests WHERE started_at < ? AND rowid <= (SELECT seen_to FROM rollups_reach)
ORDER BY started_at LIMIT ?
"""

KEEP_CHARGES = """
INSERT INTO charges
SELECT '', min(charged_at), agent, engine, model, usd_sum(usd), usd_sum(beyond_usd), session, run
FROM charges WHERE id IN (SELECT id FROM leaving)
GROUP BY substr(charged_at, 1, 10), agent, engine, model, session, run
"""

# "z" sorts after every minute of the hour: what is left of it would be less than the whole.
REACH = """
UPDATE rollups_reach SET rows_from = max(rows_from, coalesce(
    (SELECT substr(max(started_at), 1, 13) || 'z' FROM requests WHERE id IN (SELECT id FROM leaving)), ''))
"""
