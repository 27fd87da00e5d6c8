"""Spend and savings over a span of the ledger, by agent, engine, zone, model, intent, day or tag.

What was saved is measured against sending everything to the cloud: each row's `baseline_usd` is what its tokens would
have cost there at its moment. The parts of a saving add up to it to the last digit.
"""

import sqlite3
from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from backends.finops.discounts import discounts
from backends.ledger.prices import Prices
from backends.ledger.rollups import RollupSum, sums
from backends.types import ZERO, SavedBy

By = Literal["agent", "engine", "zone", "model", "intent", "day", "tag"]

UNTAGGED = "untagged"

SAVING_PARTS = ("routing", "exact_cache", "semantic_cache", "provider_cache", "optimisation")
"""The fields of SavedBy, in the order in which people read them."""

KEYS: tuple[By, ...] = ("agent", "engine", "zone", "model", "intent", "day", "tag")
"""What the rows of a report can be about; days are UTC."""


class ReportLine(Struct, frozen=True, kw_only=True):
    """One row of a report. `own_cost_usd` is what is known of the own machine's cost, apart from what is billed."""

    key: str
    requests: int = 0
    cost_usd: Decimal = ZERO
    baseline_usd: Decimal = ZERO
    saved_by: SavedBy = SavedBy()
    input_tokens: int = 0
    output_tokens: int = 0
    own_cost_usd: Decimal = ZERO

    @property
    def saved_usd(self) -> Decimal:
        return self.baseline_usd - self.cost_usd

    def __add__(self, other: "ReportLine") -> "ReportLine":
        return ReportLine(
            key=self.key,
            requests=self.requests + other.requests,
            cost_usd=self.cost_usd + other.cost_usd,
            baseline_usd=self.baseline_usd + other.baseline_usd,
            saved_by=self.saved_by + other.saved_by,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            own_cost_usd=self.own_cost_usd + other.own_cost_usd,
        )


class SpendReport(Struct, frozen=True, kw_only=True):
    since: datetime
    until: datetime
    by: By
    total: ReportLine
    rows: tuple[ReportLine, ...]


def report(db: sqlite3.Connection, *, since: datetime, until: datetime, by: By, prices: Prices) -> SpendReport:
    """Add up the final rows that started in [since, until). Days come in order, all else dearest first."""
    lines: dict[str, ReportLine] = {}
    for part in sums(db, since=since, until=until, discount=discounts(prices), by=(by, "cache")):
        line = _line(getattr(part, by) or UNTAGGED, part)
        lines[line.key] = lines.get(line.key, ReportLine(key=line.key)) + line
    rows = sorted(lines.values(), key=lambda line: (ZERO if by == "day" else -line.cost_usd, line.key))
    return SpendReport(since=since, until=until, by=by, total=sum(rows, ReportLine(key="total")), rows=tuple(rows))


def saved_by(part: RollupSum) -> SavedBy:
    """The saving of one sum, under what it came from."""
    saved = part.baseline_usd - part.cost_usd
    match part.cache:
        case "exact":
            return SavedBy(exact_cache=saved)
        case "semantic":
            return SavedBy(semantic_cache=saved)
        case _:
            discount = part.provider_discount_usd
            return SavedBy(routing=saved - discount, provider_cache=discount)


def _line(key: str, part: RollupSum) -> ReportLine:
    return ReportLine(
        key=key,
        requests=part.requests,
        cost_usd=part.cost_usd,
        baseline_usd=part.baseline_usd,
        saved_by=saved_by(part),
        input_tokens=part.input_tokens,
        output_tokens=part.output_tokens,
        own_cost_usd=part.own_cost_usd,
    )
