"""Discounts of providers for cached input, as far as the baseline does not contain them already."""

import sqlite3
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from backends.ledger.prices import Prices, UnknownPrice
from backends.ledger.request_rows import StoredAttempt, moment
from backends.ledger.rollups import Discount
from backends.types import CLOUD, ZERO


def discounts(prices: Prices) -> Discount:
    """A function from a ledger row to its discount: 0 unless today's price table gives exactly what its calls cost."""

    def discount(row: sqlite3.Row) -> Decimal:
        at = moment(row["started_at"])
        off = ZERO
        for attempt in msgspec.json.decode(row["attempts"], type=list[StoredAttempt]):
            if attempt.place == CLOUD and attempt.tokens.cached_input:
                models = {attempt.model, attempt.model_asked or attempt.model}
                off += max(_off(prices, model, attempt, at) for model in models)
        return min(off, max(ZERO, Decimal(row["baseline_usd"]) - Decimal(row["cost_usd"])))

    return discount


def _off(prices: Prices, model: str, attempt: StoredAttempt, at: datetime) -> Decimal:
    """The discount of a call, if it was booked at this model's price."""
    try:
        priced = prices.cost(attempt.engine, model, attempt.tokens, at).usd
        undiscounted = prices.cost(attempt.engine, model, replace(attempt.tokens, cached_input=0), at).usd
    except UnknownPrice:
        return ZERO
    return max(ZERO, undiscounted - priced) if priced == Decimal(attempt.cost_usd) else ZERO
