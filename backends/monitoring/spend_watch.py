"""Spend over time: hourly sums kept up to date, the month's end forecast, and an alert where spend is unusual."""

import asyncio
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from backends import events
from backends.background import background
from backends.bus import Bus
from backends.clock import Clock
from backends.errors import ClawError
from backends.finops.anomaly import Anomaly, AnomalyDetector
from backends.finops.spend_profile import SpendProfiles
from backends.ledger.store import Ledger
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import SPEND_NOT_WATCHED, SPEND_UNUSUAL
from backends.monitoring.spend_analysis import SpendAnalysis
from backends.monitoring.touched import Touches
from backends.types import ZERO, Action, Choice, ForecastSummary, Review

CHECK_S = 15.0
FORECAST_EVERY = 20
"""Checks between two forecasts: five minutes."""

PROFILES_EVERY = 240
"""Checks between two readings of what is usual: an hour."""

CALM_CHECKS = 40
"""Checks without a sign after which the alert is cleared: ten minutes."""


class Excess(Struct, kw_only=True):
    """What an agent has spent since its spend became unusual, and for how many checks it has been usual again."""

    since: datetime
    spent_usd: Decimal
    usual_usd_s: float
    calm_checks: int = 0

    @classmethod
    def of(cls, anomaly: Anomaly) -> "Excess":
        return cls(
            since=anomaly.since,
            spent_usd=Decimal(str(round(anomaly.spent_usd, 6))),
            usual_usd_s=anomaly.usual_usd / (60 * anomaly.minutes),
        )

    def usd(self, now: datetime) -> Decimal:
        """What it is beyond the usual."""
        usual = self.usual_usd_s * (now - self.since).total_seconds()
        return max(ZERO, self.spent_usd - Decimal(str(round(usual, 6))))


class SpendWatch:
    """`run` is for a background task; `review` may be called at any time. `forecast_summary` is None at first.

    `keep_days` is how long rows are kept, None for ever.
    """

    def __init__(
        self,
        analysis: SpendAnalysis,
        *,
        ledger: Ledger,
        alerts: Alerts,
        bus: Bus,
        clock: Clock,
        keep_days: int | None,
        every_s: float = CHECK_S,
    ) -> None:
        self.forecast_summary: ForecastSummary | None = None
        self._analysis = analysis
        self._ledger = ledger
        self._alerts = alerts
        self._bus = bus
        self._clock = clock
        self._keep_days = keep_days
        self._every_s = every_s
        self._detector = AnomalyDetector()
        self._profiles: SpendProfiles | None = None
        self._excesses: dict[str, Excess] = {}

    async def run(self) -> None:
        """Check every `every_s` seconds. Where the ledger cannot be read, the next check tries again."""
        async with background(self._record_settled()):
            count = 0
            while True:
                try:
                    await self._check(count)
                except ClawError as error:
                    self._alerts.show(SPEND_NOT_WATCHED, error=error)
                else:
                    self._alerts.clear(SPEND_NOT_WATCHED)
                count += 1
                await asyncio.sleep(self._every_s)

    async def review(self) -> Review:
        """The last month as the ledger has it now. Raises LedgerError."""
        return await self._analysis.review(self._clock.now())

    async def _record_settled(self) -> None:
        async with aclosing(self._bus.events()) as stream:
            async for event in stream:
                if isinstance(event, events.Settled):
                    self._detector.record(event.outcome, self._clock.monotonic())
                    if (excess := self._excesses.get(event.outcome.agent)) is not None:
                        excess.spent_usd += event.outcome.cost_usd

    async def _check(self, count: int) -> None:
        now = self._clock.now()
        if count % FORECAST_EVERY == 0:
            await self._ledger.roll_up(self._analysis.discount)
            self.forecast_summary = await self._analysis.forecast(self._ledger.spend(), self._clock.now())
            self._bus.publish(events.ForecastSampled(forecast_summary=self.forecast_summary))
        if count % PROFILES_EVERY == 0:
            await self._ledger.prune(self._keep_days)
            self._profiles = await self._analysis.profiles(now)
        if self._profiles is not None:
            self._update_alerts(self._detector.detect(self._profiles, self._clock.monotonic(), now), now)

    def _update_alerts(self, found: tuple[Anomaly, ...], now: datetime) -> None:
        for anomaly in found:
            excess = self._excesses.setdefault(anomaly.agent, Excess.of(anomaly))
            excess.calm_checks = 0
            self._show(anomaly, excess, now)
        unusual = {anomaly.agent for anomaly in found}
        for agent, excess in list(self._excesses.items()):
            excess.calm_checks += agent not in unusual
            if excess.calm_checks > CALM_CHECKS:
                del self._excesses[agent]
                self._alerts.clear(SPEND_UNUSUAL, agent=agent)

    def _show(self, anomaly: Anomaly, excess: Excess, now: datetime) -> None:
        agent = anomaly.agent
        pause, stop = Action(verb="pause", actor="console", agent=agent), Action(verb="stop-cloud", actor="console")
        self._alerts.show(
            SPEND_UNUSUAL,
            agent=agent,
            anomaly=anomaly,
            since=excess.since,
            cost_usd=excess.usd(now),
            touches=Touches(agent=agent),
            choices=(Choice(label=f"pause {agent}", action=pause), Choice(label="stop the cloud", action=stop)),
        )
