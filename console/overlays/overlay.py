"""The base of every overlay, a framed sheet that scrolls and that escape closes, and the question with yes and no."""

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.geometry import Size
from textual.screen import ModalScreen

from console.present.frame import PaneBody, framed
from console.present.spans import BLANK, Row, paragraph, row, span
from console.widgets.line_widget import LineWidget

PASTED_KEY = "That key came with pasted text. Press it again."

Result = TypeVar("Result")


class Sheet(LineWidget, can_focus=True):
    """Rows in a frame that is as high as they need. `rows` makes them for a number of cells."""

    DEFAULT_CSS = """
    Sheet { width: 96; max-width: 96%; height: auto; max-height: 94%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown,space", "move(10)", show=False),
    ]

    def __init__(self, title: str, rows: Callable[[int], Sequence[Row]]) -> None:
        super().__init__(id="sheet")
        self._title = title
        self._content = rows
        self._top = 0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._content(max(1, width - 4))) + 2

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        rows = self._content(max(1, size.width - 4))
        self._top = max(0, min(self._top, len(rows) - (size.height - 2)))
        return framed(
            PaneBody(rows), top=self._top, title=self._title, summary=(), size=(size.width, size.height), focused=True
        )

    def action_move(self, rows: int) -> None:
        self._top = max(0, self._top + rows)
        self.redraw()

    def show_row(self, index: int) -> None:
        """Scroll as little as needed to bring a row into view."""
        self._top = max(min(self._top, index), index - (self.size.height - 3))
        self.redraw()


class Overlay(ModalScreen[Result]):
    """A sheet above the panes. Escape dismisses it with None."""

    DEFAULT_CSS = "Overlay { align: center middle; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", show=False)]

    def __init__(self, title: str, rows: Callable[[int], Sequence[Row]]) -> None:
        super().__init__()
        self._sheet = Sheet(title, rows)
        self._dismissed = False

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """The first answer counts. Keys that come as fast as pasted text reach an overlay that is leaving already, and
        Textual would take the screen below it away, too.
        """
        if self._dismissed:
            return AwaitComplete()
        self._dismissed = True
        return super().dismiss(result)

    def compose(self) -> ComposeResult:
        yield self._sheet

    def consume(self, event: Key) -> None:
        """The key was for this overlay: nobody else gets it."""
        event.stop()
        event.prevent_default()

    def sheet_changed(self) -> None:
        """Measure and draw the rows again."""
        self._sheet.refresh(layout=True)
        self._sheet.redraw()

    def show_row(self, index: int) -> None:
        self._sheet.show_row(index)

    def action_leave(self) -> None:
        self.dismiss(None)


class ConfirmOverlay(Overlay[bool]):
    """A question before something that cannot be undone. Only `y` confirms: enter does not, so that no habit does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", show=False),
        Binding("n", "answer(False)", show=False),
    ]

    def __init__(self, text: str) -> None:
        super().__init__("Confirm", lambda cells: _question(text, cells))

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


def _question(text: str, cells: int) -> list[Row]:
    return [
        *paragraph(text, cells, "strong"),
        BLANK,
        row(span("y", "title"), span(" yes    ", "dim"), span("n", "title"), span(" no", "dim")),
    ]
