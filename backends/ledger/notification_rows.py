"""Messages to the operator in the ledger: written together with the incident that they tell of, so that a crash loses
none, and kept for a week once they are delivered.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import Struct

from backends.ledger.request_rows import moment, stamp
from backends.ledger.running_totals import RunningTotals
from backends.types import Severity

KEPT = timedelta(days=7)


class PushMessage(Struct, frozen=True, kw_only=True):
    """What a receiver is told of an alert: our own words and figures. `id` is the incident's, `since` its onset."""

    event: Literal["raised", "changed", "ended", "test"]
    id: str
    key: str
    severity: Severity
    text: str
    effect: str = ""
    remedy: str = ""
    since: datetime
    ended_at: datetime | None = None
    requests: int = 0
    agents: tuple[str, ...] = ()
    cost_usd: Decimal | None = None
    rehearsal: bool = False


class Notification(Struct, frozen=True, kw_only=True):
    """A message to one receiver, `target`. `delivered_at` is None while it waits."""

    id: str
    target: str
    created_at: datetime
    message: PushMessage
    delivered_at: datetime | None = None


def insert(db: sqlite3.Connection, notifications: Sequence[Notification]) -> None:
    """Write new messages; one that still waits for the same receiver and incident is replaced by its newer one."""
    for one in notifications:
        db.execute(SUPERSEDED, (one.message.id, one.target))
        message = msgspec.json.encode(one.message).decode()
        db.execute(INSERT, (one.id, one.message.id, one.target, stamp(one.created_at), message))


class SettleNotifications(Struct, frozen=True, kw_only=True):
    """Note that messages were delivered, delete others unsent, and forget those of more than a week ago."""

    delivered: Sequence[str] = ()
    dropped: Sequence[str] = ()
    at: datetime
    guaranteed = False

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        db.executemany(
            "UPDATE notifications SET delivered_at = ? WHERE id = ?", [(stamp(self.at), id) for id in self.delivered]
        )
        db.executemany("DELETE FROM notifications WHERE id = ?", [(id,) for id in self.dropped])
        db.execute("DELETE FROM notifications WHERE created_at < ?", (stamp(self.at - KEPT),))


def as_notification(row: sqlite3.Row) -> Notification:
    delivered_at = row["delivered_at"]
    return Notification(
        id=row["id"],
        target=row["target"],
        created_at=moment(row["created_at"]),
        message=msgspec.json.decode(row["message"], type=PushMessage),
        delivered_at=None if delivered_at is None else moment(delivered_at),
    )


SUPERSEDED = "DELETE FROM notifications WHERE incident = ? AND target = ? AND delivered_at IS NULL"
INSERT = "INSERT OR IGNORE INTO notifications (id, incident, target, created_at, message) VALUES (?, ?, ?, ?, ?)"

OPEN = """
SELECT * FROM notifications
WHERE delivered_at IS NULL OR incident IN (SELECT id FROM incidents WHERE ended_at IS NULL)
ORDER BY created_at, rowid
"""
"""Those that wait, and those that tell what is known of incidents that stand."""
