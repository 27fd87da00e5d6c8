"""LLMflation, month by month: what a million tokens cost, how many a request takes, and what that came to."""

from collections.abc import Iterable
from decimal import Decimal

from backends.ledger.rollups import Sum
from backends.types import ZERO, PriceMonth

MILLION = Decimal(1_000_000)


def price_months(parts: Iterable[Sum]) -> tuple[PriceMonth, ...]:
    """From sums by month and engine, of which the cloud's count, oldest first; months are UTC."""
    totals: dict[str, tuple[int, int, Decimal]] = {}
    for part in parts:
        if part.engine == "cloud":
            requests, tokens, usd = totals.get(part.month, (0, 0, ZERO))
            more = part.input_tokens + part.output_tokens + part.thinking_tokens
            totals[part.month] = requests + part.requests, tokens + more, usd + part.cost_usd
    return tuple(
        PriceMonth(
            month=month,
            requests=requests,
            cost_usd=usd,
            usd_per_mtok=usd / tokens * MILLION if tokens else None,
            tokens_per_request=tokens / requests if requests else None,
        )
        for month, (requests, tokens, usd) in sorted(totals.items())
    )
