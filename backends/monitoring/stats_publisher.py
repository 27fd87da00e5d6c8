"""Spend and cache for watchers: published after settled requests, a few times a second at most, with their alerts."""

import asyncio
from typing import Any

from backends import events
from backends.bus import Bus
from backends.cache.response_cache import ResponseCache
from backends.ledger.store import Ledger
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import (
    BUDGET_NEARLY_SPENT,
    BUDGET_OVERRUN,
    CACHE_FAILED,
    LEDGER_SPILLS,
    SEMANTIC_CACHE_FAILED,
    SESSIONS_NEARLY_SPENT,
)
from backends.settings.money import EACH
from backends.types import BudgetState, CacheStats, Spend

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

    def cache(self) -> CacheStats:
        """The cache at this moment."""
        return self._cache.stats()

    def _publish(self) -> None:
        self._due = None
        self._alerts.update(LEDGER_SPILLS, self._ledger.spill_status())
        spend = self.spend()
        for budget in spend.budgets:
            self._check_budget(budget)
        self._bus.publish(events.SpendSampled(spend=spend))
        stats = self.cache()
        self._alerts.update(CACHE_FAILED, stats.problem)
        self._alerts.update(SEMANTIC_CACHE_FAILED, stats.semantic_detail if stats.semantic == "failed" else "")
        self._bus.publish(events.CacheSampled(stats=stats))

    def _check_budget(self, budget: BudgetState) -> None:
        """A limit holds, except for what a provider bills beyond the caps that its calls were given."""
        scope, window = budget.scope, budget.window
        if budget.overrun_usd:
            models = ", ".join(budget.overrun_by)
            self._alerts.show(BUDGET_OVERRUN, scope=scope, window=window, overrun_usd=budget.overrun_usd, models=models)
        else:
            self._alerts.clear(BUDGET_OVERRUN, scope=scope, window=window)
        if budget.scope in EACH:
            self._check_each(budget)
            return
        used_usd = budget.spent_usd + budget.reserved_usd
        if budget.limit_usd > 0 and float(used_usd) >= float(budget.limit_usd) * budget.alert_at:
            self._alerts.show(
                BUDGET_NEARLY_SPENT,
                scope=scope,
                window=window,
                left_usd=budget.left_usd,
                limit_usd=budget.limit_usd,
            )
        else:
            self._alerts.clear(BUDGET_NEARLY_SPENT, scope=scope, window=window)

    def _check_each(self, budget: BudgetState) -> None:
        """A budget that limits each session or run: one alert for all that are near their limit."""
        key: dict[str, Any] = {"scope": budget.scope, "window": budget.window}
        if budget.near and budget.limit_usd > 0:
            near, spent_out = budget.near - budget.spent_out, budget.spent_out
            self._alerts.show(SESSIONS_NEARLY_SPENT, **key, near=near, spent_out=spent_out, limit_usd=budget.limit_usd)
        else:
            self._alerts.clear(SESSIONS_NEARLY_SPENT, **key)
