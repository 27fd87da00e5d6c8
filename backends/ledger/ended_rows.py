"""Requests by when they ended, which is not a column: what a moment of the past is put together from."""

import sqlite3
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from backends.ledger.request_rows import decode, moment, stamp
from backends.types import CacheResult, EngineName, Finish, Outcome, Source, Zone

LONGEST_CALL = timedelta(minutes=15)
"""Requests that began this long before a moment are taken to have ended by then."""


class EndedRow(Struct, frozen=True, kw_only=True):
    """Of a request that was admitted: when it began and ended, and how."""

    id: str
    began: datetime
    ended: datetime
    source: Source
    agent: str
    zone: Zone
    cache: CacheResult
    finish: Finish
    error_kind: str | None
    cost_usd: Decimal
    baseline_usd: Decimal


class OpenRow(Struct, frozen=True, kw_only=True):
    """A request that was admitted and has not ended to this day."""

    id: str
    began: datetime
    agent: str
    engine: EngineName
    model: str
    intent: str
    complexity: float
    sensitive: bool


def still_open(db: sqlite3.Connection, at: datetime) -> tuple[OpenRow, ...]:
    """Those that had begun by `at`, by their beginning."""
    return tuple(
        OpenRow(
            id=row["id"],
            began=moment(row["started_at"]),
            agent=row["agent"],
            engine=row["engine"],
            model=row["model"],
            intent=row["intent"],
            complexity=row["complexity"],
            sensitive=bool(row["sensitive"]),
        )
        for row in db.execute(OPEN, (stamp(at),))
    )


def rows_around(db: sqlite3.Connection, at: datetime) -> list[EndedRow]:
    """Those that began in the quarter of an hour up to `at`, by their beginning; some had not ended then."""
    rows = db.execute(AROUND, (stamp(at - LONGEST_CALL), stamp(at)))
    return [
        EndedRow(
            id=row["id"],
            began=(began := moment(row["started_at"])),
            ended=began + timedelta(milliseconds=row["latency_ms"]),
            source=row["source"],
            agent=row["agent"],
            zone=row["zone"],
            cache=row["cache"],
            finish=row["finish"],
            error_kind=row["error_kind"],
            cost_usd=Decimal(row["cost_usd"]),
            baseline_usd=Decimal(row["baseline_usd"]),
        )
        for row in rows
    ]


def last_begun(db: sqlite3.Connection, at: datetime, limit: int) -> tuple[Outcome, ...]:
    """The last `limit` requests that had begun by `at`, oldest first, without those that nobody waited for."""
    return tuple(decode(row) for row in reversed(db.execute(LAST, (stamp(at), limit)).fetchall()))


AROUND = """
SELECT id, started_at, latency_ms, source, agent, zone, cache, finish, error_kind, cost_usd, baseline_usd
FROM requests WHERE started_at >= ? AND started_at <= ? ORDER BY started_at, rowid
"""

OPEN = """
SELECT id, started_at, agent, engine, model, intent, complexity, sensitive
FROM admissions WHERE started_at <= ? AND source <> 'shadow' ORDER BY started_at
"""

LAST = """
SELECT * FROM requests WHERE started_at <= ? AND source <> 'shadow' ORDER BY started_at DESC, rowid DESC LIMIT ?
"""
