"""Symbols that can be told apart without colour: `▌` local, `▐` cloud, `=` cache; `●` up, `◐` degraded, `○` down."""

from backends.types import CACHE, CLOUD, LOCAL, Exchange, Served, Zone
from console.present.spans import Span, Tone, span

HEALTH: dict[str, tuple[str, Tone]] = {
    "up": ("●", "good"),
    "degraded": ("◐", "warn"),
    "down": ("○", "bad"),
    "unknown": ("–", "dim"),
}
ZONES: dict[Zone, str] = {LOCAL: "▌", CLOUD: "▐"}
CACHE_SYMBOL = "="
_TIERS = {"exact": "exact", "semantic": "alike"}


def served(by: Served, zone: Zone, label: str = "") -> Span:
    """Who answers: an engine by name behind its zone's symbol, or the cache. `label` replaces the name."""
    if by == CACHE:
        return span(f"{CACHE_SYMBOL}{label or by}", "cache")
    return span(f"{ZONES[zone]}{label or by}", zone)


def destination(exchange: Exchange) -> Span:
    """Where an exchange went: its engine, or the cache tier that answered; of one that failed, who did not answer."""
    outcome = exchange.outcome
    if outcome is None:
        return served(exchange.explanation.engine, exchange.explanation.zone)
    if outcome.finish == "error":
        return span(f"✗{outcome.engine}", "bad")
    tier = _TIERS.get(outcome.cache, "") if outcome.engine == CACHE else ""
    return served(outcome.engine, outcome.zone, tier)
