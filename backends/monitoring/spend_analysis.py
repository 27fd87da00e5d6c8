"""What the ledger says of spend beyond the running totals: the month's end, usual spend, a review of the last month."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TypeVar

from backends.finops.discounts import discounts
from backends.finops.forecast_summary import forecast_summary
from backends.finops.review import review
from backends.finops.spend_profile import SpendProfiles, spend_profiles
from backends.ledger.prices import Prices
from backends.ledger.sqlite_connection import open_read_only
from backends.settings.model import Settings
from backends.types import ForecastSummary, Review, Spend

T = TypeVar("T")


class SpendAnalysis:
    """Reads the ledger's file at `path` in a thread, on a connection of its own, so that a long analysis delays no
    request. `timezone` is that in which days begin. Each method raises LedgerError.
    """

    def __init__(self, settings: Settings, path: Path, *, prices: Prices, timezone: tzinfo | None) -> None:
        self._settings = settings
        self._path = path
        self._prices = prices
        self._timezone = timezone
        self.discount = discounts(prices)

    async def review(self, now: datetime) -> Review:
        return await self._read(lambda db: review(db, settings=self._settings, prices=self._prices, now=now))

    async def forecast(self, spend: Spend, now: datetime) -> ForecastSummary:
        return await self._read(
            lambda db: forecast_summary(db, spend=spend, now=now, timezone=self._timezone, discount=self.discount)
        )

    async def profiles(self, now: datetime) -> SpendProfiles | None:
        return await self._read(lambda db: spend_profiles(db, now))

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def run() -> T:
            with open_read_only(self._path) as db:
                return work(db)

        return await asyncio.to_thread(run)
