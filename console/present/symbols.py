"""Symbols that can be told apart without colour: `▌` local, `▐` cloud, `=` cache; `●` up, `◐` degraded, `○` down."""

from backends.types import EngineName, EngineState, Exchange, Served
from console.present.spans import Span, Tone, span

HEALTH: dict[str, tuple[str, Tone]] = {
    "up": ("●", "good"),
    "degraded": ("◐", "warn"),
    "down": ("○", "bad"),
    "unknown": ("–", "dim"),
}
ENGINE: dict[str, tuple[str, Tone]] = {"local": ("▌", "local"), "cloud": ("▐", "cloud"), "cache": ("=", "cache")}
_TIERS = {"exact": "exact", "semantic": "alike"}


def health(engine: EngineState) -> Span:
    return span(*HEALTH[engine.health])


def served(engine: Served | EngineName, name: str = "") -> Span:
    symbol, tone = ENGINE[engine]
    return span(f"{symbol}{name or engine}", tone)


def destination(exchange: Exchange) -> Span:
    """Where an exchange went: its engine, or the cache tier that answered."""
    outcome = exchange.outcome
    if outcome is None:
        return served(exchange.explanation.engine)
    return served(outcome.engine, _TIERS.get(outcome.cache, "") if outcome.engine == "cache" else "")
