"""Signs that mean something without their colour: `▌` local, `▐` cloud, `=` cache; `●` up, `◐` degraded, `○` down."""

from backends.types import EngineName, EngineState, Exchange, Served
from console.present.rows import Span, Tone, span

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
    sign, tone = ENGINE[engine]
    return span(f"{sign}{name or engine}", tone)


def destination(exchange: Exchange) -> Span:
    """Where an exchange went: its engine, or the tier of the cache that answered."""
    outcome = exchange.outcome
    if outcome is None:
        return served(exchange.explanation.engine)
    return served(outcome.engine, _TIERS.get(outcome.cache, "") if outcome.engine == "cache" else "")
