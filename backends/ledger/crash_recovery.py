"""Crash recovery: a call that was in flight when a core died is settled at its reservation, as its cost is unknown."""

import sqlite3
from decimal import Decimal

from backends.ledger.request_rows import moment, zone_of
from backends.ledger.write_commands import Settle
from backends.types import ZERO, Attempt, Outcome, Tokens


def unfinished(db: sqlite3.Connection) -> list[Settle]:
    """The final row of every open call: finish "error", usage estimated, an attempt for each reservation."""
    return [_settlement(db, row) for row in db.execute("SELECT * FROM admissions ORDER BY rowid").fetchall()]


def _settlement(db: sqlite3.Connection, row: sqlite3.Row) -> Settle:
    tokens = Tokens(input=row["input_tokens"])
    held = db.execute("SELECT engine, zone, model, usd FROM reservations WHERE id = ? ORDER BY rowid", (row["id"],))
    attempts = tuple(
        Attempt(
            engine=one["engine"],
            zone=one["zone"] or zone_of(one["engine"]),
            model=one["model"],
            tokens=tokens,
            cost_usd=Decimal(one["usd"]),
            error="the core stopped during this call",
            estimated=True,
        )
        for one in held
    )
    cost = sum((attempt.cost_usd for attempt in attempts), ZERO)
    outcome = Outcome(
        id=row["id"],
        agent=row["agent"],
        session=row["session"],
        run=row["run"],
        started_at=moment(row["started_at"]),
        source=row["source"],
        engine=attempts[-1].engine,
        zone=attempts[-1].zone,
        model=attempts[-1].model,
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
        usage_estimated=True,
        notes=("recovered: settled at its reservation, its true end is not known",),
        error="the core stopped during this call: send it again",
    )
    return Settle(outcome=outcome, charged_usd=cost)
