"""Blocks as rows of styled spans, none of them wider than the given width."""

from collections.abc import Iterable, Iterator

from rich.cells import cell_len

from backends.text.terminal_safe import SafeText, safe
from console.present.markdown_blocks import (
    Align,
    Block,
    CodeBlock,
    DividerBlock,
    HeadingBlock,
    ListBlock,
    ListItem,
    ParagraphBlock,
    QuoteBlock,
    TableBlock,
)
from console.present.spans import BLANK, Row, Span, Tone, clip
from console.present.wrapping import chop, merged, wrap

NARROWEST = 8
"""Cells of text that an indent must leave; a deeper one is left out."""
COLUMN = 4
"""Cells that a table's column has at least; with less a row becomes one line for each cell."""


def lay_out(block: Block, width: int) -> list[Row]:  # noqa: PLR0911 — one arm for each kind of block
    """`block` in lines of at most `width` (1 or more) cells."""
    match block:
        case HeadingBlock(runs=runs):
            return wrap(_all_in("title", runs), width)
        case ParagraphBlock(runs=runs):
            return wrap(runs, width)
        case CodeBlock():
            return [*code_head(block, width), *(row for line in block.lines for row in code_line(line, width))]
        case DividerBlock():
            return [(Span(safe("─" * width), "dim"),)]
        case QuoteBlock(blocks=blocks):
            return _indented(lay_out_all(blocks, _inner(width, 2)), Span(safe("▎ "), "dim"), width)
        case ListBlock():
            return list(_listing(block, width))
        case TableBlock():
            return _table(block, width)


def lay_out_all(blocks: Iterable[Block], width: int, *, gap: bool = True) -> list[Row]:
    """Blocks below each other, with a blank line between where `gap`."""
    lines: list[Row] = []
    for block in blocks:
        if lines and gap:
            lines.append(BLANK)
        lines.extend(lay_out(block, width))
    return lines


def code_head(block: CodeBlock, width: int) -> list[Row]:
    return [(Span(clip(block.language, width), "dim"),)] if block.language else []


def code_line(line: SafeText, width: int) -> list[Row]:
    """One line of code, broken where the width ends, wherever that is."""
    inner = _inner(width, 2)
    margin = " " * (width - inner)
    return [(Span(safe(margin + piece), "code"),) for piece in chop(line, inner)] or [BLANK]


def _inner(width: int, indent: int) -> int:
    return width - indent if width - indent >= NARROWEST else width


def _indented(lines: list[Row], first: Span, width: int, rest: Span | None = None) -> list[Row]:
    """Lines behind a prefix, where the width has room for one."""
    if _inner(width, cell_len(first.text)) == width:
        return lines
    later = rest or first
    return [(first if index == 0 else later, *line) for index, line in enumerate(lines)]


def _listing(block: ListBlock, width: int) -> Iterator[Row]:
    for index, item in enumerate(block.items):
        if index and not block.tight:
            yield BLANK
        yield from _item(item, width, tight=block.tight)


def _item(item: ListItem, width: int, *, tight: bool) -> list[Row]:
    cells = cell_len(item.marker)
    lines = lay_out_all(item.blocks, _inner(width, cells), gap=not tight) or [BLANK]
    return _indented(lines, Span(item.marker, "dim"), width, Span(safe(" " * cells)))


def _table(table: TableBlock, width: int) -> list[Row]:
    columns = len(table.head)
    room = width - 2 * (columns - 1)
    if room < COLUMN * columns:
        return _records(table, width)
    widths = _column_widths([table.head, *table.rows], columns, room)
    lines = _row([_all_in("strong", cell) for cell in table.head], widths, table.align)
    lines.append((Span(safe("  ".join("─" * cells for cells in widths)), "dim"),))
    for row in table.rows:
        lines.extend(_row(row, widths, table.align))
    return lines


def _column_widths(rows: list[tuple[Row, ...]], columns: int, room: int) -> list[int]:
    """The width that each column needs; while the sum is too large, the widest column shrinks."""
    widths = [max([COLUMN, *(_width(row[column]) for row in rows if column < len(row))]) for column in range(columns)]
    while (excess := sum(widths) - room) > 0:
        widest = max(widths)
        second = max([width for width in widths if width < widest], default=COLUMN)
        index = widths.index(widest)
        widths[index] = max(COLUMN, second - 1, widest - excess)
    return widths


def _all_in(tone: Tone, runs: Row) -> Row:
    return tuple(Span(run.text, tone) for run in runs)


def _width(runs: Row) -> int:
    return sum(cell_len(run.text) for run in runs)


def _row(cells: Iterable[Row], widths: list[int], align: tuple[Align, ...]) -> list[Row]:
    columns = [wrap(cell, width) for cell, width in zip(cells, widths, strict=False)]
    lines: list[Row] = []
    for index in range(max(map(len, columns))):
        line: list[Span] = []
        for column, cells_wide, side in zip(columns, widths, align, strict=False):
            part = column[index] if index < len(column) else BLANK
            left = cells_wide - sum(cell_len(span.text) for span in part)
            before = {"left": 0, "center": left // 2, "right": left}[side]
            line += [Span(safe(" " * before)), *part, Span(safe(" " * (left - before + 2)))]
        lines.append(merged([*line[:-1], Span(safe(line[-1].text[:-2]))]))
    return lines


def _records(table: TableBlock, width: int) -> list[Row]:
    """A table too narrow for columns: each cell behind its column's name."""
    lines: list[Row] = []
    for row in table.rows or (table.head,):
        if lines:
            lines.append(BLANK)
        for name, cell in zip(table.head, row, strict=False):
            label = _all_in("strong", name)
            lines.extend(wrap((*label, Span(safe(": ")), *cell) if table.rows else label, width))
    return lines
