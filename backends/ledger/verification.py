"""Does the file keep its promises? SQLite's own check, then the invariants that no schema can hold."""

import sqlite3
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

import msgspec

from backends.ledger.rows import StoredAttempt
from backends.types import ZERO, Tokens

LEFT_OPEN = "open although no core runs; the next start settles it"


def faults(db: sqlite3.Connection, *, core_runs: bool) -> Iterator[str]:
    """Yield what is wrong, a line each; nothing for a sound ledger. Reads every page and every row."""
    for row in db.execute("PRAGMA integrity_check(20)"):
        if row[0] != "ok":
            yield " ".join(str(row[0]).split())
    for row in db.execute("SELECT * FROM requests"):
        yield from _row_faults(row)
    for row in db.execute(CHARGED):
        if Decimal(row["charged"]) < Decimal(row["cost_usd"]):
            yield f"request {row['id']}: budgets were charged {row['charged']}, its row costs {row['cost_usd']}"
    for row in db.execute("SELECT id FROM admissions WHERE id IN (SELECT id FROM requests)"):
        yield f"request {row['id']}: final, yet still open"
    for row in db.execute("SELECT DISTINCT id FROM reservations WHERE id NOT IN (SELECT id FROM admissions)"):
        yield f"request {row['id']}: a reservation without an open call"
    if not core_runs:
        for row in db.execute("SELECT id FROM admissions"):
            yield f"request {row['id']}: {LEFT_OPEN}"


def _row_faults(row: sqlite3.Row) -> Iterator[str]:
    try:
        attempts = msgspec.json.decode(row["attempts"], type=list[StoredAttempt])
        cost, baseline = Decimal(row["cost_usd"]), Decimal(row["baseline_usd"])
        sum_usd = sum((Decimal(attempt.cost_usd) for attempt in attempts), ZERO)
    except (msgspec.MsgspecError, InvalidOperation) as error:
        yield f"request {row['id']}: unreadable ({error.__class__.__name__})"
        return
    if cost < 0 or baseline < 0:
        yield f"request {row['id']}: an amount below zero"
    if sum_usd != cost:
        yield f"request {row['id']}: its attempts cost {sum_usd:f}, its row says {cost:f}"
    tokens = Tokens(
        input=row["input_tokens"],
        output=row["output_tokens"],
        thinking=row["thinking_tokens"],
        cached_input=row["cached_input_tokens"],
    )
    if attempts and sum((attempt.tokens for attempt in attempts), Tokens()) != tokens:
        yield f"request {row['id']}: its tokens are not the sums over its attempts"


CHARGED = """
SELECT requests.id, requests.cost_usd, coalesce(paid.usd, '0') AS charged
FROM requests LEFT JOIN (SELECT id, usd_sum(usd) AS usd FROM charges GROUP BY id) AS paid USING (id)
WHERE requests.cost_usd <> '0'
"""
