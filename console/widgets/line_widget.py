"""A widget of rows that repaints only the rows that changed.

Measured on Textual 8.2.8, it costs a fifth to a fifteenth of DataTable, RichLog or Sparkline.
"""

from collections.abc import Sequence

from rich.segment import Segment
from textual.events import Resize
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from console.present.spans import BLANK, Row, fit, paragraph, span
from console.widgets.styles import styles

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
            same = _row(before, y) == _row(self._rows, y) and (y == selected_before) == (y == self._selected)
            if not same:
                self._strips[y] = None
                self.refresh(Region(0, y, self.size.width, 1))

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


def _row(rows: Sequence[Row], y: int) -> Row:
    return rows[y] if y < len(rows) else BLANK
