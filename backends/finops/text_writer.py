"""A document as plain text for a terminal: aligned columns, no markup."""

from collections.abc import Iterator, Sequence

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
)
from backends.text.terminal_safe import safe
from backends.text.usd import usd_cents, usd_fine

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


def _recommended(found: Recommendations) -> Iterator[str]:
    """Three lines each: what it is and what it is worth a month, the evidence, the command to try."""
    for one in found.items:
        yield f"{usd_cents(one.usd_month):>10} a month  {safe(one.title)}"
        yield f"{'':>10}          {safe(one.evidence)}"
        yield f"{'':>10}          try: {safe(one.command)}"


def _inline(parts: Sequence[Inline]) -> str:
    return "".join(safe(part if isinstance(part, str) else part.text) for part in parts)
