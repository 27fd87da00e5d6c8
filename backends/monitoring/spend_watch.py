"""Beside the requests: sums by the hour kept up, the month's end foreseen, and spend that is unusual told at once."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import aclosing
from datetime import tzinfo
from pathlib import Path
from typing import TypeVar

from backends import events
from backends.background import background
from backends.bus import Bus
from backends.clock import Clock
from backends.errors import ClawError
from backends.finops.anomaly import Anomaly, AnomalyDetector
from backends.finops.discounts import discounts
from backends.finops.forecast_summary import forecast_summary
from backends.finops.review import review
from backends.finops.spend_profile import SpendProfiles, spend_profiles
from backends.ledger.prices import Prices
from backends.ledger.sqlite_connection import open_read_only
from backends.ledger.store import Ledger
from backends.monitoring.activity import ActivityFeed
from backends.settings.model import Settings
from backends.types import ForecastSummary, Review

LOOK_S = 15.0
FORECAST_EVERY = 20  # looks; five minutes
PROFILES_EVERY = 240  # looks; an hour
CALM_LOOKS = 40  # ten minutes without a sign, and the alert goes

T = TypeVar("T")


class SpendWatch:
    """`run` is for a background task; `review` may be called at any time. `forecast_summary` is None at first."""

    def __init__(
        self,
        settings: Settings,
        path: Path,
        *,
        ledger: Ledger,
        prices: Prices,
        activity: ActivityFeed,
        bus: Bus,
        clock: Clock,
        timezone: tzinfo | None,
        every_s: float = LOOK_S,
    ) -> None:
        self.forecast_summary: ForecastSummary | None = None
        self._settings = settings
        self._path = path
        self._ledger = ledger
        self._prices = prices
        self._discount = discounts(prices)
        self._activity = activity
        self._bus = bus
        self._clock = clock
        self._timezone = timezone
        self._every_s = every_s
        self._detector = AnomalyDetector()
        self._profiles: SpendProfiles | None = None
        self._calm: dict[str, int] = {}

    async def run(self) -> None:
        """Look every `every_s` seconds. What the ledger cannot tell now is left for the next time."""
        async with background(self._listen()):
            look = 0
            while True:
                try:
                    await self._look(look)
                except ClawError as error:
                    self._activity.alert("spend-watch", f"spend is not watched: {error}", level="warning")
                else:
                    self._activity.clear("spend-watch")
                look += 1
                await asyncio.sleep(self._every_s)

    async def review(self) -> Review:
        """The last month as the ledger has it now. Raises LedgerError."""
        return await self._read(
            lambda db: review(db, settings=self._settings, prices=self._prices, now=self._clock.now())
        )

    async def _listen(self) -> None:
        async with aclosing(self._bus.events()) as news:
            async for event in news:
                if isinstance(event, events.Settled):
                    self._detector.record(event.outcome, self._clock.monotonic())

    async def _look(self, look: int) -> None:
        now = self._clock.now()
        if look % FORECAST_EVERY == 0:
            await self._ledger.roll_up(self._discount)
            await self._foresee()
        if look % PROFILES_EVERY == 0:
            await self._ledger.prune(self._settings.ledger.keep_days)
            self._profiles = await self._read(lambda db: spend_profiles(db, now))
        if self._profiles is not None:
            self._tell(self._detector.detect(self._profiles, self._clock.monotonic(), now))

    async def _foresee(self) -> None:
        spend, now = self._ledger.spend(), self._clock.now()
        self.forecast_summary = await self._read(
            lambda db: forecast_summary(db, spend=spend, now=now, timezone=self._timezone, discount=self._discount)
        )
        self._bus.publish(events.ForecastSampled(forecast_summary=self.forecast_summary))

    def _tell(self, found: tuple[Anomaly, ...]) -> None:
        for anomaly in found:
            self._calm[anomaly.agent] = 0
            remedy = f"claw act pin {anomaly.agent} local, or stop-cloud"
            self._activity.alert(f"spend:{anomaly.agent}", str(anomaly), remedy=remedy)
        standing = {anomaly.agent for anomaly in found}
        for agent in [agent for agent in self._calm if agent not in standing]:
            self._calm[agent] += 1
            if self._calm[agent] > CALM_LOOKS:
                del self._calm[agent]
                self._activity.clear(f"spend:{agent}")

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """In a thread, on a connection of its own: a long look holds up nobody's short one."""

        def look() -> T:
            with open_read_only(self._path) as db:
                return work(db)

        return await asyncio.to_thread(look)
