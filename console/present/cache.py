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


TREND = 66  # cells from which each tier has its history beside it
NAMED = 60  # cells from which an entry's id is shown


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
        *_tier("exact", stats.exact_hits, state, cells),
        *_tier("semantic", stats.semantic_hits, state, cells),
        *(span("shared ", "dim"), span(count(stats.shared_flights))),
    )
    saved = row(
        span("saved    ", "dim"), span(total(stats.saved_usd), "good" if stats.saved_usd > Decimal(0) else "text")
    )
    held = row(
        *(span("holds    ", "dim"), span(count(stats.entries)), span(" entries  ", "dim"), span(size(stats.bytes))),
        *((span("  in memory ", "dim"), span(size(stats.memory_b))) if stats.memory_b else ()),
    )
    return [rate, tiers, saved, *_provider(stats), held, _wrong(stats)]


def _tier(name: str, hits: int, state: ViewState, cells: int) -> Row:
    """A tier's hits, and where there is room its share of the look-ups over time."""
    line = sparkline(state.history.get(f"cache.{name}_share", ()), 8 if cells >= TREND else 0, top=1.0)
    return row(span(f"{name} ", "dim"), span(count(hits)), *((" ", span(line, "cache")) if line else ()), "  ")


def _provider(stats: CacheStats) -> list[Row]:
    """What the provider's own cache took off its bill."""
    if not stats.provider_cached_tokens:
        return []
    return [
        row(
            *(span("provider ", "dim"), span(total(stats.provider_saved_usd), "good"), span(" off for ", "dim")),
            *(span(count(stats.provider_cached_tokens)), span(" tokens it had cached", "dim")),
        )
    ]


def _wrong(stats: CacheStats) -> Row:
    """The share of semantic hits that were wrong, as measured by asking some anew; unknown is not zero."""
    complaints = (span(f"  {stats.complaints} complaints", "warn"),) if stats.complaints else ()
    if stats.wrong_share is None:
        return row(
            span("wrong    ", "dim"), span("–", "strong"), span("  no semantic hit asked anew", "dim"), *complaints
        )
    measured, low, high = (f"{value * 100:.1f}" for value in stats.wrong_share)
    return row(
        *(span("wrong    ", "dim"), span(f"{measured} %", "strong"), span(f"  {low} to {high} %")),
        *(span(" of ", "dim"), span(count(stats.rechecked)), span(" asked anew", "dim"), *complaints),
    )


def _semantic(stats: CacheStats, cells: int) -> list[Row]:
    text, tone = _SEMANTIC[stats.semantic]
    head = row(span("semantic ", "dim"), span(text, tone))
    said = stats.semantic_detail or stats.embedder
    if stats.semantic == "on" and stats.vectors:
        said = f"{said}, {count(stats.vectors)} vectors".removeprefix(", ")
    detail = paragraph(said, cells - 9, "dim")
    if stats.semantic == "on" and len(detail) == 1:
        return [row(*head, "  ", *detail[0])]
    return [head, *(row(span("         "), *line) for line in detail)]


def _top(stats: CacheStats, cells: int) -> list[Row]:
    """The entries that answer most, each with the id that `claw cache inspect` and `kill` take."""
    if not stats.top:
        return []
    rows: list[Row] = [BLANK, row(span("most used", "dim"))]
    for entry in stats.top:
        named = (cell(entry.id, 14, "dim"),) if entry.id and cells >= NAMED else ()
        name = row(*named, cell(entry.agent, 11), cell(entry.intent, max(0, min(18, cells - 26)), "dim"))
        rows.append(spread(name, row(span(f"{entry.hits:,}×", "cache"), span(f"{size(entry.bytes):>8}", "dim")), cells))
    return rows


def _near(stats: CacheStats, cells: int) -> list[Row]:
    """Pairs that were alike, and what stopped them: the evidence for the risk that is set."""
    if not stats.near_misses:
        return []
    rows = [piece for text in reversed(stats.near_misses) for piece in paragraph(text, cells, "text")]
    return [BLANK, row(span("near misses", "dim")), *rows]
