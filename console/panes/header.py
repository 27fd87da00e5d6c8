"""The header and the footer: one row each, always there."""

from collections.abc import Sequence

from textual.geometry import Size

from console.keys import everywhere
from console.messages import StateChanged
from console.present.header import Keys, footer, header, too_small
from console.present.rows import Row
from console.state import ViewState
from console.widgets.lines import Lines


class HeaderPane(Lines):
    def __init__(self) -> None:
        super().__init__()
        self.state = ViewState()

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        return [header(self.state, size.width)], None

    def on_state_changed(self, message: StateChanged) -> None:
        self.state = message.state
        self.redraw()


class TinyPane(HeaderPane):
    """All there is on a screen too small for panes."""

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        return [too_small(self.state, size.width)], None


class FooterPane(Lines):
    """The keys of what has the focus; for a while, what was just done."""

    SHOWN_S = 6.0

    def __init__(self) -> None:
        super().__init__(id="footer")
        self._keys: Keys = ()
        self._stopped = False
        self._typing = False
        self._line = ""
        self._bad = False

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        return [
            footer(
                self._keys,
                everywhere(stopped=self._stopped, typing=self._typing),
                size.width,
                self._line,
                bad=self._bad,
            )
        ], None

    def on_state_changed(self, message: StateChanged) -> None:
        self._stopped = message.state.cloud_stopped
        self.redraw()

    def show_keys(self, keys: Keys, *, typing: bool) -> None:
        self._keys, self._typing = keys, typing
        self.redraw()

    def say(self, line: str, *, bad: bool = False) -> None:
        self._line, self._bad = line, bad
        self.redraw()
        self.set_timer(self.SHOWN_S, lambda: self._unsay(line))

    def _unsay(self, line: str) -> None:
        if self._line == line:
            self._line = ""
            self.redraw()
