"""A comparison of two spans of equal length: what changed, and by how much."""

import sqlite3
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from msgspec import Struct

from backends.finops.spend_report import By, ReportLine, SpendReport, report
from backends.ledger.prices import Prices
from backends.types import ZERO


class Change(Struct, frozen=True, kw_only=True):
    """One key in both spans, with zeros for a span in which it does not appear."""

    before: ReportLine
    after: ReportLine

    @property
    def key(self) -> str:
        return self.after.key

    @property
    def cost_usd(self) -> Decimal:
        return self.after.cost_usd - self.before.cost_usd

    @property
    def share(self) -> Decimal | None:
        """The change as a share of the earlier cost; None where that was 0."""
        return self.cost_usd / self.before.cost_usd if self.before.cost_usd else None


class Comparison(Struct, frozen=True, kw_only=True):
    before: SpendReport
    after: SpendReport
    rows: tuple[Change, ...]
    total: Change


def compare(
    db: sqlite3.Connection,
    *,
    since: datetime,
    until: datetime,
    by: By,
    prices: Prices,
    timezone: tzinfo | None = UTC,
) -> Comparison:
    """[since, until) against as long a span right before it; the largest change first, days in order."""
    after = report(db, since=since, until=until, by=by, prices=prices, timezone=timezone)
    before = report(db, since=since - (until - since), until=since, by=by, prices=prices, timezone=timezone)
    was, now = ({line.key: line for line in one.rows} for one in (before, after))
    rows = [
        Change(before=was.get(key, ReportLine(key=key)), after=now.get(key, ReportLine(key=key)))
        for key in {*was, *now}
    ]
    rows.sort(key=lambda row: (ZERO if by == "day" else -abs(row.cost_usd), row.key))
    return Comparison(
        before=before, after=after, rows=tuple(rows), total=Change(before=before.total, after=after.total)
    )
