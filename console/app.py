"""The console's App: it composes the screen, binds keys, and passes messages between panes and bridge."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from typing import ClassVar

from msgspec.structs import replace
from textual.app import App
from textual.binding import BindingType
from textual.events import Event, Key, Paste
from textual.message import Message

from backends.text.measures import count
from backends.text.times import seconds as in_seconds
from backends.types import Action
from console import keys, terminal
from console.action_runner import PAST, ActionRunner
from console.bridge import Bridge, Open
from console.driver import terminal_driver
from console.layout import LAYOUT
from console.main_screen import MainScreen
from console.messages import (
    ActionFailed,
    ActionSucceeded,
    AnswerFailed,
    CancelRequest,
    ChunkArrived,
    LiveOnly,
    MoveInTime,
    OpenFailed,
    PreviewRoute,
    RequestTimeline,
    ReviewLoaded,
    RoutePreviewed,
    RowLeft,
    RunAction,
    SendRequest,
    ShowMoment,
    StateChanged,
    TimelineLoaded,
)
from console.remembered_view import RememberedView
from console.state import ViewState
from console.theming import DEFAULT
from console.time_travel import TimeTravel
from console.user_themes import CHECK_S, Themes
from console.widgets.pane import Pane

HANGUP_DRAIN_S = 2.0
HUNG_UP = 128 + signal.SIGHUP
TERMINATED = 128 + signal.SIGTERM


def _chat() -> Pane:
    from console.panes.chat_pane import ChatPane

    return ChatPane()


class ClawApp(App[None]):
    TITLE = "claw"
    CSS = LAYOUT
    BINDINGS: ClassVar[list[BindingType]] = keys.BINDINGS

    def __init__(
        self,
        open_core: Open,
        *,
        reopen: Open | None = None,
        theme: str = DEFAULT,
        themes: Themes | None = None,
        chat: Callable[[], Pane] = _chat,
        remembered: RememberedView | None = None,
        exit_now: Callable[[int], object] = os._exit,
    ) -> None:
        """`exit_now` ends the process once the terminal is gone."""
        self.guard = keys.PasteGuard(self._monotonic, waiting=terminal.unread)
        super().__init__(
            driver_class=terminal_driver(self.guard.arrived, self.action_stop, self._resumed),
            ansi_color=True if os.environ.get("NO_COLOR") else None,
        )
        self.state = ViewState()
        self.bridge = Bridge(open_core, reopen=reopen, post=self._deliver, drained=terminal.drained)
        self._exit_now = exit_now
        self._hanging_up: asyncio.Task[None] | None = None
        self.exit_message = ""
        self.serve_after = False
        self._awaited: frozenset[str] = frozenset()
        self.main = MainScreen(chat)
        self.remembered = remembered or RememberedView()
        self.main.restore(self.remembered.view)
        self.time_travel = TimeTravel(self.bridge, self.main.show_message)
        self.actions = ActionRunner(self, self.guard, state=lambda: self.state, act=self.bridge.act, tell=self._tell)
        self.themes = themes or Themes()
        self.register_theme(self.themes.theme(theme))
        self.theme = theme

    def get_default_screen(self) -> MainScreen:
        return self.main

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        # Handle SIGHUP also where nohup told the process to ignore it: a console without a terminal has nothing to do.
        loop.add_signal_handler(signal.SIGHUP, self.hang_up)
        loop.add_signal_handler(signal.SIGTERM, lambda: self.exit(return_code=TERMINATED))
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        """Start what the first frame does not wait for."""
        await self.main.complete()
        if not gc.isenabled():  # `launch` has disabled it
            gc.freeze()  # what there is now stays, and keys would wait .05 s while a collection goes through it
            gc.enable()
        self.bridge.start()
        for theme in await asyncio.to_thread(self.themes.all):
            self.register_theme(theme)
        if self.themes.user is not None:
            self.set_interval(CHECK_S, lambda: self.run_worker(self._read_themes(), name="themes", exclusive=True))

    async def _read_themes(self) -> None:
        """Take the user's themes that have changed; of one that is wrong, the last good one stays."""
        user = self.themes.user
        for name in await asyncio.to_thread(user.read_changed) if user is not None else ():
            if user is not None and (problem := user.problems.get(name)):
                self._tell(problem, True)
            else:
                self.register_theme(self.themes.theme(name))
                if name == self.theme:
                    self.mutate_reactive(ClawApp.theme)

    async def on_event(self, event: Event) -> None:
        if not event.is_forwarded:  # an event that bubbles back from a pane was handled before
            if isinstance(event, Paste):
                self.guard.pasted()
            elif isinstance(event, Key):
                self.guard.handle(event.time)
        await super().on_event(event)

    # ---- from panes to the bridge

    def on_send_request(self, message: SendRequest) -> None:
        self.bridge.ask(message.turn, message.request)

    def on_cancel_request(self, message: CancelRequest) -> None:
        self.bridge.cancel(message.turn)

    def on_preview_route(self, message: PreviewRoute) -> None:
        self.bridge.preview(message.turn, message.request)

    def on_request_review(self) -> None:
        self.bridge.review()

    def on_request_timeline(self, message: RequestTimeline) -> None:
        self.bridge.timeline(message.since, message.until)

    def on_move_in_time(self, message: MoveInTime) -> None:
        self.time_travel.move(message.minutes)

    def on_show_moment(self, message: ShowMoment) -> None:
        self.time_travel.go_to(message.at)

    def on_live_only(self, _message: LiveOnly) -> None:
        self.main.show_message(PAST, bad=True)

    def on_row_left(self, _message: RowLeft) -> None:
        self._tell("What the cursor stood on has left the list, and nothing was done", True)

    def on_run_action(self, message: RunAction) -> None:
        self.actions.run(message.action, about=message.about, confirmed=message.confirmed)

    # ---- from the bridge to panes

    def _deliver(self, message: Message) -> None:
        if isinstance(message, StateChanged):
            self.state = message.state
            self.main.show(message.state)
            self._welcome(message.state)
            if self._awaited:
                self._leave_when_ended()
        elif isinstance(message, TimelineLoaded):
            self.main.timeline.post_message(message)
        elif isinstance(message, ReviewLoaded):
            self.screen.post_message(message)
        elif isinstance(message, ChunkArrived | AnswerFailed | RoutePreviewed):
            if self.main.chat is not None:
                self.main.chat.post_message(message)
        else:
            self.post_message(message)

    def on_action_succeeded(self, message: ActionSucceeded) -> None:
        self.actions.done(message.acted)
        self.main.show_message(message.acted.detail, hint="u undoes" if message.acted.undo is not None else "")

    def on_action_failed(self, message: ActionFailed) -> None:
        self._tell(message.line, True)

    def _tell(self, line: str, bad: bool) -> None:
        self.main.show_message(line, bad=bad)

    def on_open_failed(self, message: OpenFailed) -> None:
        self.exit_message = message.line
        self.exit(return_code=message.exit_code)

    def _welcome(self, state: ViewState) -> None:
        """Show the card of the first run once; never over what is wrong."""
        from console.overlays.welcome import WelcomeOverlay, may_welcome

        if isinstance(self.screen, WelcomeOverlay):
            if not may_welcome(state):
                self.screen.dismiss(None)
        elif self.remembered.first_run and self.screen is self.main and may_welcome(state):
            self.remembered.view = replace(self.remembered.view, welcomed=True)
            self.push_screen(WelcomeOverlay(state))

    # ---- keys

    def action_show(self, number: int) -> None:
        if self.screen is self.main:
            self.main.choose(number)

    def action_zoom(self) -> None:
        if self.screen is self.main:
            self.main.zoom()

    async def action_quit(self) -> None:
        """Leave; ask first where the core goes with this console and somebody needs it. Again to leave at once."""
        from console.overlays.leave import LeaveOverlay, needed_by

        if self._awaited or isinstance(self.screen, LeaveOverlay) or not needed_by(self.state):
            self.exit()
        else:
            self.push_screen(LeaveOverlay(self.state), self._leave)

    def _leave(self, how: str | None) -> None:
        """Leave once the calls that run now have ended."""
        from console.overlays.leave import SERVE, running

        if how is not None:
            self.serve_after = how == SERVE
            self._awaited = running(self.state)
            self.main.show_message("Waiting for calls to end. ctrl+q leaves at once.")
            self._leave_when_ended()

    def _leave_when_ended(self) -> None:
        from console.overlays.leave import running

        if not self._awaited & running(self.bridge.state):
            self.exit()

    def action_undo(self) -> None:
        self.actions.undo()

    def action_stop_cloud(self) -> None:
        stopped = self.state.cloud_stopped
        self.post_message(RunAction(Action(verb="resume-cloud" if stopped else "stop-cloud", actor="console")))

    def action_budget(self) -> None:
        if self.state.past:
            self._tell(PAST, True)
        else:
            self.main.spend.action_budget()

    def action_flush(self) -> None:
        self.main.cache.action_flush()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of the past have their other meaning while the screen is live, or a prompt is typed."""
        if action in ("travel", "to_present"):
            typing = self.main.chat is not None and self.main.chat.has_focus_within
            return self.state.past and self.screen is self.main and not typing
        return super().check_action(action, parameters)

    def action_to_incident(self) -> None:
        self.time_travel.to_incident()

    def action_go_to_time(self, typed: str = "") -> None:
        """Go to a time of day; ask which one where none was typed yet."""
        if typed:
            self.time_travel.to_time(typed)
            return
        from console.overlays.text_fields import TextField, TextFieldsOverlay

        def go(texts: list[str] | None) -> None:
            if texts is not None:
                self.time_travel.to_time(texts[0])

        note = "A time of day, as 12:22: every pane shows how it was then. Enter goes there, esc closes."
        asked = TextFieldsOverlay("Go to", [TextField("time")], typed_by_hand=self.guard.allows, note=note)
        self.push_screen(asked, go)

    def action_set(self, key: str = "") -> None:
        """Give a setting another value for a while; ask which one where `key` names none."""
        from console.overlays.setting_overlay import action_of, setting_overlay

        def run(texts: list[str] | None) -> None:
            try:
                if texts is not None:
                    self.actions.run(action_of(key, texts))
            except ValueError:
                self._tell(f"{texts[-1] if texts else ''} are no minutes", True)

        if self.state.past:
            self._tell(PAST, True)
        else:
            self.push_screen(setting_overlay(key, self.guard.allows), run)

    def action_travel(self, minutes: int) -> None:
        self.time_travel.move(minutes)

    def action_to_present(self) -> None:
        self.time_travel.to_present()

    def action_next_theme(self) -> None:
        names = self.themes.names
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        self.main.show_message(f"Theme {self.theme}")

    def action_command_palette(self) -> None:
        from console.command_palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def action_help(self) -> None:
        from console.overlays.help import HelpOverlay

        self.push_screen(HelpOverlay(self.main.focused_title, self.main.all_keys()))

    # ---- the terminal

    def action_stop(self) -> None:
        """Stop this process and give the shell its terminal, unless that would freeze agents' calls."""
        from console.overlays.leave import running

        ours = self.state.connection.mode == "embedded" and not self.state.rehearsal  # where calls are simulated
        calls = len(running(self.state)) if ours else 0
        if calls:
            frozen = f"{count(calls)} call{'s' if calls > 1 else ''} would freeze: the core runs in this console"
            self._tell(f"Not stopped: {frozen}. ctrl+q can leave it running", True)
        elif (stop := getattr(self._driver, "stop_process", None)) is not None:
            stop()

    def _resumed(self, seconds: float) -> None:
        """The terminal is ours again: whatever it showed meanwhile is drawn over."""
        self.refresh(layout=True)
        for screen in self.screen_stack:
            screen.refresh(layout=True)
        self._tell(f"Was stopped {in_seconds(seconds)}", False)

    def hang_up(self) -> None:
        """The terminal is gone: exit at once. The signal and the watch may both report it; the second is ignored."""
        if self._hanging_up is None:
            self._hanging_up = asyncio.get_running_loop().create_task(self._exit_without_terminal(), name="hang up")

    async def _exit_without_terminal(self) -> None:
        """Close the core, then end the process: writing to a terminal that is gone may block."""
        try:
            async with asyncio.timeout(HANGUP_DRAIN_S):
                await self.bridge.close()
        except TimeoutError:
            pass
        await asyncio.to_thread(self.save_view)
        if self._driver is not None and not terminal.lost():  # another program sent the signal, and a shell is there
            self._driver.suspend_application_mode()
        self._exit_now(HUNG_UP)

    def save_view(self) -> None:
        """Remember what is shown for next time. Blocks."""
        self.remembered.view = replace(self.main.view, welcomed=self.remembered.view.welcomed)
        self.remembered.save()

    @staticmethod
    def _monotonic() -> float:
        return asyncio.get_running_loop().time()
