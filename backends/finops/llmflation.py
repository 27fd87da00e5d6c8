"""LLMflation, month by month: what a million tokens cost, how many a request takes, and what that came to."""

from collections.abc import Iterable
from decimal import Decimal

from backends.ledger.rollups import Sum
from backends.types import PriceMonth

MILLION = Decimal(1_000_000)


def price_months(parts: Iterable[Sum]) -> tuple[PriceMonth, ...]:
    """From sums by month and engine, of which the cloud's count, oldest first; months are UTC."""
    paid = sorted((part for part in parts if part.engine == "cloud"), key=lambda part: part.month)
    return tuple(map(_price_month, paid))


def _price_month(part: Sum) -> PriceMonth:
    tokens = part.input_tokens + part.output_tokens + part.thinking_tokens
    return PriceMonth(
        month=part.month,
        requests=part.requests,
        cost_usd=part.cost_usd,
        usd_per_mtok=part.cost_usd / tokens * MILLION if tokens else None,
        tokens_per_request=tokens / part.requests if part.requests else None,
    )
