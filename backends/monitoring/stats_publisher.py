"""Spend and cache for watchers: published after settled requests, a few times a second at most, with their alerts."""

import asyncio

from backends import events
from backends.bus import Bus
from backends.cache.response_cache import ResponseCache
from backends.ledger.store import Ledger
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import (
    CACHE_FAILED,
    LEDGER_FAILED,
    LEDGER_SPILLS,
    SEMANTIC_CACHE_FAILED,
)
from backends.types import CacheStats, LedgerState, Spend

EVERY_S = 0.25


class StatsPublisher:
    def __init__(self, bus: Bus, *, ledger: Ledger, cache: ResponseCache, alerts: Alerts) -> None:
        self._bus = bus
        self._ledger = ledger
        self._cache = cache
        self._alerts = alerts
        self._due: asyncio.TimerHandle | None = None

    def schedule(self) -> None:
        """Publish soon: once for all that changes meanwhile."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(EVERY_S, self._publish)

    def close(self) -> None:
        if self._due is not None:
            self._due.cancel()

    def spend(self) -> Spend:
        """Budgets and spend at this moment."""
        return self._ledger.spend()

    def ledger(self) -> LedgerState:
        """Whether rows reach the ledger's file."""
        return self._ledger.state()

    def cache(self) -> CacheStats:
        """The cache at this moment."""
        return self._cache.stats()

    def _publish(self) -> None:
        self._due = None
        self._alerts.update(LEDGER_SPILLS, self._ledger.spill_status())
        if self.ledger().status == "ok":  # which request met it first, and when, admission and settlement say
            self._alerts.clear(LEDGER_FAILED)
        self._bus.publish(events.SpendSampled(spend=self.spend()))
        stats = self.cache()
        self._alerts.update(CACHE_FAILED, stats.problem)
        self._alerts.update(SEMANTIC_CACHE_FAILED, stats.semantic_detail if stats.semantic == "failed" else "")
        self._bus.publish(events.CacheSampled(stats=stats))
