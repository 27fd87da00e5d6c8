"""The rows that are always there: header, tabs and footer, and the one row of a screen too small for panes.

The header answers: is each engine healthy, what did today cost, is anything wrong and since when, what time is it.
"""

from collections.abc import Sequence

from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.timer import Timer

from console.keys import BUDGET_KEY, Keys, everywhere
from console.messages import StateChanged
from console.present.header_row import header, too_small
from console.present.spans import Row, Span, fit, span, spread, width
from console.state import ViewState
from console.widgets.line_widget import LineWidget


class HeaderPane(LineWidget):
    def __init__(self) -> None:
        super().__init__()
        self.state = ViewState()

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        return [header(self.state, size.width)], None

    def on_state_changed(self, message: StateChanged) -> None:
        self.state = message.state
        self.redraw()


class TinyPane(HeaderPane):
    """The one row of a screen too small for panes."""

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        return [too_small(self.state, size.width)], None


class FooterPane(LineWidget):
    """The keys of the focused pane, or for a while the result of an action."""

    def __init__(self, *, shown_s: float = 6.0) -> None:
        """A message is shown for `shown_s` seconds."""
        super().__init__(id="footer")
        self._shown_s = shown_s
        self._keys: Keys = ()
        self._stopped = self._past = False
        self._typing = False
        self._line = ""
        self._bad, self._hint = False, ""
        self._hiding: Timer | None = None

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        return [
            footer(
                self._keys,
                everywhere(stopped=self._stopped, typing=self._typing, past=self._past),
                size.width,
                self._line,
                bad=self._bad,
                hint=self._hint,
            )
        ], None

    def on_state_changed(self, message: StateChanged) -> None:
        self._stopped, self._past = message.state.cloud_stopped, message.state.past
        self.redraw()

    def show_keys(self, keys: Keys, *, typing: bool) -> None:
        self._keys, self._typing = keys, typing
        self.redraw()

    def show_message(self, line: str, *, bad: bool = False, hint: str = "") -> None:
        self._line, self._bad, self._hint = line, bad, hint
        self.redraw()
        if self._hiding is not None:
            self._hiding.stop()
        self._hiding = self.set_timer(self._shown_s, self._hide_message)

    def _hide_message(self) -> None:
        self._line = ""
        self.redraw()


class TabsPane(LineWidget):
    """The tabs, where one pane is shown at a time."""

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


def tabs(titles: Sequence[tuple[int, str]], chosen: int, cells: int) -> Row:
    """The panes by number; only numbers where the names do not fit."""
    spans: list[Span] = [span(" ")]
    for number, name in _names(titles, chosen, cells):
        spans += [span(name, "focus" if number == chosen else "dim"), span("  ")]
    return fit(tuple(spans), cells)


def tab_at(titles: Sequence[tuple[int, str]], chosen: int, cells: int, x: int) -> int | None:
    """The number of the tab that stands at column `x` of `tabs`."""
    start = 1
    for number, name in _names(titles, chosen, cells):
        if start <= x < start + len(name):
            return number
        start += len(name) + 2
    return None


def _names(titles: Sequence[tuple[int, str]], chosen: int, cells: int) -> list[tuple[int, str]]:
    names = [(number, f"{number} {title}") for number, title in titles]
    if sum(len(name) + 2 for _, name in names) <= cells:
        return names
    return [(number, name if number == chosen else f"{number}") for number, name in names]


def footer(own: Keys, everywhere: Keys, cells: int, line: str = "", *, bad: bool = False, hint: str = "") -> Row:
    """As many of the pane's `own` keys as fit, then those of everywhere; or a message instead, with its `hint`."""
    if line:
        said = (span(" "), span("✗ " if bad else ""), span(line, "bad" if bad else "good"))
        return spread(said, (span(f"{hint} ", "title"),), cells) if hint else fit(said, cells)
    right = _keys(everywhere, cells - 2)
    if width(right) + 3 + width(_keys(own[:KEPT], cells)) > cells:
        right = _keys([key for key in everywhere if key != BUDGET_KEY], cells - 2)
    left = _keys(own, cells - width(right) - 3)
    return spread((span(" "), *left), (*right, span(" ")), cells)


KEPT = 4
"""Keys of the pane that no key of everywhere takes the place of, where there is room for either."""


def _keys(keys: Keys, cells: int) -> Row:
    """As many as fit, two blanks between them."""
    spans: list[Span] = []
    for key, what in keys:
        entry = (span("  " if spans else ""), span(key, "title"), span(f" {what}", "dim"))
        if width(spans) + width(entry) > cells:
            break
        spans += entry
    return tuple(spans)
