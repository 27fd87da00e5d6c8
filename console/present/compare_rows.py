"""Candidates side by side as rows: the table of their figures, and their answers in columns."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from backends.text.measures import UNKNOWN, count
from backends.text.times import seconds
from backends.text.usd import usd
from backends.types import Outcome, Tokens
from console.present.chat_rows import finish_text
from console.present.spans import Row, Span, Tone, cell, fit, row, span, width

GAP = " │ "
NARROWEST_COLUMN = 28
"""Cells that an answer needs beside another one."""
BESIDE_FROM = 90
"""Cells from which answers stand side by side; with fewer one is shown at a time."""
LONGEST_LABEL = 34


class CandidateFigures(Struct, frozen=True):
    """What is known of one candidate's answer; None is not known yet, or never was."""

    who: Row
    state: Span
    first_ms: float | None = None
    latency_ms: float | None = None
    tokens: Tokens | None = None
    cost_usd: Decimal | None = None
    estimated: bool = False
    chosen: bool = False


def tokens_per_s(figures: CandidateFigures) -> float | None:
    """Tokens of the answer for each second after its first; None where that cannot be said."""
    if figures.tokens is None or figures.first_ms is None or figures.latency_ms is None:
        return None
    streaming_ms = figures.latency_ms - figures.first_ms
    return figures.tokens.output / streaming_ms * 1000 if streaming_ms > 0 and figures.tokens.output else None


def verdict(outcome: Outcome) -> Span:
    """How an answer ended, and what its check said."""
    if outcome.finish != "stop":
        return finish_text(outcome)[0]
    if any(note.startswith("unverified") for note in outcome.notes):
        return span("answered, its check failed", "warn")
    checked = any(attempt.role == "verification" for attempt in outcome.attempts)
    return span("answered, checked" if checked else "answered", "good")


def beside(candidates: int, cells: int) -> int:
    """Cells of each column, 0 where so many candidates have no room beside each other."""
    column = (cells - len(GAP) * (candidates - 1)) // candidates
    return column if cells >= BESIDE_FROM and column >= NARROWEST_COLUMN else 0


def figure_rows(candidates: Sequence[CandidateFigures], cells: int) -> list[Row]:
    """A head and a row for each candidate; the chosen one is marked `▸`. Columns go where there is no room."""
    label = min(LONGEST_LABEL, max(width(each.who) for each in candidates), max(8, cells - 44))
    columns = [
        ("first", 8, [seconds(_s(each.first_ms)) for each in candidates]),
        ("tok/s", 7, [_rate(each) for each in candidates]),
        ("cost", 10, [usd(each.cost_usd, estimated=each.estimated) for each in candidates]),
        ("out", 7, [_count(each, each.tokens.output if each.tokens else None) for each in candidates]),
        ("thinking", 9, [_count(each, each.tokens.thinking if each.tokens else None) for each in candidates]),
        ("in", 7, [_count(each, each.tokens.input if each.tokens else None) for each in candidates]),
        ("whole", 8, [seconds(_s(each.latency_ms)) for each in candidates]),
    ]
    while columns and 2 + label + sum(size for _, size, _ in columns) + 14 > cells:
        columns.pop()
    heads = (cell(name, size, "dim", right=True) for name, size, _ in columns)
    rows: list[Row] = [row(cell("", 2 + label), *heads)]
    for index, each in enumerate(candidates):
        tone: Tone = "strong" if each.chosen else "text"
        figures = (cell(texts[index], size, tone, right=True) for _, size, texts in columns)
        rows.append(
            row(span("▸ " if each.chosen else "  ", "focus"), *fit(each.who, label), *figures, "  ", each.state)
        )
    return rows


def side_by_side(answers: Sequence[Sequence[Row]], column: int) -> list[Row]:
    """Rows of several answers as rows of columns, each `column` cells wide."""
    height = max(map(len, answers), default=0)
    rows: list[Row] = []
    for y in range(height):
        parts: list[Span] = []
        for index, answer in enumerate(answers):
            parts += [span(GAP, "border")] if index else []
            parts += fit(answer[y] if y < len(answer) else (), column)
        rows.append(tuple(parts))
    return rows


def _s(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _rate(figures: CandidateFigures) -> str:
    rate = tokens_per_s(figures)
    return UNKNOWN if rate is None else f"{rate:,.1f}" if rate < 100 else f"{rate:,.0f}"


def _count(figures: CandidateFigures, tokens: int | None) -> str:
    return f"{'≈' if figures.estimated and tokens else ''}{count(tokens)}"
