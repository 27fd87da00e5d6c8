"""The main screen: header, tabs, panes and footer. Its size, and a pane that is zoomed, decide what is shown."""

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Container
from textual.events import DescendantFocus, Resize
from textual.screen import Screen
from textual.widget import Widget

from console.changed_cells import ChangedCellsCompositor
from console.keys import Keys
from console.layout import ALERTS, BESIDE, CHAT, MODES, TIMELINE, Mode, grid_rows, has_timeline, mode_of
from console.messages import StateChanged
from console.panes.alerts_pane import AlertsPane
from console.panes.cache_pane import CachePane
from console.panes.header import FooterPane, HeaderPane, TabsPane, TinyPane
from console.panes.routing_pane import RoutingPane
from console.panes.runtime_pane import RuntimePane
from console.panes.spend_pane import SpendPane
from console.panes.timeline_pane import TimelinePane
from console.remembered_view import View
from console.state import ViewState
from console.widgets.pane import Pane

TITLES = (
    (1, "Runtime"),
    (2, "Routing"),
    (3, "Cache"),
    (4, "Spend"),
    (ALERTS, "Alerts"),
    (CHAT, "Chat"),
    (TIMELINE, "Timeline"),
)


class MainScreen(Screen[None]):
    def __init__(self, make_chat: Callable[[], Pane]) -> None:
        super().__init__()
        self._compositor = ChangedCellsCompositor()
        self._header = HeaderPane()
        self._tabs = TabsPane(TITLES)
        self._footer = FooterPane()
        self._tiny = TinyPane()
        self._make_chat = make_chat
        self.chat: Pane | None = None
        self.routing, self.cache, self.spend = RoutingPane(), CachePane(), SpendPane()
        self._alerts, self.timeline = AlertsPane(), TimelinePane()
        self._panes: dict[int, Pane] = {
            1: RuntimePane(),
            2: self.routing,
            3: self.cache,
            4: self.spend,
            ALERTS: self._alerts,
            TIMELINE: self.timeline,
        }
        self._chosen = self._beside = 2
        self._zoomed = False
        self._mode: Mode = "single"
        self._grid = ""
        self._state = ViewState()
        self.watchers: Sequence[Widget] = (self._header, self._footer, self._tiny, *self._panes.values())

    def compose(self) -> ComposeResult:
        yield self._header
        yield self._tabs
        with Container(id="panes"):
            for number in (ALERTS, TIMELINE, 1, 2, 4, 3):
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
        self._state = state
        self._share_rows()

    @property
    def view(self) -> View:
        """What is shown, to be shown again next time."""
        return View(pane=self._chosen, beside=self._beside, zoomed=self._zoomed, sessions=self.routing.shows_sessions)

    def restore(self, view: View) -> None:
        """Show what was shown last time; a pane that is not there is none."""
        self._beside = view.beside if view.beside in BESIDE else self._beside
        self._zoomed = view.zoomed
        self._chosen = view.pane if view.pane in self._panes else self._chosen
        if view.sessions:
            self.routing.show_sessions()

    def show_message(self, line: str, *, bad: bool = False, hint: str = "") -> None:
        """Show a line in the footer for a while, and at its right end a key that goes with it."""
        self._footer.show_message(line, bad=bad, hint=hint)

    def all_keys(self) -> Sequence[tuple[str, Keys]]:
        """The panes' own keys by heading, for the help."""
        return [section for _, pane in sorted(self._panes.items()) for section in pane.all_keys]

    @property
    def focused_title(self) -> str:
        """The title of the pane with the focus."""
        return self._panes[self._chosen].TITLE

    def choose(self, number: int) -> None:
        """Show a pane and focus it. One that has no place on this screen is zoomed."""
        if (pane := self._panes.get(number)) is None:
            return
        if number in BESIDE:
            self._beside = number
        self._chosen = number
        for each in self._panes.values():
            each.set_class(each is pane, "chosen")
            each.set_class(each is self._panes[self._beside], "beside")
        if number == TIMELINE and self._mode in ("wide", "split") and not has_timeline(self._mode, self.size.height):
            self._zoomed = True
            self._arrange(*self.size)
        self._chose(number)
        pane.focus()

    def zoom(self) -> None:
        """Give the focused pane the whole screen, and back."""
        self._zoomed = not self._zoomed
        self._arrange(*self.size)
        self.choose(self._chosen)

    def on_resize(self, event: Resize) -> None:
        self._arrange(*event.size)
        if self._mode != "tiny":
            self.call_after_refresh(self._focus_again)

    def _arrange(self, columns: int, rows: int) -> None:
        self._mode = mode_of(columns, rows, zoomed=self._zoomed)
        for mode in MODES:
            self.set_class(mode == self._mode, mode)
        self.query_one("#panes").set_class(
            self._mode in ("wide", "split") and not has_timeline(self._mode, rows), "low"
        )
        self._share_rows()

    def _share_rows(self) -> None:
        """The alerts have as many rows as they need, and few while nothing is wrong. Anything else moves only then."""
        if self._mode not in ("wide", "split"):
            return
        rows = self.size.height
        timeline = has_timeline(self._mode, rows)
        grid = grid_rows(self._mode, rows, self._alerts.rows_wanted(self._state), timeline=timeline)
        if grid != self._grid:
            self._grid = grid
            self.query_one("#panes").styles.grid_rows = grid

    def _focus_again(self) -> None:
        """A pane that was hidden by a tiny size lost the focus with it."""
        if self.focused is None and (pane := self._panes.get(self._chosen)) is not None:
            pane.focus()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        for number, pane in self._panes.items():
            if pane is event.widget:
                self._chose(number)
        self._share_rows()

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
        self._footer.show_keys(pane.keys if pane else (), typing=pane is not None and pane.typing)
