"""Spend and savings over a span of the ledger, by agent, engine, zone, model, intent, day, tag or session.

What was saved is measured against sending everything to the cloud: each row's `baseline_usd` is what its tokens would
have cost there at its moment. The parts of a saving add up to it to the last digit.
"""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from backends.finops.discounts import discounts
from backends.ledger import budget_windows
from backends.ledger.prices import Prices
from backends.ledger.refusal_counts import refused_by
from backends.ledger.request_rows import stamp
from backends.ledger.rollups import RollupSum, first_request, sums
from backends.ledger.session_sums import BETWEEN, usd_parts
from backends.types import ZERO, SavedBy

By = Literal["agent", "engine", "zone", "model", "intent", "day", "tag", "session"]

UNTAGGED = "untagged"

SAVING_PARTS = ("routing", "exact_cache", "semantic_cache", "provider_cache", "optimisation")
"""The fields of SavedBy, in the order in which people read them."""

KEYS: tuple[By, ...] = ("agent", "engine", "zone", "model", "intent", "day", "tag", "session")
"""What the rows of a report can be about; days are UTC."""


class ReportLine(Struct, frozen=True, kw_only=True):
    """One row of a report. `own_cost_usd` is what is known of the own machine's cost, apart from what is billed.

    `failed` are requests that ended in an error, `refused` those that were refused before any engine was called, which
    are not among `requests`. `cached_baseline_usd` is the baseline with the prefix cache that the cloud alone would
    have had.
    """

    key: str
    requests: int = 0
    failed: int = 0
    refused: int = 0
    cost_usd: Decimal = ZERO
    baseline_usd: Decimal = ZERO
    cached_baseline_usd: Decimal = ZERO
    saved_by: SavedBy = SavedBy()
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    own_cost_usd: Decimal = ZERO

    @property
    def saved_usd(self) -> Decimal:
        return self.baseline_usd - self.cost_usd

    @property
    def saved_beside_cache_usd(self) -> Decimal:
        """What was saved against the cloud alone with its prefix cache."""
        return self.cached_baseline_usd - self.cost_usd

    def __add__(self, other: "ReportLine") -> "ReportLine":
        return ReportLine(
            key=self.key,
            requests=self.requests + other.requests,
            failed=self.failed + other.failed,
            refused=self.refused + other.refused,
            cost_usd=self.cost_usd + other.cost_usd,
            baseline_usd=self.baseline_usd + other.baseline_usd,
            cached_baseline_usd=self.cached_baseline_usd + other.cached_baseline_usd,
            saved_by=self.saved_by + other.saved_by,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_input_tokens=self.cached_input_tokens + other.cached_input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            own_cost_usd=self.own_cost_usd + other.own_cost_usd,
        )


class SpendReport(Struct, frozen=True, kw_only=True):
    since: datetime
    until: datetime
    by: By
    total: ReportLine
    rows: tuple[ReportLine, ...]


def report(
    db: sqlite3.Connection,
    *,
    since: datetime,
    until: datetime,
    by: By,
    prices: Prices,
    timezone: tzinfo | None = UTC,
) -> SpendReport:
    """Add up the final rows that started in [since, until). Days come in order, all else dearest first.

    Days are those of `timezone`, None is the machine's own; a refusal belongs to the day in which its UTC hour began.
    A session counts whole where its last request lies in the span. Refused requests stand in the rows of their agent
    and day; in a report by anything else only the total has them.
    """
    if by == "session":
        found = list(_sessions(db, since, until))
    elif by == "day":
        found = list(_days(db, since, until, prices, timezone))
    else:
        found = [
            _line(getattr(part, by) or UNTAGGED, part)
            for part in sums(db, since=since, until=until, discount=discounts(prices), by=(by, "cache"))
        ]
    refusals = refused_by(db, by, since=since, until=until, timezone=timezone)
    if by in ("agent", "day"):
        found += [ReportLine(key=key, refused=count) for key, count in refusals.items()]
    lines: dict[str, ReportLine] = {}
    for line in found:
        lines[line.key] = lines[line.key] + line if line.key in lines else line
    rows = sorted(lines.values(), key=lambda line: (ZERO if by == "day" else -line.cost_usd, line.key))
    total = replace(sum(rows, ReportLine(key="total")), refused=sum(refusals.values()))
    return SpendReport(since=since, until=until, by=by, total=total, rows=tuple(rows))


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
        failed=part.failed,
        cost_usd=part.cost_usd,
        baseline_usd=part.baseline_usd,
        cached_baseline_usd=part.cached_baseline_usd,
        saved_by=saved_by(part),
        input_tokens=part.input_tokens,
        cached_input_tokens=part.cached_input_tokens,
        output_tokens=part.output_tokens,
        own_cost_usd=part.own_cost_usd,
    )


def _days(
    db: sqlite3.Connection, since: datetime, until: datetime, prices: Prices, timezone: tzinfo | None
) -> Iterator[ReportLine]:
    """The sums of each day on which anything was asked. Days are as long as budgets' are."""
    first = first_request(db)
    since = until if first is None else max(since, first)
    while since < until:
        midnight = budget_windows.end("day", since, timezone) or until
        key = f"{since.astimezone(timezone):%Y-%m-%d}"
        for part in sums(db, since=since, until=min(midnight, until), discount=discounts(prices), by=("cache",)):
            yield _line(key, part)
        since = midnight


def _sessions(db: sqlite3.Connection, since: datetime, until: datetime) -> Iterator[ReportLine]:
    """A line for each session of an agent. An agent's name has no slash in it."""
    for row in db.execute(BETWEEN, (stamp(since), stamp(until))):
        usd = usd_parts(row)
        exact, semantic, provider = (usd[f"{name}_usd"] for name in ("exact_cache", "semantic_cache", "provider_cache"))
        routing = usd["baseline_usd"] - usd["cost_usd"] - exact - semantic - provider
        yield ReportLine(
            key=f"{row['agent']}/{row['session']}",
            requests=row["turns"],
            failed=row["failed"],
            cost_usd=usd["cost_usd"],
            baseline_usd=usd["baseline_usd"],
            cached_baseline_usd=usd["cached_baseline_usd"],
            saved_by=SavedBy(routing=routing, exact_cache=exact, semantic_cache=semantic, provider_cache=provider),
            input_tokens=row["input_tokens"],
            cached_input_tokens=row["cached_input_tokens"],
            output_tokens=row["output_tokens"],
            own_cost_usd=usd["own_cost_usd"],
        )
