"""The cache pane: how often it answers, what it saved, what it holds, and how the semantic tier is."""

from decimal import Decimal

from backends.types import CacheStats
from console.present.faces import notice
from console.present.figures import count, share, size, sparkline, total
from console.present.rows import BLANK, Row, Tone, cell, paragraph, row, span, spread
from console.state import ViewState

_SEMANTIC: dict[str, tuple[str, Tone]] = {
    "on": ("● on", "good"),
    "loading": ("◐ loading", "warn"),
    "failed": ("○ failed", "bad"),
    "off": ("– off", "dim"),
}


def cache(state: ViewState, cells: int) -> list[Row]:
    stats = state.cache
    if stats is None:
        return [(span("loading…", "dim"),)]
    semantic = _semantic(stats, cells)
    if not stats.lookups and not stats.entries:
        text = "Answers are kept and given again when the same prompt comes. Ask something twice to see the first hit."
        return [*notice("nothing cached yet", text, cells), BLANK, *semantic]
    return [*_hits(state, stats, cells), BLANK, *semantic, *_top(stats, cells), *_near(stats, cells)]


def summary(state: ViewState) -> Row:
    stats = state.cache
    if stats is None or not stats.lookups:
        return ()
    return row(span("hit ", "dim"), span(share(_hits_of(stats), stats.lookups), "cache"))


def _hits_of(stats: CacheStats) -> int:
    return stats.exact_hits + stats.semantic_hits + stats.shared_flights


def _hits(state: ViewState, stats: CacheStats, cells: int) -> list[Row]:
    line = sparkline(state.history.get("cache.hit_share", ()), min(24, max(0, cells - 16)), top=1.0)
    rate = row(
        span("hit      ", "dim"),
        span(f"{share(_hits_of(stats), stats.lookups):>5}", "strong"),
        " ",
        span(line, "cache"),
    )
    tiers = row(
        span("         "),
        *(span("exact ", "dim"), span(count(stats.exact_hits))),
        *(span("  semantic ", "dim"), span(count(stats.semantic_hits))),
        *(span("  shared ", "dim"), span(count(stats.shared_flights))),
    )
    saved = row(
        span("saved    ", "dim"), span(total(stats.saved_usd), "good" if stats.saved_usd > Decimal(0) else "text")
    )
    held = row(span("holds    ", "dim"), span(count(stats.entries)), span(" entries  ", "dim"), span(size(stats.bytes)))
    return [rate, tiers, saved, held]


def _semantic(stats: CacheStats, cells: int) -> list[Row]:
    text, tone = _SEMANTIC[stats.semantic]
    head = row(span("semantic ", "dim"), span(text, tone))
    detail = paragraph(stats.semantic_detail, cells - 9, "dim")
    if stats.semantic == "on" and len(detail) == 1:
        return [row(*head, "  ", *detail[0])]
    return [head, *(row(span("         "), *line) for line in detail)]


def _top(stats: CacheStats, cells: int) -> list[Row]:
    if not stats.top:
        return []
    rows: list[Row] = [BLANK, row(span("most used", "dim"))]
    for entry in stats.top:
        name = row(cell(entry.agent, 11), cell(entry.intent, max(0, min(18, cells - 26)), "dim"))
        rows.append(spread(name, row(span(f"{entry.hits:,}×", "cache"), span(f"{size(entry.bytes):>8}", "dim")), cells))
    return rows


def _near(stats: CacheStats, cells: int) -> list[Row]:
    """Pairs that were alike but not enough: the threshold's evidence."""
    if not stats.near_misses:
        return []
    rows = [piece for text in stats.near_misses for piece in paragraph(text, cells, "text")]
    return [BLANK, row(span("near misses", "dim")), *rows]
