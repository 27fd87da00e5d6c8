"""Running figures for watchers: spend and cache after every settled request, but no more than a few times a second."""

import asyncio

from backends import events
from backends.bus import Bus
from backends.cache.response_cache import ResponseCache
from backends.ledger.store import Ledger
from backends.monitoring.activity import ActivityFeed
from backends.types import BudgetState

EVERY_S = 0.25


class Figures:
    def __init__(self, bus: Bus, *, ledger: Ledger, cache: ResponseCache, activity: ActivityFeed) -> None:
        self._bus = bus
        self._ledger = ledger
        self._cache = cache
        self._activity = activity
        self._due: asyncio.TimerHandle | None = None

    def moved(self) -> None:
        """Something was settled: publish soon, once for all that settle meanwhile."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(EVERY_S, self._publish)

    def close(self) -> None:
        if self._due is not None:
            self._due.cancel()

    def _publish(self) -> None:
        self._due = None
        if trouble := self._ledger.spill_status():
            self._activity.alert("ledger:spill", trouble, remedy="rows are taken in as soon as the file can be written")
        else:
            self._activity.clear("ledger:spill")
        spend = self._ledger.spend()
        for budget in spend.budgets:
            self._watch(budget)
        self._bus.publish(events.SpendSampled(spend=spend))
        stats = self._cache.stats()
        self._tell("cache", stats.problem)
        self._tell("semantic", stats.semantic_detail if stats.semantic == "failed" else "")
        self._bus.publish(events.CacheSampled(stats=stats))

    def _tell(self, key: str, problem: str) -> None:
        """One alert for as long as there is a problem."""
        if problem:
            self._activity.alert(key, problem, level="warning")
        else:
            self._activity.clear(key)

    def _watch(self, budget: BudgetState) -> None:
        key = f"budget:{budget.scope}:{budget.window}"
        used = budget.spent_usd + budget.reserved_usd
        self._overran(f"{key}:overrun", budget)
        if budget.limit_usd <= 0 or float(used) < float(budget.limit_usd) * budget.alert_at:
            self._activity.clear(key)
            return
        text = f"budget {budget.scope} a {budget.window}: ${budget.left_usd:.2f} of ${budget.limit_usd} left"
        self._activity.alert(key, text, remedy="raise its limit_usd or wait for the next window", level="warning")

    def _overran(self, key: str, budget: BudgetState) -> None:
        """A limit holds but for what a provider bills beyond the caps that its calls were given."""
        if not budget.overrun_usd:
            self._activity.clear(key)
            return
        text = f"budget {budget.scope} a {budget.window} is over by ${budget.overrun_usd:f}:"
        by = ", ".join(budget.overrun_by)
        self._activity.alert(key, f"{text} {by} billed beyond the caps of its calls", remedy="ask the provider")
