"""The review: what was saved in the last month, what would save most, break-even, and prices by month."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from backends.finops import model_recommendations, waste_recommendations
from backends.finops.analysis_window import AnalysisWindow, money
from backends.finops.break_even import break_even
from backends.finops.discounts import discounts
from backends.finops.spend_report import saved_by
from backends.ledger.prices import Prices
from backends.ledger.rollups import RollupSum, sums
from backends.settings.model import Settings
from backends.types import CLOUD, ZERO, BreakEven, PriceMonth, Recommendation, Review, SavedBy

DAYS = 30
MONTHS_DAYS = 366
"""How far back the prices by month go."""

SEARCHES: tuple[Callable[[AnalysisWindow], Iterator[Recommendation]], ...] = (
    model_recommendations.dear_models,
    model_recommendations.kept_from_local,
    model_recommendations.old_models,
    model_recommendations.idle_machine,
    waste_recommendations.thinking_on_easy_prompts,
    waste_recommendations.failed_tries,
    waste_recommendations.cut_answers,
    waste_recommendations.asked_twice,
    waste_recommendations.uncached_openings,
)

MILLION = Decimal(1_000_000)
LEAST_USD = Decimal("0.01")
"""A saving a month below this is not recommended."""


def review(db: sqlite3.Connection, *, settings: Settings, prices: Prices, now: datetime, days: int = DAYS) -> Review:
    """Read the last `days`. It scans their rows, so call it in a thread."""
    since = now - timedelta(days=days)
    discount = discounts(prices)
    cost = baseline = cached_baseline = ZERO
    saved = SavedBy()
    for part in sums(db, since=since, until=now, discount=discount, by=("cache",)):
        cost, baseline, saved = cost + part.cost_usd, baseline + part.baseline_usd, saved + saved_by(part)
        cached_baseline += part.cached_baseline_usd
    window = AnalysisWindow(db=db, since=since, until=now, prices=prices, settings=settings)
    return Review(
        at=now,
        days=days,
        saved_by=saved,
        cost_usd=cost,
        baseline_usd=baseline,
        cached_baseline_usd=cached_baseline,
        recommendations=recommendations(window),
        break_even=_break_even(window),
        months=_price_trend(
            sums(db, since=now - timedelta(days=MONTHS_DAYS), until=now, discount=discount, by=("month", "zone"))
        ),
    )


def recommendations(window: AnalysisWindow) -> tuple[Recommendation, ...]:
    """The recommendations, the largest saving first; those without an amount come last."""
    found = [
        one for search in SEARCHES for one in search(window) if one.usd_month is None or one.usd_month >= LEAST_USD
    ]
    return tuple(sorted(found, key=lambda one: (one.usd_month is None, -(one.usd_month or ZERO), one.title)))


def _break_even(window: AnalysisWindow) -> BreakEven:
    (row,) = window.rows(LOCAL)
    (whole,) = window.rows(ALL)
    answered = row["requests"] or 0
    return break_even(
        window.settings.costs.local,
        cloud_usd=money(row["baseline"]) / answered if answered else None,
        seconds=row["ms"] / 1000 if answered else None,
        places=window.local_places,
        requests_month=int(window.a_month(Decimal(whole["requests"]))),
    )


def _price_trend(parts: Iterable[RollupSum]) -> tuple[PriceMonth, ...]:
    """What a million tokens of the cloud cost and how many a request took, oldest month first; months are UTC."""
    paid = sorted((part for part in parts if part.zone == CLOUD), key=lambda part: part.month)
    return tuple(map(_price_month, paid))


def _price_month(part: RollupSum) -> PriceMonth:
    tokens = part.input_tokens + part.output_tokens + part.thinking_tokens
    answered = part.requests - part.failed
    return PriceMonth(
        month=part.month,
        requests=answered,
        cost_usd=part.cost_usd,
        usd_per_mtok=part.cost_usd / tokens * MILLION if tokens else None,
        tokens_per_request=tokens / answered if answered else None,
    )


LOCAL = """
SELECT count(*) AS requests, usd_sum(baseline_usd) AS baseline, avg(latency_ms) AS ms FROM requests
WHERE started_at >= ? AND started_at < ? AND zone = 'local' AND engine <> 'cache' AND finish = 'stop'
"""

ALL = """
SELECT count(*) AS requests FROM requests
WHERE started_at >= ? AND started_at < ? AND finish NOT IN ('error', 'cancelled')
"""
