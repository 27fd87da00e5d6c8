"""How well an engine is, in a symbol and a few words. Green means that it answers, and answers in time."""

import re
from datetime import datetime

from msgspec import Struct

from backends.text.times import seconds, short_age
from backends.types import Alert, EngineState, Health
from console.present.spans import Span, span
from console.present.symbols import HEALTH
from console.state import ViewState

WORST_FIRST: tuple[Health, ...] = ("down", "degraded", "unknown", "up")
SLOW_WAIT_S = 60.0
"""A queue with a longer wait than this is worth a word even where no deadline is missed."""
_STATUS = re.compile(r"\b[45]\d\d\b")
_REASONS = (
    ("quota", "quota"),
    ("rate limit", "rate limit"),
    ("not set", "no key"),
    ("key", "key refused"),
    ("timed out", "timeout"),
    ("timeout", "timeout"),
    ("silent", "silent"),
    ("refused", "refused"),
    ("does not answer", "no answer"),
    ("resolve", "no network"),
    ("full", "full"),
)
"""Words in a line about an engine, each with the word or two that the header has room for."""


_ALERTED = {
    "silent": "silent",
    "slow": "slow",
    "minute": "minute quota",
    "day": "day's quota",
    "key": "key refused",
    "replicas": "one address down",
    "model": "model gone",
    "filling": "queue filling",
    "full": "full",
    "lacks": "no key",
    "spilled": "on the CPU",
}
"""What an alert about an engine is about, by a part of its key, in a word or two."""


class EngineHealth(Struct, frozen=True):
    """`words` say in at most 24 cells what is wrong, "" where nothing is; `since` is when it began, where known."""

    health: Health
    words: str = ""
    since: datetime | None = None

    @property
    def symbol(self) -> Span:
        return span(*HEALTH[self.health])

    def told(self, now: datetime | None) -> str:
        """The words with their age: `429 · 47 s`."""
        if self.since is None or now is None:
            return self.words
        return f"{self.words} · {short_age((now - self.since).total_seconds())}"


def engine_health(engine: EngineState, state: ViewState) -> EngineHealth:  # noqa: PLR0911 — one for each condition
    """The worst that is known of an engine: from its own state, and from how its last calls ended."""
    if engine.health == "down":
        return EngineHealth("down", short_reason(engine.detail) or "down", _since(engine, state))
    if engine.stopped:
        return EngineHealth("down", "stopped")
    if engine.draining:
        return EngineHealth("degraded", f"draining, {engine.in_flight} left" if engine.in_flight else "drained")
    wait = engine.predicted_wait_s or 0.0
    if engine.will_miss or (engine.waiting and wait >= SLOW_WAIT_S):
        about = f" · {seconds(wait)}" if wait else ""
        return EngineHealth("degraded", f"{engine.waiting} waiting{about}")
    if engine.failing_since is not None:
        return EngineHealth("degraded", short_reason(engine.detail) or "calls fail", engine.failing_since)
    if engine.health == "degraded":
        return EngineHealth("degraded", short_reason(engine.detail) or "degraded", _since(engine, state))
    return _alerted(engine, state) or EngineHealth(engine.health)


def _alerted(engine: EngineState, state: ViewState) -> EngineHealth | None:
    """What the oldest alert about it says, where nothing else does: it is not well while one stands."""
    found = _alerts_of(engine, state)
    if not found:
        return None
    about, _, kind, *_ = f"{found[0].key}::".split(":")
    return EngineHealth("degraded", _ALERTED.get(about) or _ALERTED.get(kind, "see alerts"), found[0].since)


def _since(engine: EngineState, state: ViewState) -> datetime | None:
    """The onset of what is wrong with it. An engine's own time begins again with every attempt to reach it."""
    found = _alerts_of(engine, state)
    return found[0].since if found else engine.since


def _alerts_of(engine: EngineState, state: ViewState) -> list[Alert]:
    """The alerts about an engine, the oldest first."""
    return sorted((alert for alert in state.alerts if alert.concerns(engine.name)), key=lambda alert: alert.since)


def short_reason(detail: str) -> str:
    """A word or two of a line about an engine: its HTTP status, else what the line is about, else ""."""
    if (found := _STATUS.search(detail)) is not None:
        return found.group()
    line = detail.casefold()
    return next((short for words, short in _REASONS if words in line), "")
