"""The candidates of a decision as a table: cost, latency and expected quality of each, and what ruled it out."""

from collections.abc import Sequence

from backends.text.measures import UNKNOWN, probability
from backends.text.times import seconds
from backends.text.usd import usd
from backends.types import Alternative, Explanation
from console.present.spans import Row, cell, paragraph, row, span, width
from console.present.symbols import served

LONGEST_NAME, LONGEST_MODEL = 16, 24
"""Cells of an engine's and a model's name; longer ones are cut."""
NARROWEST_VERDICT = 16
"""Cells that a verdict needs beside the figures; with fewer it stands below them."""
CHOSEN = "✓"


def candidate_rows(explanation: Explanation, cells: int) -> list[Row]:
    """The chosen candidate first, marked `✓`, then every other one with why it was not chosen."""
    chosen = _chosen(explanation)
    candidates = [chosen, *explanation.alternatives]
    name = min(LONGEST_NAME, max(len(each.engine) for each in candidates) + 1)
    model = min(LONGEST_MODEL, max(len(each.model) for each in candidates), max(0, cells - 2 - name - 1 - 26))
    head = row(
        *(cell("", 2), cell("engine", name + 1, "dim"), cell("model", model, "dim")),
        *_figures("cost", "time", "quality"),
        span("  ruled out by", "dim"),
    )
    rows = [head]
    for each in candidates:
        rows += _candidate(each, name, model, cells, chosen=each is chosen)
    return rows


def _chosen(explanation: Explanation) -> Alternative:
    estimate = explanation.estimate
    return Alternative(
        engine=explanation.engine,
        zone=explanation.zone,
        model=explanation.model,
        cost_usd=estimate.cost_usd,
        latency_ms=estimate.latency_ms,
        quality=explanation.quality,
        ruled_out_by=None,
    )


def _candidate(each: Alternative, name: int, model: int, cells: int, *, chosen: bool) -> Sequence[Row]:
    engine = served(each.engine, each.zone)
    latency = UNKNOWN if each.latency_ms is None else f"~{seconds(each.latency_ms / 1000)}"
    quality = UNKNOWN if each.quality is None else probability(each.quality)
    figures = row(
        cell(CHOSEN if chosen else "", 2, "good"),
        *(cell(engine.text, name, engine.tone), span(" ")),
        cell(each.model, model, "strong" if chosen else "text"),
        *_figures(usd(each.cost_usd), latency, quality),
        span("  "),
    )
    text = "chosen" if chosen else _verdict(each)
    room = cells - width(figures)
    if room >= NARROWEST_VERDICT:
        first, *rest = paragraph(text, room, "good" if chosen else "dim")
        return [row(*figures, *first), *(row(span(" " * width(figures)), *line) for line in rest)]
    below = [] if chosen else paragraph(text, max(1, cells - 4), "dim")
    return [figures, *(row(span("    "), *line) for line in below)]


def _verdict(each: Alternative) -> str:
    if each.ruled_out_by is None:
        return "nothing: possible, but not the best"
    return f"{each.ruled_out_by}: {each.detail}" if each.detail else each.ruled_out_by


def _figures(cost: str, latency: str, quality: str) -> Row:
    return (cell(cost, 10, right=True), cell(latency, 8, right=True), cell(quality, 8, right=True))
