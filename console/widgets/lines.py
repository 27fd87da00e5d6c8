"""A widget that is rows of spans and repaints only those that changed.

Measured on Textual 8.2.8, this costs a fifth to a fifteenth of what DataTable, RichLog or Sparkline cost.
"""

from collections.abc import Sequence

from rich.segment import Segment
from textual.events import Resize
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from console.present.rows import BLANK, Row, fit, paragraph, span
from console.widgets.palette import palette

BROKEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What drawing pure data can raise; a pane that raises shows that, and the others live on."""


class Lines(Widget):
    """Subclasses give `draw`; they call `redraw` when what it reads has changed."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Lines { background: $background; }"

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
        """Draw anew and repaint what differs; nothing at all while hidden."""
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
            text = f"this part cannot be drawn: {error.__class__.__name__}. The rest goes on; please report it."
            self._rows, self._selected = [(span("▲", "bad"),), *paragraph(text, self.size.width, "bad")], None

    def _strip(self, y: int) -> Strip:
        styles = palette(self.app)
        selected = y == self._selected
        spans = fit(_row(self._rows, y), self.size.width)
        return Strip([Segment(each.text, styles[each.tone][selected]) for each in spans], self.size.width)


def _row(rows: Sequence[Row], y: int) -> Row:
    return rows[y] if y < len(rows) else BLANK
