"""Pane 3: what the cache holds and saves; `f` empties it."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size

from backends.types import Action
from console.messages import Act
from console.present import cache as present
from console.present.frame import Body
from console.present.rows import Row
from console.state import ViewState
from console.widgets.pane import Pane


class CachePane(Pane):
    NUMBER: ClassVar[int] = 3
    TITLE: ClassVar[str] = "Cache"
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (("f", "flush"),)
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f", "flush", "flush the cache")]

    def body(self, state: ViewState, size: Size) -> Body:
        return Body(present.cache(state, size.width))

    def summary(self, state: ViewState) -> Row:
        return present.summary(state)

    def action_flush(self) -> None:
        """Ask, then empty the cache."""
        from console.screens.confirm import ConfirmScreen

        entries = self.state.cache.entries if self.state.cache else 0
        text = f"Flush the cache? {entries:,} stored answers are deleted; this cannot be undone."
        self.app.push_screen(ConfirmScreen(text), self._flush)

    def _flush(self, confirmed: bool | None) -> None:
        if confirmed:
            self.post_message(Act(Action(verb="flush-cache", actor="console")))
