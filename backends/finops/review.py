"""What the ledger's last month says of where money goes: savings, the next ones, break-even, and prices by month."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from backends.finops import inertia, waste
from backends.finops.break_even import break_even
from backends.finops.discounts import discounts
from backends.finops.llmflation import price_months
from backends.finops.look import Look, money
from backends.finops.report import saved_by
from backends.ledger.prices import Prices
from backends.ledger.rollups import sums
from backends.settings.model import Settings
from backends.types import ZERO, BreakEven, Recommendation, Review, SavedBy

DAYS = 30
MONTHS_DAYS = 366
"""How far back prices by month go."""

SEARCHES: tuple[Callable[[Look], Iterator[Recommendation]], ...] = (
    inertia.dear_models,
    inertia.kept_from_local,
    inertia.old_models,
    inertia.idle_machine,
    waste.thinking_on_easy_prompts,
    waste.failed_tries,
    waste.cut_answers,
    waste.asked_twice,
    waste.uncached_openings,
)

LEAST_USD = Decimal("0.01")
"""A month's saving below this is not worth a line."""


def review(db: sqlite3.Connection, *, settings: Settings, prices: Prices, now: datetime, days: int = DAYS) -> Review:
    """Read the last `days`; takes as long as a scan of their rows, so it belongs in a thread."""
    since = now - timedelta(days=days)
    discount = discounts(prices)
    cost = baseline = ZERO
    saved = SavedBy()
    for part in sums(db, since=since, until=now, discount=discount, by=("cache",)):
        cost, baseline, saved = cost + part.cost_usd, baseline + part.baseline_usd, saved + saved_by(part)
    look = Look(db=db, since=since, until=now, prices=prices, settings=settings)
    return Review(
        at=now,
        days=days,
        saved_by=saved,
        cost_usd=cost,
        baseline_usd=baseline,
        recommendations=recommendations(look),
        break_even=_break_even(look),
        months=price_months(
            sums(
                db,
                since=now - timedelta(days=MONTHS_DAYS),
                until=now,
                discount=discount,
                by=("month", "engine"),
            )
        ),
    )


def recommendations(look: Look) -> tuple[Recommendation, ...]:
    """All that is worth a line, the largest saving first; what is not money comes last."""
    found = [one for search in SEARCHES for one in search(look) if one.usd_month is None or one.usd_month >= LEAST_USD]
    return tuple(sorted(found, key=lambda one: (one.usd_month is None, -(one.usd_month or ZERO), one.title)))


def _break_even(look: Look) -> BreakEven:
    (row,) = look.rows(LOCAL)
    (whole,) = look.rows(ALL)
    answered = row["requests"] or 0
    return break_even(
        look.settings.costs.local,
        cloud_usd=money(row["baseline"]) / answered if answered else None,
        seconds=row["ms"] / 1000 if answered else None,
        parallel=look.settings.engines.local.parallel,
        requests_month=int(look.a_month(Decimal(whole["requests"]))),
    )


LOCAL = """
SELECT count(*) AS requests, usd_sum(baseline_usd) AS baseline, avg(latency_ms) AS ms FROM requests
WHERE started_at >= ? AND started_at < ? AND engine = 'local' AND finish = 'stop'
"""

ALL = "SELECT count(*) AS requests FROM requests WHERE started_at >= ? AND started_at < ?"
