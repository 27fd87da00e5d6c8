"""Crash recovery: a call that a dead core may have sent is settled at its reservation, as its cost is unknown.

One that still waited for its turn cannot have been billed, and is settled at nothing.
"""

import sqlite3
from collections import Counter
from decimal import Decimal

from backends.ledger.request_rows import moment, zone_of
from backends.ledger.sent_marks import WasSent
from backends.ledger.write_commands import Settle
from backends.types import ZERO, Attempt, Outcome, Tokens, Zone

NEVER_SENT = "the core stopped before this call was sent: send it again"
STOPPED = "the core stopped during this call"


def unfinished(db: sqlite3.Connection, was_sent: WasSent) -> list[Settle]:
    """The final row of every open call: finish "error", an attempt for each reservation whose call may have left."""
    return [_settlement(db, row, was_sent) for row in db.execute("SELECT * FROM admissions ORDER BY rowid").fetchall()]


def _settlement(db: sqlite3.Connection, row: sqlite3.Row, was_sent: WasSent) -> Settle:
    attempts = _attempts(db, row, was_sent)
    cost = sum((attempt.cost_usd for attempt in attempts), ZERO)
    last = attempts[-1] if attempts else None
    outcome = Outcome(
        id=row["id"],
        agent=row["agent"],
        session=row["session"],
        run=row["run"],
        started_at=moment(row["started_at"]),
        source=row["source"],
        engine=last.engine if last else row["engine"],
        zone=last.zone if last else _zone(db, row),
        model=last.model if last else row["model"],
        intent=row["intent"],
        complexity=row["complexity"],
        sensitive=bool(row["sensitive"]),
        reasons=(),
        cache="miss",
        tokens=sum((attempt.tokens for attempt in attempts), Tokens()),
        cost_usd=cost,
        baseline_usd=cost,
        ttft_ms=None,
        latency_ms=0.0,
        finish="error",
        attempts=attempts,
        usage_estimated=bool(attempts),
        notes=(
            ("recovered: settled at its reservation, its true end is not known",)
            if attempts
            else ("recovered: it was not sent",)
        ),
        error=f"{STOPPED}: send it again" if attempts else NEVER_SENT,
    )
    return Settle(outcome=outcome, charged_usd=cost)


def _attempts(db: sqlite3.Connection, row: sqlite3.Row, was_sent: WasSent) -> tuple[Attempt, ...]:
    numbers: Counter[tuple[str, str]] = Counter()
    attempts = []
    for one in _reservations(db, row["id"]):
        called = one["engine"], one["model"]
        if was_sent(row["id"], *called, numbers[called]):
            attempts.append(
                Attempt(
                    engine=one["engine"],
                    zone=one["zone"] or zone_of(one["engine"]),
                    model=one["model"],
                    tokens=Tokens(input=row["input_tokens"]),
                    cost_usd=Decimal(one["usd"]),
                    error=STOPPED,
                    estimated=True,
                )
            )
        numbers[called] += 1
    return tuple(attempts)


def _zone(db: sqlite3.Connection, row: sqlite3.Row) -> Zone:
    held = next((one["zone"] for one in _reservations(db, row["id"]) if one["engine"] == row["engine"]), None)
    return held or zone_of(row["engine"])


def _reservations(db: sqlite3.Connection, id: str) -> list[sqlite3.Row]:
    held = db.execute("SELECT engine, zone, model, usd FROM reservations WHERE id = ? ORDER BY rowid", (id,))
    return held.fetchall()
