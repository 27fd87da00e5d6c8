"""What stands over the panes: a framed sheet in the middle that scrolls, closed by escape."""

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen

from console.present.frame import Body, framed
from console.present.rows import Row
from console.widgets.lines import Lines

Result = TypeVar("Result")


class Sheet(Lines, can_focus=True):
    """Rows in a frame, as high as they need."""

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
            Body(rows), top=self._top, title=self._title, summary=(), size=(size.width, size.height), focused=True
        )

    def action_move(self, rows: int) -> None:
        self._top = max(0, self._top + rows)
        self.redraw()


class Overlay(ModalScreen[Result]):
    DEFAULT_CSS = "Overlay { align: center middle; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", show=False)]

    def __init__(self, title: str, rows: Callable[[int], Sequence[Row]]) -> None:
        super().__init__()
        self._sheet = Sheet(title, rows)

    def compose(self) -> ComposeResult:
        yield self._sheet

    def sheet_changed(self) -> None:
        """Its rows are others now: measure and draw them anew."""
        self._sheet.refresh(layout=True)
        self._sheet.redraw()

    def action_leave(self) -> None:
        self.dismiss(None)
