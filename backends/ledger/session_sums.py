"""Sums of each session, kept in the table behind `sessions_v1` and written with each final row."""

import sqlite3
from collections.abc import Mapping
from decimal import Decimal

from backends.types import ZERO, Outcome

Value = str | int | float | None


def added(outcome: Outcome, row: Mapping[str, Value]) -> dict[str, Value]:
    """What a request adds to its session, from its outcome and its row. A shadow request is no turn, yet it costs."""
    saved = outcome.baseline_usd - outcome.cost_usd
    turn = outcome.source != "shadow"
    discount = outcome.provider_discount_usd
    return {
        **{name: row[name] for name in COPIED},
        "exact_cache_usd": f"{saved:f}" if outcome.cache == "exact" else "0",
        "semantic_cache_usd": f"{saved:f}" if outcome.cache == "semantic" else "0",
        "provider_cache_usd": f"{min(discount, max(ZERO, saved)):f}" if discount else "0",
        "client": outcome.client[:CLIENT_LENGTH],
        "turns": int(turn),
        "asks": int(turn and not outcome.continues),
        "failed": int(outcome.finish == "error"),
        "own_cost_usd": row["own_cost_usd"] or "0",
        "cached_baseline_usd": row["cached_baseline_usd"] or row["baseline_usd"],
    }


def usd_parts(row: sqlite3.Row) -> dict[str, Decimal]:
    """The amounts of a row of `sessions`, by column."""
    return {name: Decimal(row[name]) for name in MONEY}


CLIENT_LENGTH = 64

COPIED = (
    "session",
    "agent",
    "run",
    "started_at",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "thinking_tokens",
    "cost_usd",
    "baseline_usd",
    "engine",
)

MONEY = (
    "cost_usd",
    "own_cost_usd",
    "baseline_usd",
    "cached_baseline_usd",
    "exact_cache_usd",
    "semantic_cache_usd",
    "provider_cache_usd",
)
COUNTS = ("turns", "asks", "failed", "input_tokens", "cached_input_tokens", "output_tokens", "thinking_tokens")

COLUMNS = ("session", "agent", "client", "run", "started_at", "last_at", *COUNTS, *MONEY, "engines")

BETWEEN = "SELECT * FROM sessions WHERE last_at >= ? AND last_at < ?"

ADDED = ",\n    ".join(
    f"{name} = iif(excluded.{name} = '0', {name}, usd_add({name}, excluded.{name}))" for name in MONEY
)
"""Most amounts are 0, and calling Python for each costs more than all the rest."""

PARAMETERS = ", ".join(f":{name}" for name in (*COUNTS, *MONEY))

ADD_TO_SESSION = f"""
INSERT INTO sessions ({", ".join(COLUMNS)})
VALUES (:session, :agent, :client, :run, :started_at, :started_at, {PARAMETERS},
        :engine)
ON CONFLICT DO UPDATE SET
    client = iif(excluded.client <> '', excluded.client, client),
    run = iif(excluded.run <> '', excluded.run, run),
    started_at = min(started_at, excluded.started_at),
    last_at = max(last_at, excluded.last_at),
    {", ".join(f"{name} = {name} + excluded.{name}" for name in COUNTS)},
    {ADDED},
    engines = iif(instr(',' || engines || ',', ',' || excluded.engines || ','), engines,
                  engines || ',' || excluded.engines)
"""  # noqa: S608 — names of our own columns
