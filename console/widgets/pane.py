"""The base of every pane: a frame with number and title, heavy when focused, and a thumb where the rows scroll."""

from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace
from textual.binding import Binding, BindingType
from textual.events import Blur, Focus, MouseScrollDown, MouseScrollUp, Show
from textual.geometry import Size
from textual.message import Message

from console.keys import Keys
from console.messages import LiveOnly, RowLeft, StateChanged
from console.present.empty_states import stale_since, without_core
from console.present.frame import PaneBody, framed
from console.present.spans import Row, dimmed, row, span
from console.state import ViewState
from console.widgets.line_widget import LineWidget


class Pane(LineWidget, can_focus=True):
    """Subclasses define `body`, and may define `summary` and `KEYS`."""

    NUMBER: ClassVar[int]
    TITLE: ClassVar[str]
    KEYS: ClassVar[Keys] = ()
    """The pane's own keys: (key, what it does)."""

    LIVE_ONLY: ClassVar[frozenset[str]] = frozenset()
    """The names of its actions that change something, which nothing can in the past."""

    class KeysChanged(Message):
        """Other keys than before work in the pane now."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
        Binding("space", "pause", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id=self.TITLE.lower())
        self.state = self._newest = ViewState()
        self._paused = False
        self._top = 0
        self._fixed = self._below = 0
        self._content_drawn: tuple[object, ...] = ()
        self._drawn_rows: tuple[Sequence[Row], int | None] = ((), None)

    @property
    def keys(self) -> Keys:
        """Its own keys that work now, for the footer."""
        return self.KEYS

    @property
    def typing(self) -> bool:
        """Whether letters are text of the pane now."""
        return False

    @property
    def all_keys(self) -> Sequence[tuple[str, Keys]]:
        """Its own keys by heading, for the help."""
        return ((self.TITLE, self.KEYS),) if self.KEYS else ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self.state.past and action in self.LIVE_ONLY:
            self.post_message(LiveOnly())
            return False
        if action in self.LIVE_ONLY and self.row_left():
            self.post_message(RowLeft())
            return False
        return super().check_action(action, parameters)

    def row_left(self) -> bool:
        """Whether the row that the cursor stood on has left the list. The cursor is then put elsewhere, and no key acts
        before it was seen there.
        """
        return False

    def body(self, state: ViewState, size: Size) -> PaneBody:
        """All rows inside the frame; `size` is the room for them."""
        raise NotImplementedError

    def summary(self, state: ViewState) -> Row:
        """A few figures for the right end of the title row."""
        return ()

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        room = Size(max(0, size.width - 4), max(0, size.height - 2))
        body, summary = self._content(room)
        self._fixed, self._below = body.fixed, len(body.below)
        height = room.height - len(body.below)
        self._top = max(0, min(self._top, len(body.rows) - height))
        if body.selected is not None:
            at = body.selected - body.fixed
            self._top = max(0, min(self._top, at), at + body.reach - (height - body.fixed))
        content = (body, summary, size, self._top, self.has_focus, self.state.past)
        if content != self._content_drawn:  # nothing of most panes changes from one frame to the next
            self._content_drawn = content
            self._drawn_rows = framed(
                body,
                top=self._top,
                title=f"{self.NUMBER} {self.TITLE}",
                summary=summary,
                size=(size.width, size.height),
                focused=self.has_focus,
                past=self.state.past,
            )
        return self._drawn_rows

    def _content(self, room: Size) -> tuple[PaneBody, Row]:
        connection = self.state.connection
        if (instead := without_core(connection, room.width)) is not None:
            return PaneBody(instead), ()
        body, summary = self.body(self.state, room), self.summary(self.state)
        if connection.phase == "lost":
            return replace(body, rows=[dimmed(each) for each in body.rows]), stale_since(connection)
        return body, row(span("‖ paused ", "warn"), *summary) if self._paused else summary

    def on_state_changed(self, message: StateChanged) -> None:
        self._newest = message.state
        moved = self._newest.past or self._newest.past != self.state.past
        if not self._paused or moved or self._newest.connection != self.state.connection:
            self.state = self._newest
            self.redraw()

    def action_pause(self) -> None:
        """Stop updating so that the operator can read; again to continue with the newest."""
        self._paused = not self._paused
        self.state = self._newest
        self.redraw()

    def on_show(self, _event: Show) -> None:
        self.redraw()

    def on_focus(self, _event: Focus) -> None:
        self.redraw()

    def on_blur(self, _event: Blur) -> None:
        self.redraw()

    def on_mouse_scroll_down(self, _event: MouseScrollDown) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self, _event: MouseScrollUp) -> None:
        self.action_move(-3)

    def row_at(self, y: int) -> int | None:
        """The index of the scrolling row at line `y` of the widget."""
        at = y - 1 - self._fixed
        return at + self._top if at >= 0 and y < self.size.height - 1 - self._below else None

    def scroll_to_top(self) -> None:
        self._top = 0

    def action_move(self, rows: int) -> None:
        """Scroll; a pane with a cursor moves the cursor instead."""
        self._top = max(0, self._top + rows)
        self.redraw()

    def action_page(self, direction: int) -> None:
        self.action_move(direction * max(1, self.size.height - 3))
