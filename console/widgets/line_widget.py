"""A widget of rows that repaints only the part of a row that changed.

Measured on Textual 8.2.8, it costs a fifth to a fifteenth of DataTable, RichLog or Sparkline.
"""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from textual.events import Resize
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from console.present.spans import BLANK, Row, Tone, fit, paragraph, span
from console.widgets.styles import styles

MOVE = 8
"""Bytes that a move of the cursor costs."""


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
        if self._rows is before and self._selected == selected_before:
            return
        for y in range(self.size.height):
            moved = (y == selected_before) != (y == self._selected)
            if moved or _row(before, y) != _row(self._rows, y):
                self._strips[y] = None
                cells = self.size.width
                runs = [(0, cells)] if moved else changed(_row(before, y), _row(self._rows, y), cells)
                if runs:  # without a region, all would be painted
                    self.refresh(*(Region(first, y, last - first, 1) for first, last in runs))

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region. Textual's own keeps a copy of each, laid within borders, which no such widget has."""
        self._draw_anew()
        lines = [self._sent(y) for y in crop.line_range]
        if crop.column_span == (0, self.size.width):
            return lines
        parts = (line.crop(*crop.column_span) for line in lines)
        return [Line(part, part.cell_length) for part in parts]

    def render_line(self, y: int) -> Strip:
        self._draw_anew()
        return self._strip(y) if y < self.size.height else Strip.blank(self.size.width)

    def _draw_anew(self) -> None:
        if self._drawn != self.size:
            self._compute()
            self._strips = [None] * self.size.height
            self._drawn = self.size

    def _sent(self, y: int) -> Strip:
        """The line as it is sent, through Textual's filters of colours."""
        if y >= len(self._strips):
            return Strip.blank(self.size.width)
        strip = self._strips[y]
        if strip is None:
            strip = self._strip(y)
            for line_filter in self.get_line_filters():
                strip = strip.apply_filter(line_filter, self.background_colors[1])
            strip = self._strips[y] = Line(strip, strip.cell_length)
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


def changed(before: Row, after: Row, cells: int) -> list[tuple[int, int]]:
    """The runs of cells that differ between two rows of `cells` cells: of each the first, and the one behind the last.
    Few cells between two of them belong to a run, as a move of the terminal's cursor costs more.
    """
    runs: list[tuple[int, int]] = []
    for at, (old, new) in enumerate(zip(_cells(before, cells), _cells(after, cells), strict=True)):
        if old != new:
            joined = runs.pop()[0] if runs and at - runs[-1][1] <= MOVE else at
            runs.append((joined, at + 1))
    return runs


def _cells(row: Row, cells: int) -> list[tuple[str, Tone, int]]:
    """What each cell shows: a text, its tone, and the how many'th of its cells this is."""
    shown: list[tuple[str, Tone, int]] = []
    for text, tone in fit(row, cells):
        if text.isascii():
            shown += [(character, tone, 0) for character in text]
            continue
        widths = [get_character_cell_size(character) for character in text]
        single = all(widths) and sum(widths) == cell_len(text)
        pieces = zip(text, widths, strict=True) if single else ((text, cell_len(text)),)
        shown += [(piece, tone, at) for piece, wide in pieces for at in range(wide)]
    return shown


def _row(rows: Sequence[Row], y: int) -> Row:
    return rows[y] if y < len(rows) else BLANK
