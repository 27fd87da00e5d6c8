"""The main screen: header, tabs, panes and footer. Its size decides whether one pane is shown or all of them."""

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Container
from textual.events import DescendantFocus, Resize
from textual.screen import Screen
from textual.widget import Widget

from console.keys import Keys
from console.messages import StateChanged
from console.panes.alerts_pane import AlertsPane
from console.panes.cache_pane import CachePane
from console.panes.header import FooterPane, HeaderPane, TabsPane, TinyPane
from console.panes.routing_pane import RoutingPane
from console.panes.runtime_pane import RuntimePane
from console.panes.spend_pane import SpendPane
from console.state import ViewState
from console.widgets.pane import Pane

WIDE = (140, 36)
"""Columns and rows from which all panes are shown at once."""
TINY = (40, 10)
"""Columns and rows below which no pane fits."""
TITLES = ((1, "Runtime"), (2, "Routing"), (3, "Cache"), (4, "Spend"), (5, "Alerts"), (6, "Chat"))

LAYOUT = """
MainScreen { background: $background; }
HeaderPane, TabsPane, FooterPane { height: 1; width: 100%; }
TinyPane { display: none; height: 1; }
#panes { height: 1fr; width: 100%; layout: vertical; background: $background; }
#panes > * { display: none; width: 100%; height: 1fr; }
#panes > .chosen { display: block; }
.wide TabsPane { display: none; }
.wide #panes {
    layout: grid; grid-size: 3 4; grid-columns: 46fr 52fr 42fr; grid-rows: 24fr 16fr 4 11fr; grid-gutter: 0;
}
.wide #panes > * { display: block; height: 100%; }
.wide #runtime { row-span: 2; }
.wide #routing { column-span: 2; }
.wide #alerts, .wide #chat { column-span: 3; }
.tiny HeaderPane, .tiny TabsPane, .tiny FooterPane, .tiny #panes { display: none; }
.tiny TinyPane { display: block; }
"""
"""The App's CSS: Textual does not load a default screen's own."""

CHAT = 6


class MainScreen(Screen[None]):
    def __init__(self, make_chat: Callable[[], Pane]) -> None:
        super().__init__()
        self._header = HeaderPane()
        self._tabs = TabsPane(TITLES)
        self._footer = FooterPane()
        self._tiny = TinyPane()
        self._make_chat = make_chat
        self.chat: Pane | None = None
        self.routing, self.cache, self.spend = RoutingPane(), CachePane(), SpendPane()
        self._panes: dict[int, Pane] = {
            1: RuntimePane(),
            2: self.routing,
            3: self.cache,
            4: self.spend,
            5: AlertsPane(),
        }
        self._chosen = 2
        self.watchers: Sequence[Widget] = (self._header, self._footer, self._tiny, *self._panes.values())

    def compose(self) -> ComposeResult:
        yield self._header
        yield self._tabs
        with Container(id="panes"):
            for number in (1, 2, 4, 3, 5):
                yield self._panes[number]
        yield self._footer
        yield self._tiny

    def on_mount(self) -> None:
        self.choose(self._chosen)

    async def complete(self) -> None:
        """Add the chat. Importing and mounting it takes a tenth of the time to the first frame."""
        chat = self._panes[CHAT] = self.chat = self._make_chat()
        self.watchers = (*self.watchers, chat)
        await self.query_one("#panes").mount(chat)

    def show(self, state: ViewState) -> None:
        """Post the newest state to everything that draws it."""
        for watcher in self.watchers:
            watcher.post_message(StateChanged(state))

    def show_message(self, line: str, *, bad: bool = False) -> None:
        """Show a line in the footer for a while."""
        self._footer.show_message(line, bad=bad)

    def all_keys(self) -> Sequence[tuple[str, Keys]]:
        """The panes' own keys by heading, for the help."""
        return [section for _, pane in sorted(self._panes.items()) for section in pane.all_keys]

    def choose(self, number: int) -> None:
        """Show a pane and focus it."""
        if (pane := self._panes.get(number)) is None:
            return
        for each in self._panes.values():
            each.set_class(each is pane, "chosen")
        self._chose(number)
        pane.focus()

    def on_resize(self, event: Resize) -> None:
        columns, rows = event.size
        tiny = columns < TINY[0] or rows < TINY[1]
        wide = columns >= WIDE[0] and rows >= WIDE[1]
        self.set_class(tiny, "tiny")
        self.set_class(wide and not tiny, "wide")
        if not tiny:
            self.call_after_refresh(self._focus_again)

    def _focus_again(self) -> None:
        """A pane that was hidden by a tiny size lost the focus with it."""
        if self.focused is None and (pane := self._panes.get(self._chosen)) is not None:
            pane.focus()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        for number, pane in self._panes.items():
            if pane is event.widget:
                self._chose(number)

    def on_tabs_pane_chosen(self, message: TabsPane.Chosen) -> None:
        self.choose(message.number)

    def _chose(self, number: int) -> None:
        self._chosen = number
        self._tabs.choose(number)
        self._show_keys()

    def on_pane_keys_changed(self) -> None:
        self._show_keys()

    def _show_keys(self) -> None:
        pane = self._panes.get(self._chosen)
        self._footer.show_keys(pane.keys if pane else (), typing=self._chosen == CHAT)
