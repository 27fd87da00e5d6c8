"""The console: it composes the screen, binds keys, and hands messages between panes and bridge."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.events import Event, Key, Paste
from textual.message import Message

from backends.types import Action
from console import keys, theming
from console.bridge import Bridge, Open
from console.messages import (
    Act,
    ActDone,
    ActFailed,
    Ask,
    AskFailed,
    CancelAsk,
    ChunkArrived,
    OpenFailed,
    Preview,
    Previewed,
    Reviewed,
    StateChanged,
)
from console.screens.main import LAYOUT, TITLES, MainScreen
from console.state import ViewState
from console.terminal_output import drained
from console.widgets.pane import Pane

SETTLE_S = 0.05
"""How long an action waits for keys that follow it at once: those show that it was pasted."""
HANGUP_DRAIN_S = 2.0
HUNG_UP = 128 + signal.SIGHUP
TERMINATED = 128 + signal.SIGTERM


def _chat() -> Pane:
    from console.panes.chat import ChatPane

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
        theme: str = theming.DEFAULT,
        chat: Callable[[], Pane] = _chat,
    ) -> None:
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self.state = ViewState()
        self.bridge = Bridge(open_core, reopen=reopen, post=self._deliver, drained=drained)
        self.guard = keys.Guard(self._monotonic)
        self._leaving: asyncio.Task[None] | None = None
        self.parting_line = ""
        self.main = MainScreen(chat)
        for name in theming.names():
            self.register_theme(theming.theme(name))
        self.theme = theme

    def get_default_screen(self) -> MainScreen:
        return self.main

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        # SIGHUP also where it was inherited ignored, as under nohup: a console without a terminal has nothing to do.
        loop.add_signal_handler(signal.SIGHUP, self.hang_up)
        loop.add_signal_handler(signal.SIGTERM, lambda: self.exit(return_code=TERMINATED))
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        """What the first frame did not wait for."""
        await self.main.complete()
        gc.enable()
        self.bridge.start()

    async def on_event(self, event: Event) -> None:
        if not event.is_forwarded:  # those that bubble back from a pane were seen on their way down
            if isinstance(event, Paste):
                self.guard.pasted()
            elif isinstance(event, Key):
                self.guard.key()
        await super().on_event(event)

    # ---- from panes to the bridge

    def on_ask(self, message: Ask) -> None:
        self.bridge.ask(message.turn, message.request)

    def on_cancel_ask(self, message: CancelAsk) -> None:
        self.bridge.cancel(message.turn)

    def on_preview(self, message: Preview) -> None:
        self.bridge.preview(message.turn, message.request)

    def on_reconsider(self) -> None:
        self.bridge.review()

    def on_act(self, message: Act) -> None:
        self.set_timer(SETTLE_S, lambda: self._act(message.action))

    def _act(self, action: Action) -> None:
        if self.guard.allows():
            self.bridge.act(action)
        else:
            self.main.say(f"{action.verb} was ignored: it came with pasted text", bad=True)

    # ---- from the bridge to panes

    def _deliver(self, message: Message) -> None:
        if isinstance(message, StateChanged):
            self.state = message.state
            self.main.show(message.state)
        elif isinstance(message, Reviewed):
            self.screen.post_message(message)
        elif isinstance(message, ChunkArrived | AskFailed | Previewed):
            if self.main.chat is not None:
                self.main.chat.post_message(message)
        else:
            self.post_message(message)

    def on_act_done(self, message: ActDone) -> None:
        self.main.say(message.acted.detail)

    def on_act_failed(self, message: ActFailed) -> None:
        self.main.say(message.line, bad=True)

    def on_open_failed(self, message: OpenFailed) -> None:
        self.parting_line = message.line
        self.exit(return_code=message.exit_code)

    # ---- keys

    def action_show(self, number: int) -> None:
        if self.screen is self.main:
            self.main.choose(number)

    def action_stop_cloud(self) -> None:
        stopped = self.state.cloud_stopped
        self.post_message(Act(Action(verb="resume-cloud" if stopped else "stop-cloud", actor="console")))

    def action_flush(self) -> None:
        self.main.cache.action_flush()

    def action_next_theme(self) -> None:
        names = theming.names()
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        self.main.say(f"theme {self.theme}")

    def action_command_palette(self) -> None:
        from console.commands import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def action_help(self) -> None:
        from console.screens.help import HelpScreen

        panes = [(title, self.main.keys_of(number)) for number, title in TITLES]
        self.push_screen(HelpScreen([("everywhere", keys.SHEET), *(each for each in panes if each[1])]))

    # ---- the terminal

    def hang_up(self) -> None:
        """The terminal is gone: leave at once; told twice, by signal and by the watch, it is one leaving."""
        if self._leaving is None:
            self._leaving = asyncio.get_running_loop().create_task(self._leave_at_once(), name="hang up")

    async def _leave_at_once(self) -> None:
        """The terminal is gone: nothing to restore, and writing to it may block, so no orderly end of the screen."""
        try:
            async with asyncio.timeout(HANGUP_DRAIN_S):
                await self.bridge.close()
        except TimeoutError:
            pass
        self._exit_now(HUNG_UP)

    _exit_now: Callable[[int], Any] = staticmethod(os._exit)

    @staticmethod
    def _monotonic() -> float:
        return asyncio.get_running_loop().time()
