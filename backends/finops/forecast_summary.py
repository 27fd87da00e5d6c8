"""The forecast summary: the month's end, what the month saved and by what, and each agent's last 24 hours."""

import sqlite3
from collections import defaultdict
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal

from backends.finops.forecast import LOOKS_BACK_DAYS, DaySpend, forecast
from backends.finops.spend_report import saved_by
from backends.ledger import budget_windows
from backends.ledger.rollups import Discount, sums
from backends.types import ZERO, ForecastSummary, SavedBy, Spend

HOURS = 24


def forecast_summary(
    db: sqlite3.Connection, *, spend: Spend, now: datetime, timezone: tzinfo | None, discount: Discount
) -> ForecastSummary:
    """As of `now`; days and months are those of `timezone`, None is the machine's own."""
    today = now.astimezone(timezone).date()
    day_start, month_start = (budget_windows.start(window, now, timezone) for window in ("day", "month"))
    month, month_cost, cached_baseline = SavedBy(), ZERO, ZERO
    days: defaultdict[date, Decimal] = defaultdict(Decimal)
    by_hour: dict[str, list[float]] = {}
    since = min(month_start, budget_windows.start("day", now - timedelta(days=LOOKS_BACK_DAYS), timezone))
    for part in sums(
        db, since=since, until=now + timedelta(microseconds=1), discount=discount, by=("hour", "agent", "cache")
    ):
        hour = datetime.fromisoformat(f"{part.hour}:00:00+00:00")
        if hour >= month_start:
            month += saved_by(part)
            month_cost, cached_baseline = month_cost + part.cost_usd, cached_baseline + part.cached_baseline_usd
        if hour < day_start:
            days[hour.astimezone(timezone).date()] += part.cost_usd
        if (ago := int((now - hour) / timedelta(hours=1))) < HOURS and part.cost_usd:
            by_hour.setdefault(part.agent, [0.0] * HOURS)[HOURS - 1 - ago] += float(part.cost_usd)
    return ForecastSummary(
        at=now,
        forecast=forecast(
            _consecutive(days, today),
            month_so_far=spend.month_usd,
            today=today,
            today_so_far=spend.today_usd,
        ),
        month_saved_by=month,
        month_cached_baseline_usd=cached_baseline,
        month_saved_beside_cache_usd=cached_baseline - month_cost,
        by_hour={agent: tuple(hours) for agent, hours in sorted(by_hour.items())},
    )


def _consecutive(days: dict[date, Decimal], today: date) -> list[DaySpend]:
    """Every day from the first with spend to yesterday."""
    first = min((on for on, usd in days.items() if usd), default=today)
    return [
        DaySpend(on, float(days.get(on, 0)))
        for on in (first + timedelta(days=index) for index in range((today - first).days))
    ]
