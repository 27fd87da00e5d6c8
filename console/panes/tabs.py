"""The line of tabs, where one pane is shown at a time."""

from collections.abc import Sequence

from textual.events import Click
from textual.geometry import Size
from textual.message import Message

from console.present.header import tab_at, tabs
from console.present.rows import Row
from console.widgets.lines import Lines


class TabsPane(Lines):
    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, titles: Sequence[tuple[int, str]]) -> None:
        super().__init__(id="tabs")
        self._titles = titles
        self._chosen = titles[0][0]

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        return [tabs(self._titles, self._chosen, size.width)], None

    def choose(self, number: int) -> None:
        self._chosen = number
        self.redraw()

    def on_click(self, event: Click) -> None:
        number = tab_at(self._titles, self._chosen, self.size.width, event.x)
        if number is not None:
            self.post_message(self.Chosen(number))
