"""Incidents in the ledger: every alert from its onset to its end, a row each."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from backends.ledger.notification_rows import Notification
from backends.ledger.notification_rows import insert as insert_notifications
from backends.ledger.request_rows import moment, stamp, storable, usd_text
from backends.ledger.running_totals import RunningTotals
from backends.types import Alert


class RecordIncidents(Struct, frozen=True, kw_only=True):
    """Write alerts as they are now, over what their rows said before, and the messages that tell of them. `seen_at` is
    when the standing ones stood.
    """

    alerts: Sequence[Alert]
    seen_at: datetime
    notifications: Sequence[Notification] = ()
    guaranteed = False

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        db.executemany(RECORD, [_row(alert, alert.ended_at or self.seen_at) for alert in self.alerts])
        insert_notifications(db, self.notifications)


class PruneIncidents(Struct, frozen=True):
    """Delete what ended before `before`."""

    before: datetime
    guaranteed = False

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        db.execute("DELETE FROM incidents WHERE ended_at < ?", (stamp(self.before),))


def _row(alert: Alert, seen_at: datetime) -> tuple[object, ...]:
    return (
        alert.id,
        storable(alert.key),
        alert.severity,
        stamp(alert.since),
        None if alert.ended_at is None else stamp(alert.ended_at),
        stamp(seen_at),
        storable(alert.text),
        storable(alert.effect),
        alert.state,
        storable(alert.by),
        None if alert.silenced_until is None else stamp(alert.silenced_until),
        alert.requests,
        storable(",".join(alert.agents)),
        None if alert.cost_usd is None else usd_text(alert.cost_usd),
    )


def as_alert(row: sqlite3.Row) -> Alert:
    """An incident's row as the alert that it was."""
    ended_at, silenced_until = row["ended_at"], row["silenced_until"]
    return Alert(
        key=row["key"],
        id=row["id"],
        since=moment(row["started_at"]),
        severity=row["severity"],
        text=row["text"],
        effect=row["effect"],
        state=row["state"],
        silenced_until=None if silenced_until is None else moment(silenced_until),
        by=row["actor"],
        ended_at=None if ended_at is None else moment(ended_at),
        requests=row["requests"],
        agents=tuple(filter(None, row["agents"].split(","))),
        cost_usd=None if row["cost_usd"] is None else Decimal(row["cost_usd"]),
    )


RECORD = """
INSERT INTO incidents (
    id, key, severity, started_at, ended_at, seen_at, text, effect, state, actor, silenced_until, requests, agents,
    cost_usd
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    severity = excluded.severity, started_at = excluded.started_at, ended_at = excluded.ended_at,
    seen_at = excluded.seen_at, text = excluded.text, effect = excluded.effect, state = excluded.state,
    actor = excluded.actor, silenced_until = excluded.silenced_until,
    requests = excluded.requests, agents = excluded.agents, cost_usd = excluded.cost_usd
"""

SINCE = "SELECT * FROM incidents WHERE ended_at IS NULL OR ended_at >= ? ORDER BY started_at, rowid"
