"""The full report: totals by agent, model, intent, tag and day, the review, and the month's end."""

import sqlite3
from datetime import datetime, tzinfo

from msgspec import Struct

from backends.finops.discounts import discounts
from backends.finops.forecast_summary import forecast_summary
from backends.finops.review import review
from backends.finops.spend_report import UNTAGGED, SpendReport, report
from backends.ledger import budget_windows
from backends.ledger.prices import Prices
from backends.settings.model import Settings
from backends.types import Forecast, Review, Spend


class FullReport(Struct, frozen=True, kw_only=True):
    """`by_tag` is None where no request had a tag."""

    by_agent: SpendReport
    by_model: SpendReport
    by_intent: SpendReport
    by_tag: SpendReport | None
    by_day: SpendReport
    review: Review
    forecast: Forecast | None


def full_report(
    db: sqlite3.Connection,
    *,
    since: datetime,
    until: datetime,
    settings: Settings,
    prices: Prices,
    timezone: tzinfo | None,
) -> FullReport:
    """From the ledger alone, so that it needs no running core."""

    def by_day_of(window: budget_windows.Window) -> SpendReport:
        return report(db, since=budget_windows.start(window, until, timezone), until=until, by="day", prices=prices)

    today, month = by_day_of("day").total, by_day_of("month").total
    spend = Spend(
        today_usd=today.cost_usd,
        today_baseline_usd=today.baseline_usd,
        month_usd=month.cost_usd,
        month_baseline_usd=month.baseline_usd,
        today_requests=today.requests,
    )
    by_tag = report(db, since=since, until=until, by="tag", prices=prices)
    return FullReport(
        by_agent=report(db, since=since, until=until, by="agent", prices=prices),
        by_model=report(db, since=since, until=until, by="model", prices=prices),
        by_intent=report(db, since=since, until=until, by="intent", prices=prices),
        by_tag=by_tag if any(row.key != UNTAGGED for row in by_tag.rows) else None,
        by_day=report(db, since=since, until=until, by="day", prices=prices, timezone=timezone),
        review=review(db, settings=settings, prices=prices, now=until, days=max(1, (until - since).days)),
        forecast=forecast_summary(db, spend=spend, now=until, timezone=timezone, discount=discounts(prices)).forecast,
    )
