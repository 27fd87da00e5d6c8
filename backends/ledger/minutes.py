"""What no row tells, minute by minute: requests that ended without one, and what was sampled. Kept for a week."""

import sqlite3
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from backends.ledger.running_totals import RunningTotals

KEPT = timedelta(days=7)


class Minute(Struct, frozen=True, kw_only=True):
    """The minute that begins at `at`. `sampled` has a number for each series; one that is not known is missing.

    `failed` and `refused` are requests that ended without a row in the ledger.
    """

    at: datetime
    failed: int = 0
    refused: int = 0
    sampled: dict[str, float] = {}


class RecordMinutes(Struct, frozen=True):
    """Write minutes and delete old ones. What is known of one already is added to: a core may begin in its middle."""

    minutes: tuple[Minute, ...]
    guaranteed = False

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        db.executemany(
            ADD,
            [(minute_text(one.at), one.failed, one.refused, _encoder.encode(one.sampled)) for one in self.minutes],
        )
        db.execute("DELETE FROM minutes WHERE minute < ?", (minute_text(totals.moment - KEPT),))


def minutes_between(db: sqlite3.Connection, since: datetime, until: datetime) -> list[Minute]:
    """Those that begin in [since, until), oldest first; a minute in which no core ran is not among them."""
    almost = timedelta(minutes=1, microseconds=-1)
    return [
        Minute(at=_moment(minute), failed=failed, refused=refused, sampled=_decoder.decode(sampled))
        for minute, failed, refused, sampled in db.execute(
            BETWEEN, (minute_text(since + almost), minute_text(until + almost))
        )
    ]


def minute_text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")


def _moment(minute: str) -> datetime:
    return datetime.fromisoformat(minute).replace(tzinfo=UTC)


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[dict[str, float]] = msgspec.json.Decoder(dict[str, float])

ADD = """
INSERT INTO minutes (minute, failed, refused, sampled) VALUES (?, ?, ?, CAST(? AS TEXT))
ON CONFLICT DO UPDATE SET failed = failed + excluded.failed, refused = refused + excluded.refused,
                          sampled = json_patch(sampled, excluded.sampled)
"""

BETWEEN = "SELECT minute, failed, refused, sampled FROM minutes WHERE minute >= ? AND minute < ?"
