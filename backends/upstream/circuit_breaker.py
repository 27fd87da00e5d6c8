"""A circuit breaker for one address: closed, calls pass; open, none does, except a probe after each pause.

The error decides how long the pause is. A provider's own "retry after" is kept. A quota of the day opens at the
provider's midnight, with one probe an hour in case somebody has raised it. A refused key is tried once a minute,
anything else after a pause that doubles.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from backends.catalogue.quota_day import day_of, until_reset_s
from backends.clock import Clock
from backends.errors import SHORT, EngineError
from backends.types import Health

FAILURES = 3  # in a row before the breaker opens for an error that may pass
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 60.0
QUOTA_PROBE_S = 3600.0  # between the probes of a used-up quota of the day
AT_ONCE = frozenset({"rate-limited", "daily-quota", "key"})
HARMLESS = frozenset({"rejected", "context", "busy", "model"})
"""Kinds that say nothing about the engine's health: the request was wrong, it was busy, or one model is missing."""
MOST_EXCUSED = 6
"""First bytes in a row that may be late because of long prompts; so many without any answer are an outage."""

PROMPTS_OWN = frozenset({"timeout", "cut", "protocol", "empty"})
"""Kinds of error that a prompt can cause by itself, as it can a 500."""


class CircuitBreaker:
    """`why` is the last failure as its caller heard it, `short` in a phrase, `words` in the provider's own; `since` is
    when the first of those in a row began. `opens_at` is when the next call may be sent, None while it is closed.
    """

    def __init__(self, clock: Clock, changed: Callable[[], None], *, rng: random.Random | None = None) -> None:
        self._clock = clock
        self._changed = changed
        self._rng = rng or random.Random()  # noqa: S311 — jitter, not a secret
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._open_until: float | None = None
        self._day_ends: float | None = None
        self._renewed_at: datetime | None = None
        self._probing = False
        self._answered = False
        self._causes: set[str] = set()
        self._excused = 0
        self.why = self.short = self.words = self.kind = ""
        self.since: datetime | None = None
        self.opens_at: datetime | None = None

    @property
    def health(self) -> Health:
        if self._open_until is not None:
            return "down"
        if self._failures:
            return "degraded"
        return "up" if self._answered else "unknown"

    def usable(self) -> bool:
        """May a call be sent now? While open, True once the pause is over and no probe is running."""
        if self._open_until is None:
            return True
        return not self._probing and self._clock.monotonic() >= self._open_until

    def retry_after_s(self) -> float | None:
        """Seconds until a call may be sent, where the breaker is open; for a day's quota, until it is renewed."""
        opens = self._open_until if self._day_ends is None else self._day_ends
        return None if opens is None else max(0.0, opens - self._clock.monotonic())

    def reopens_at(self) -> datetime | None:
        """When the day's quota is renewed, where the breaker waits for that."""
        return None if self._open_until is None or self._day_ends is None else self._renewed_at

    def remember(self, why: str, at: datetime) -> None:
        """An earlier run found the day's quota used up at `at`: keep waiting, where it is still that day."""
        now = self._clock.now()
        if day_of(at) != day_of(now) or at > now:
            return
        self.why, self.kind, self.since = why, "daily-quota", at
        self.short = SHORT[self.kind]
        self._wait_for_the_day()
        self._open(max(0.0, QUOTA_PROBE_S - (now - at).total_seconds()))

    def forget(self) -> bool:
        """What failed before says nothing of what comes now; False where nothing had."""
        failed = self._open_until is not None or bool(self._failures)
        self._answered = self._answered and not failed
        self._clear()
        if failed:
            self._changed()
        return failed

    def shorten(self) -> None:
        """The engine is known to be back: the next call may probe it now."""
        if self._open_until is not None:
            self._open(0.0)

    def called(self) -> None:
        """A call is sent; while open it is the probe."""
        if self._open_until is not None:
            self._probing = True

    def abandoned(self) -> None:
        """A call ended without telling anything about the engine's health, for example because its caller left."""
        self._probing = False

    def answered(self) -> None:
        was = self.health
        self._answered = True
        self._clear()
        if was != "up":
            self._changed()

    def failed(self, error: EngineError, *, cause: str = "", excused: bool = False, took_s: float = 0.0) -> None:
        """A call failed, `took_s` after it began. `cause` names its prompt: a prompt that always fails counts once,
        however often it is sent, because it says nothing about other prompts. `excused` is one that was only slow
        because its prompt is long.
        """
        probed, self._probing = self._probing, False
        self._excused += excused
        if excused and self._excused < MOST_EXCUSED:
            return
        if error.kind == "daily-quota":
            error.retry_after_s = until_reset_s(self._clock.now())
        if error.kind in HARMLESS or (self._open_until is not None and not probed):
            return  # a call that was sent before the breaker opened tells nothing new
        if cause and not probed and (error.kind in PROMPTS_OWN or error.status == 500):
            if cause in self._causes:
                return
            self._causes.add(cause)
        self._failures += 1
        self.why, self.short, self.words, self.kind = str(error), error.short, error.words, error.kind
        self.since = self.since or self._clock.now() - timedelta(seconds=took_s)
        if error.kind in AT_ONCE or self._failures >= FAILURES or self._open_until is not None:
            pause = self._pause(error)
            self._open(pause)
            if error.kind == "rate-limited" and error.retry_after_s is None:
                error.retry_after_s = pause  # this caller hears the same as the next one
        self._changed()

    def _clear(self) -> None:
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._open_until = self._day_ends = self.since = self.opens_at = None
        self._probing = False
        self._causes.clear()
        self._excused = 0
        self.why = self.short = self.words = self.kind = ""

    def _open(self, pause_s: float) -> None:
        self._open_until = self._clock.monotonic() + pause_s
        self.opens_at = self._clock.now() + timedelta(seconds=pause_s)

    def _pause(self, error: EngineError) -> float:
        if error.kind == "daily-quota":
            return min(QUOTA_PROBE_S, self._wait_for_the_day())
        self._day_ends = None
        if error.kind == "rate-limited" and error.retry_after_s is not None:
            return error.retry_after_s
        if error.kind == "key":
            return LONGEST_PAUSE_S
        pause, self._pause_s = self._pause_s, min(self._pause_s * 2, LONGEST_PAUSE_S)
        return pause * self._rng.uniform(0.8, 1.2)

    def _wait_for_the_day(self) -> float:
        left = until_reset_s(self._clock.now())
        self._day_ends = self._clock.monotonic() + left
        self._renewed_at = self._clock.now() + timedelta(seconds=left)
        return left
