"""Spend and savings over a span of the ledger, by agent, engine, model, intent or day.

What was saved is measured against sending everything to the cloud: each row's `baseline_usd` is what its tokens would
have cost there at its moment. The parts of a saving add up to it to the last digit.
"""

import sqlite3
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import Struct

from backends.ledger.prices import Prices, UnknownPrice
from backends.ledger.rows import StoredAttempt, moment, stamp
from backends.types import ZERO

By = Literal["agent", "engine", "model", "intent", "day"]

KEYS: dict[By, str] = {
    "agent": "agent",
    "engine": "engine",
    "model": "model",
    "intent": "intent",
    "day": "substr(started_at, 1, 10)",
}
"""SQL for what the rows of a report are about; days are UTC."""


class SavedBy(Struct, frozen=True, kw_only=True):
    """Where a saving comes from. `routing` is below zero where more was paid than the cloud alone would have cost."""

    routing: Decimal = ZERO
    exact_cache: Decimal = ZERO
    semantic_cache: Decimal = ZERO
    provider_cache: Decimal = ZERO
    optimisation: Decimal = ZERO

    def __add__(self, other: "SavedBy") -> "SavedBy":
        return SavedBy(
            routing=self.routing + other.routing,
            exact_cache=self.exact_cache + other.exact_cache,
            semantic_cache=self.semantic_cache + other.semantic_cache,
            provider_cache=self.provider_cache + other.provider_cache,
            optimisation=self.optimisation + other.optimisation,
        )


class Line(Struct, frozen=True, kw_only=True):
    """One row of a report."""

    key: str
    requests: int = 0
    cost_usd: Decimal = ZERO
    baseline_usd: Decimal = ZERO
    saved_by: SavedBy = SavedBy()
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def saved_usd(self) -> Decimal:
        return self.baseline_usd - self.cost_usd

    def __add__(self, other: "Line") -> "Line":
        return Line(
            key=self.key,
            requests=self.requests + other.requests,
            cost_usd=self.cost_usd + other.cost_usd,
            baseline_usd=self.baseline_usd + other.baseline_usd,
            saved_by=self.saved_by + other.saved_by,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
        )


class Report(Struct, frozen=True, kw_only=True):
    since: datetime
    until: datetime
    by: By
    total: Line
    rows: tuple[Line, ...]


def report(db: sqlite3.Connection, *, since: datetime, until: datetime, by: By, prices: Prices) -> Report:
    """Add up the final rows that started in [since, until). Days come in order, all else dearest first."""
    span = (stamp(since), stamp(until))
    discounts = _provider_discounts(db, by, span, prices)
    lines: dict[str, Line] = {}
    for row in db.execute(TOTALS.format(key=KEYS[by]), span):
        line = _line(row, discounts[row["key"]])
        lines[line.key] = lines.get(line.key, Line(key=line.key)) + line
    rows = sorted(lines.values(), key=lambda line: (ZERO if by == "day" else -line.cost_usd, line.key))
    return Report(since=since, until=until, by=by, total=sum(rows, Line(key="total")), rows=tuple(rows))


def _line(row: sqlite3.Row, discount: Decimal) -> Line:
    cost, baseline = Decimal(row["cost"]), Decimal(row["baseline"])
    saved = baseline - cost
    match row["cache"]:
        case "exact":
            saved_by = SavedBy(exact_cache=saved)
        case "semantic":
            saved_by = SavedBy(semantic_cache=saved)
        case _:
            saved_by = SavedBy(routing=saved - discount, provider_cache=discount)
    return Line(
        key=row["key"],
        requests=row["requests"],
        cost_usd=cost,
        baseline_usd=baseline,
        saved_by=saved_by,
        input_tokens=row["input"],
        output_tokens=row["output"],
    )


def _provider_discounts(
    db: sqlite3.Connection, by: By, span: tuple[str, str], prices: Prices
) -> defaultdict[str, Decimal]:
    """By key, what the provider took off for prompts it had cached, where the baseline does not have it off already."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in db.execute(DISCOUNTED.format(key=KEYS[by]), span):
        at = moment(row["started_at"])
        attempts = msgspec.json.decode(row["attempts"], type=list[StoredAttempt])
        off = sum((_discount(attempt, at, prices) for attempt in attempts), ZERO)
        found[row["key"]] += min(off, max(ZERO, Decimal(row["baseline_usd"]) - Decimal(row["cost_usd"])))
    return found


def _discount(attempt: StoredAttempt, at: datetime, prices: Prices) -> Decimal:
    """None is claimed unless today's price table gives exactly what the call was priced at."""
    if attempt.engine != "cloud" or not attempt.tokens.cached_input:
        return ZERO
    try:
        priced = prices.cost(attempt.model, attempt.tokens, at).usd
        undiscounted = prices.cost(attempt.model, msgspec.structs.replace(attempt.tokens, cached_input=0), at).usd
    except UnknownPrice:
        return ZERO
    return max(ZERO, undiscounted - priced) if priced == Decimal(attempt.cost_usd) else ZERO


TOTALS = """
SELECT {key} AS key, CASE WHEN cache IN ('exact', 'semantic') THEN cache ELSE 'none' END AS cache, count(*) AS requests,
       usd_sum(cost_usd) AS cost, usd_sum(baseline_usd) AS baseline,
       sum(input_tokens) AS input, sum(output_tokens) AS output
FROM requests WHERE started_at >= ? AND started_at < ? GROUP BY 1, 2
"""

DISCOUNTED = """
SELECT {key} AS key, started_at, cost_usd, baseline_usd, attempts
FROM requests WHERE started_at >= ? AND started_at < ? AND cached_input_tokens > 0 AND cache IN ('miss', 'bypass')
"""
