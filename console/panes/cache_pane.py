"""Pane 3, the cache in its three tiers: exact, semantic, and the prefix caches of engines; what they saved and hold.

`f` empties the first two.
"""

from decimal import Decimal
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size

from backends.text.measures import count, share, size, tokens
from backends.text.usd import usd_cents
from backends.types import Action, CacheStats
from console.messages import RunAction
from console.present.charts import percentage, sparkline
from console.present.empty_states import loading, not_recorded, notice
from console.present.frame import PaneBody
from console.present.history_charts import Sampled, below
from console.present.spans import BLANK, Row, Span, Tone, cell, paragraph, row, span, spread, width
from console.state import ViewState
from console.widgets.pane import Pane


class CachePane(Pane):
    NUMBER: ClassVar[int] = 3
    TITLE: ClassVar[str] = "Cache"
    LIVE_ONLY: ClassVar[frozenset[str]] = frozenset({"flush"})
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (("f", "flush"),)
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f", "flush", "flush the cache")]

    def body(self, state: ViewState, size: Size) -> PaneBody:
        rows = cache_rows(state, size.width)
        hits = Sampled("hit", state.history.get("cache.hit_share", ()), "cache", 1.0, percentage)
        return PaneBody(below(rows, state, [hits], size.width, size.height))

    def summary(self, state: ViewState) -> Row:
        return hit_share(state)

    def action_flush(self) -> None:
        """Empty the cache."""
        self.post_message(RunAction(Action(verb="flush-cache", actor="console")))


_SEMANTIC: dict[str, tuple[str, Tone]] = {
    "on": ("● on", "good"),
    "loading": ("◐ loading", "warn"),
    "failed": ("○ failed", "bad"),
    "off": ("– off", "dim"),
}


LABEL = 9  # cells of a row's name
BY_AGENT = 76  # cells from which each agent's share of the prefix tier is shown
TREND = 66  # cells from which each tier shows its history
WITH_ID = 60  # cells from which an entry shows its id


def cache_rows(state: ViewState, cells: int) -> list[Row]:
    stats = state.cache
    if not state.recorded or (state.past and stats is None):
        return not_recorded(cells)
    if stats is None:
        return [loading()]
    if state.past:  # what it held and answered is on record, what that saved is not
        rate, tiers, *_ = _hits(state, stats, cells)
        return [rate, tiers, _held(stats)]
    semantic = _semantic(stats, cells)
    if not stats.lookups and not stats.entries:
        text = "The cache answers a prompt that it has seen before. Send the same prompt twice to see the first hit."
        return [*notice("Nothing cached yet", text, cells), BLANK, *_prefix(stats, cells), *semantic]
    return [*_hits(state, stats, cells), BLANK, *semantic, *_top(stats, cells), *_near(stats, cells)]


def hit_share(state: ViewState) -> Row:
    """The share of prompts that the cache answered, and of input that a prefix cache served, as far as known."""
    stats = state.cache
    if stats is None:
        return ()
    hits = row(span("hit ", "dim"), span(share(stats.hits, stats.lookups), "cache")) if stats.lookups else ()
    use = stats.prefix
    prefix = row(span("prefix ", "dim"), span(share(use.cached_tokens, use.known_tokens), "cache"))
    gap = row("  ") if hits and use.known_tokens else ()
    return (*hits, *gap, *(prefix if use.known_tokens else ()))


def _hits(state: ViewState, stats: CacheStats, cells: int) -> list[Row]:
    line = sparkline(state.history.get("cache.hit_share", ()), min(24, max(0, cells - 16)), top=1.0)
    rate = row(
        span("hit      ", "dim"),
        span(f"{share(stats.hits, stats.lookups):>5}", "strong"),
        " ",
        span(line, "cache"),
    )
    tiers = row(
        span("         "),
        *_tier("exact", stats.exact_hits, state, cells),
        *_tier("semantic", stats.semantic_hits, state, cells),
        *(span("shared ", "dim"), span(count(stats.shared_flights))),
    )
    saved = row(*_saved("saved    ", stats.saved_usd), *_saved("  prefix ", stats.provider_saved_usd))
    return [rate, tiers, *_prefix(stats, cells), saved, _held(stats), _wrong(stats)]


def _held(stats: CacheStats) -> Row:
    return row(
        *(span("holds    ", "dim"), span(count(stats.entries)), span(" entries  ", "dim"), span(size(stats.bytes))),
        *((span("  in memory ", "dim"), span(size(stats.memory_b))) if stats.memory_b else ()),
    )


def _tier(name: str, hits: int, state: ViewState, cells: int) -> Row:
    """A tier's hits, and where there is room its share of the look-ups over time."""
    line = sparkline(state.history.get(f"cache.{name}_share", ()), 8 if cells >= TREND else 0, top=1.0)
    return row(span(f"{name} ", "dim"), span(count(hits)), *((" ", span(line, "cache")) if line else ()), "  ")


def _prefix(stats: CacheStats, cells: int) -> list[Row]:
    """The share of today's input that engines had in their own prefix caches; where they did not say, it is unknown."""
    use = stats.prefix
    lead = row(span("prefix   ", "dim"), span(f"{share(use.cached_tokens, use.known_tokens):>5}", "strong"), span(" "))
    text = f"of {tokens(use.known_tokens)} input tokens today" if use.known_tokens else "of today's input"
    if use.unknown_tokens:
        text += f"; {tokens(use.unknown_tokens)} not known"
    first, *rest = paragraph(text, max(1, cells - width(lead)), "dim")
    return [
        row(*lead, *first),
        *(row(span(" " * width(lead)), *line) for line in rest),
        *(_prefix_by_agent(stats, cells) if cells >= BY_AGENT else ()),
    ]


def _prefix_by_agent(stats: CacheStats, cells: int) -> list[Row]:
    """The agents that read most, each with its share, as many as fit into a row."""
    spans: list[Span] = []
    for agent, use in stats.prefix_by_agent.items():
        pair = row(span(f"{agent} ", "dim"), span(f"{share(use.cached_tokens, use.known_tokens)}  "))
        if width((*spans, *pair)) > cells - LABEL:
            break
        spans += pair
    return [row(span(" " * LABEL), *spans)] if spans else []


def _saved(name: str, amount: Decimal) -> Row:
    return row(span(name, "dim"), span(usd_cents(amount), "good" if amount > 0 else "text"))


def _wrong(stats: CacheStats) -> Row:
    """The share of semantic hits that were wrong, measured by asking engines again; unknown is not zero."""
    complaints = (span(f"  {stats.complaints} complaints", "warn"),) if stats.complaints else ()
    if stats.wrong_share is None:
        return row(
            span("wrong    ", "dim"), span("–", "strong"), span("  no semantic hit checked yet", "dim"), *complaints
        )
    measured, low, high = (f"{value * 100:.1f}" for value in stats.wrong_share)
    return row(
        *(span("wrong    ", "dim"), span(f"{measured} %", "strong"), span(f"  {low} to {high} %")),
        *(span(" of ", "dim"), span(count(stats.rechecked)), span(" checked", "dim"), *complaints),
    )


def _semantic(stats: CacheStats, cells: int) -> list[Row]:
    text, tone = _SEMANTIC[stats.semantic]
    head = row(span("semantic ", "dim"), span(text, tone))
    detail = stats.semantic_detail or stats.embedder
    if stats.semantic == "on" and stats.vectors:
        detail = f"{detail}, {count(stats.vectors)} vectors".removeprefix(", ")
    lines = paragraph(detail, cells - 9, "dim")
    if stats.semantic == "on" and len(lines) == 1:
        return [row(*head, "  ", *lines[0])]
    return [head, *(row(span("         "), *line) for line in lines)]


def _top(stats: CacheStats, cells: int) -> list[Row]:
    """The entries that answer most, each with the id that `claw cache inspect` and `kill` accept."""
    if not stats.top:
        return []
    rows: list[Row] = [BLANK, row(span("most used", "dim"))]
    for entry in stats.top:
        named = (cell(entry.id, 14, "dim"),) if entry.id and cells >= WITH_ID else ()
        name = row(*named, cell(entry.agent, 11), cell(entry.intent, max(0, min(18, cells - 26)), "dim"))
        rows.append(spread(name, row(span(f"{entry.hits:,}×", "cache"), span(f"{size(entry.bytes):>8}", "dim")), cells))
    return rows


def _near(stats: CacheStats, cells: int) -> list[Row]:
    """Similar prompts that were not answered from the cache, and what stopped them."""
    if not stats.near_misses:
        return []
    rows = [piece for text in reversed(stats.near_misses) for piece in paragraph(text, cells, "text")]
    return [BLANK, row(span("near misses", "dim")), *rows]
