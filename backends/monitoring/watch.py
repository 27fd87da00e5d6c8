"""The watch: twice a second it asks which measured conditions hold, and raises and ends their alerts.

A watcher is a function that returns what it has found. It is pure: it reads a state that it is given and remembers
nothing, so that a test needs no time. What it found before and does not find now has ended.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from msgspec import Struct, field

from backends.clock import Clock
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import Condition
from backends.monitoring.touched import Touches
from backends.settings.alert_limits import AlertLimits
from backends.types import Choice, Severity

EVERY_S = 0.5
USUAL = AlertLimits()
log = logging.getLogger(__name__)


class Holding(Struct, frozen=True, kw_only=True):
    """A condition that holds. The fields are those of `Alerts.show`; its alert is raised once it has held for `for_s`
    seconds, and its onset is then still the moment when it was first found, or `since`.
    """

    condition: Condition
    fields: dict[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    for_s: float = 0.0
    detail: str = ""
    effect: str = ""
    choices: tuple[Choice, ...] = ()
    retry_at: datetime | None = None
    cost_usd: Decimal | None = None
    severity: Severity | None = None
    touches: Touches | None = None
    kept_waiting: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.condition.key.format(**self.fields)


Watcher = Callable[[], Iterable[Holding]]


def beyond(value: float, threshold: float, *, standing: bool, margin: float = 0.9) -> bool:
    """Has a value reached its threshold? While its alert stands, it has to fall clearly below it to count as over."""
    return value >= threshold * (margin if standing else 1.0)


class _Seen(Struct):
    """A condition that a watcher found, and since when: on both clocks."""

    found: Holding
    at: float
    first: datetime


class Watch:
    """`run` is for a background task. `limits` are the thresholds in force, `standing` the keys of the alerts."""

    def __init__(self, alerts: Alerts, clock: Clock, limits: AlertLimits = USUAL) -> None:
        self.limits = limits
        self._alerts = alerts
        self._clock = clock
        self._watchers: list[tuple[Watcher, dict[str, _Seen]]] = []
        self._ticks: list[Callable[[], None]] = [alerts.advance]

    @property
    def standing(self) -> Collection[str]:
        return self._alerts.keys

    def reconfigure(self, limits: AlertLimits) -> None:
        """Use other thresholds from the next round on."""
        self.limits = limits
        self._alerts.clear_after_s = limits.clear_after_s

    def add(self, *watchers: Watcher) -> None:
        """Ask these, too. The conditions of two watchers must differ in their keys."""
        self._watchers += [(watcher, {}) for watcher in watchers]

    def also(self, *ticks: Callable[[], None]) -> None:
        """Call these after each round."""
        self._ticks += ticks

    async def run(self) -> None:
        while True:
            self.check()
            await asyncio.sleep(EVERY_S)

    def check(self) -> None:
        """One round. A watcher that fails is logged; what it found before stays as it is."""
        for watcher, seen in self._watchers:
            self._guarded(partial(self._ask, watcher, seen))
        for tick in self._ticks:
            self._guarded(tick)

    def _guarded(self, step: Callable[[], None]) -> None:
        """A fault in one condition must not blind the others."""
        try:
            step()
        except Exception:
            log.exception("a condition could not be checked")

    def _ask(self, watcher: Watcher, seen: dict[str, _Seen]) -> None:
        self._update(seen, {each.key: each for each in watcher()})

    def _update(self, seen: dict[str, _Seen], found: dict[str, Holding]) -> None:
        now = self._clock.monotonic()
        for key in [key for key in seen if key not in found]:
            gone = seen.pop(key).found
            self._alerts.clear(gone.condition, **gone.fields)
        for key, each in found.items():
            known = seen.setdefault(key, _Seen(each, now, self._clock.now()))
            known.found = each
            if now - known.at < each.for_s:
                continue
            self._alerts.show(
                each.condition,
                choices=each.choices,
                since=each.since or known.first,
                detail=each.detail,
                effect=each.effect,
                retry_at=each.retry_at,
                cost_usd=each.cost_usd,
                severity=each.severity,
                touches=each.touches,
                kept_waiting=each.kept_waiting,
                **each.fields,
            )
