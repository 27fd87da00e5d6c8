"""A widget of rows that repaints only the part of a row that changed.

Measured on Textual 8.2.8, it costs a fifth to a fifteenth of DataTable, RichLog or Sparkline.
"""

from collections.abc import Iterable, Sequence
from itertools import takewhile

from rich.segment import Segment
from textual.events import Resize
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from console.present.spans import BLANK, Row, fit, paragraph, span, width
from console.widgets.styles import styles


class Line(Strip):
    """A line of a widget. Textual 8.2.8 has a strip that is not cut keep itself as its only part: such lines are freed
    by full collections alone, which under load cost a fifth of the time and two megabytes.
    """

    __slots__ = ()

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        within = [cut for cut in cuts if cut <= self.cell_length]
        return [self] if within == [self.cell_length] else super().divide(within)


BROKEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What drawing pure data can raise. A pane that raises shows the error, and the others keep working."""


class LineWidget(Widget):
    """Subclasses define `draw` and call `redraw` when what it reads has changed."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "LineWidget { background: $background; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self._strips: list[Strip | None] = []
        self._selected: int | None = None
        self._drawn: Size | None = None

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        """The rows from the top, at most `size.height` of them, and which of them is selected."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw again and repaint the rows that differ; nothing while hidden."""
        if not self.display or not self.size:
            self._drawn = None
            return
        if self._drawn is None:
            self.refresh()
            return
        before, selected_before = self._rows, self._selected
        self._compute()
        if self._drawn != self.size:
            self.refresh()
            return
        for y in range(self.size.height):
            moved = (y == selected_before) != (y == self._selected)
            if moved or _row(before, y) != _row(self._rows, y):
                self._strips[y] = None
                cells = self.size.width
                first, last = (0, cells) if moved else changed(_row(before, y), _row(self._rows, y), cells)
                self.refresh(Region(first, y, last - first, 1))

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region. Textual's own keeps a copy of each, laid within borders, which no such widget has."""
        lines = [self.render_line(y) for y in crop.line_range]
        for line_filter in self.get_line_filters():
            lines = [line.apply_filter(line_filter, self.background_colors[1]) for line in lines]
        parts = (line.crop(*crop.column_span) for line in lines)
        return [Line(part, part.cell_length) for part in parts]

    def render_line(self, y: int) -> Strip:
        if self._drawn != self.size:
            self._compute()
            self._strips = [None] * self.size.height
            self._drawn = self.size
        if y >= len(self._strips):
            return Strip.blank(self.size.width)
        strip = self._strips[y]
        if strip is None:
            strip = self._strips[y] = self._strip(y)
        return strip

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn = None

    def on_resize(self, _event: Resize) -> None:
        self.redraw()

    def _compute(self) -> None:
        try:
            self._rows, self._selected = self.draw(self.size)
        except BROKEN as error:
            text = f"This part cannot be drawn ({error.__class__.__name__}). The rest keeps working. Please report it."
            self._rows, self._selected = [(span("▲", "bad"),), *paragraph(text, self.size.width, "bad")], None

    def _strip(self, y: int) -> Strip:
        style_of = styles(self.app)
        selected = y == self._selected
        spans = fit(_row(self._rows, y), self.size.width)
        return Strip([Segment(each.text, style_of[each.tone][selected]) for each in spans], self.size.width)


def changed(before: Row, after: Row, cells: int) -> tuple[int, int]:
    """The first cell of the spans that differ between two rows of `cells` cells, and the one behind the last; (0, 0)
    for none. A terminal is sent whole spans.
    """
    old, new = fit(before, cells), fit(after, cells)
    first = _alike(old, new)
    return (0, 0) if first >= cells else (first, cells - _alike(old[::-1], new[::-1]))


def _alike(old: Row, new: Row) -> int:
    """How many cells two rows have in common from their beginning."""
    return width(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))


def _row(rows: Sequence[Row], y: int) -> Row:
    return rows[y] if y < len(rows) else BLANK
