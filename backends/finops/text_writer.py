"""A document as plain text for a terminal: aligned columns, no markup."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from backends.finops.document import (
    Block,
    BreakEvenCurve,
    Bullets,
    DailySpend,
    DataTable,
    Document,
    Inline,
    Recommendations,
    SectionHeading,
    TextParagraph,
    TimeChart,
)
from backends.text.terminal_safe import safe
from backends.text.usd import usd_cents, usd_fine

LEVELS = "▁▂▃▄▅▆▇█"
CELLS = 72  # characters of a chart's width
T = TypeVar("T")
BAR = 30  # characters of the longest bar


def as_text(document: Document) -> str:
    """Ends with a newline. Blocks stand apart by an empty line, a heading right above what it names."""
    parts = [f"{safe(document.title)}\n\n"] if document.title else []
    parts += [_block(block) + ("\n" if isinstance(block, SectionHeading) else "\n\n") for block in document.blocks]
    return "".join(parts).rstrip("\n") + "\n"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def bars(days: DailySpend) -> str:
    """A line for each day: its bar of characters and what was paid."""
    most = max(day.cost_usd for day in days.days) or 1
    return "\n".join(
        f"{safe(day.key)}  {'█' * round(day.cost_usd / most * BAR):<{BAR}}  {usd_fine(day.cost_usd)}"
        for day in days.days
    )


def curve_table(curve: BreakEvenCurve) -> DataTable:
    """Every fourth point of a curve, for writers that draw none."""
    rows = ((f"{one.requests:,}", usd_cents(one.local_usd), usd_cents(one.cloud_usd)) for one in curve.points[::4])
    return DataTable(("requests a month", "own machine", "cloud"), tuple(rows))


def time_chart(chart: TimeChart) -> str:
    """Four lines: what it is with its scale, a bar of characters for each few steps, the incidents, the times."""
    steps = max(1, len(chart.values))
    each = max(1, CELLS // steps)  # cells of a step; with more steps than cells, a cell shows the highest of several
    cells = min(CELLS, steps * each)
    known = [value for value in chart.values if value is not None]
    head = f"{safe(chart.title)}: 0 to {safe(chart.figure)}"
    if not known:
        return f"{head}; nothing is on record"
    top = max(known) or 1.0
    values, marked = ([one for one in line for _ in range(each)] for line in (chart.values, chart.marks))
    drawn = "".join(_block_of(_highest(part), top) for part in _parts(values, cells))
    marks = "".join("▔" if any(part) else " " for part in _parts(marked, cells))
    named = [f"{marks} incidents".rstrip()] if marks.strip() else []
    return "\n".join((head, drawn, *named, _axis(chart.ticks, cells)))


def _parts(values: Sequence[T], cells: int) -> list[Sequence[T]]:
    """The values in so many groups of nearly one size."""
    edges = [place * len(values) // cells for place in range(cells + 1)]
    return [values[begin:end] for begin, end in pairwise(edges)]


def _highest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _block_of(value: float | None, top: float) -> str:
    if value is None:
        return "·"
    return LEVELS[max(1, round(value / top * (len(LEVELS) - 1)))] if value > 0 else LEVELS[0]


def _axis(ticks: Sequence[tuple[float, str]], cells: int) -> str:
    """The times at their places; those for which there is no room are left out, never the first one."""
    line = ""
    for place, text in ticks:
        column = round(place * cells) - (len(text) if place == 1 else 0)
        if not line or column > len(line):
            line = line.ljust(max(0, column)) + text
    return line


def _block(block: Block) -> str:  # noqa: PLR0911 — one arm for each block
    match block:
        case SectionHeading(text=text):
            return safe(text)
        case TextParagraph(parts=parts):
            return _inline(parts)
        case Bullets(items=items):
            return "\n".join(f"- {_inline(item)}" for item in items)
        case DataTable(head=head, rows=rows):
            return columns([tuple(map(safe, row)) for row in (head, *rows)])
        case Recommendations():
            return "\n".join(_recommended(block))
        case DailySpend():
            return bars(block)
        case BreakEvenCurve():
            return _block(curve_table(block))
        case TimeChart():
            return time_chart(block)


def _recommended(found: Recommendations) -> Iterator[str]:
    """Three lines each: what it is and what it is worth a month, the evidence, the command to try."""
    for one in found.items:
        yield f"{usd_cents(one.usd_month):>10} a month  {safe(one.title)}"
        yield f"{'':>10}          {safe(one.evidence)}"
        yield f"{'':>10}          try: {safe(one.command)}"


def _inline(parts: Sequence[Inline]) -> str:
    return "".join(safe(part if isinstance(part, str) else part.text) for part in parts)
