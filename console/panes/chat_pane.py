"""Pane 6, the chat: a transcript, the prompt below it, and between them where the prompt would go at what cost."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import msgspec
from msgspec.structs import replace
from textual.binding import BindingType
from textual.events import Key, Paste
from textual.geometry import Size
from textual.timer import Timer

from backends.errors import WrongUse
from backends.text.measures import count
from backends.types import Done, Explanation
from console.bench import slash_commands
from console.bench.attachments import paths_like
from console.bench.bench_commands import BenchCommands
from console.bench.clipboard import Clipboard
from console.bench.compare_candidates import Comparing
from console.bench.prompt_settings import SETTINGS, PromptSettings, Setting
from console.bench.saved_prompts import SavedPrompts
from console.bench.slash_commands import COMMANDS, SlashLine, completed
from console.chat_history import ChatHistory
from console.keys import Guarded, Keys
from console.messages import (
    AnswerFailed,
    CancelRequest,
    ChunkArrived,
    PreviewRoute,
    RoutePreviewed,
    RunAction,
    SendRequest,
    StateChanged,
)
from console.present.chat_rows import welcome
from console.present.empty_states import stale_since, without_core
from console.present.frame import PaneBody, framed
from console.present.settings_rows import command_row, settings_rows
from console.present.spans import BLANK, Row, paragraph, span
from console.state import ViewState
from console.widgets.chat_requests import NameChoice
from console.widgets.chat_turn import ChatTurn
from console.widgets.composer import HINTS, KEY_SENTENCES, QUIET_S, ChatCommand, Composer
from console.widgets.pane import Pane
from console.widgets.prompt_bench import PromptBench
from console.widgets.route_preview import PREVIEW_AFTER_S, RoutePreview

ChoosingCommand = Literal["agent", "engine"]
HINT_ROWS = 3
TICK_S = 1.0
"""How often the seconds of an answer that has not begun are drawn."""


class ChatPane(Pane, inherit_bindings=False):
    """Posts SendRequest, CancelRequest and PreviewRoute. Their answers carry the same `turn`."""

    NUMBER: ClassVar[int] = 6
    TITLE: ClassVar[str] = "Chat"
    KEYS: ClassVar[Keys] = HINTS
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        history: ChatHistory | None = None,
        *,
        saved: SavedPrompts | None = None,
        copied: Path | None = None,
        max_prompt_bytes: int = 8_388_608,
    ) -> None:
        """`copied` is the file for what no clipboard takes."""
        super().__init__()
        self._history = ChatHistory() if history is None else history
        self._history_lock = asyncio.Lock()
        self._max_prompt_bytes = max_prompt_bytes
        self.bench = PromptBench(max_prompt_bytes)
        self._transcript = self.bench.transcript
        self._composer = Composer(self._history)
        self._hint = ""
        self._choice: tuple[ChoosingCommand, NameChoice] | None = None  # while the operator chooses a name
        self._route_preview = RoutePreview(max_prompt_bytes)
        self._quiet_timer: Timer | None = None
        self._preview_timer: Timer | None = None
        self._ticker: Timer | None = None
        clipboard = Clipboard(self._send_to_terminal, path=copied)
        self._make_commands = partial(
            BenchCommands, self, saved=saved or SavedPrompts(), clipboard=clipboard, history=self._history
        )

    @property
    def typing(self) -> bool:
        return True

    @property
    def all_keys(self) -> Sequence[tuple[str, Keys]]:
        slashes = tuple((f"/{each.name} {each.argument}".strip(), each.help) for each in COMMANDS)
        return (self.TITLE, KEY_SENTENCES), ("Chat, typed as a prompt", slashes)

    @property
    def prompt(self) -> str:
        """The text being written, pastes in full."""
        return self._composer.draft.content

    @property
    def explanation(self) -> Explanation | None:
        prospect = self._route_preview.prospect
        return prospect.explanation if prospect is not None else None

    @property
    def answering(self) -> bool:
        """Whether an answer is still arriving."""
        return bool(self._transcript.running)

    # ---- drawing

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        width, height = max(1, size.width - 4), max(0, size.height - 2)
        draft_height = max(1, min(self._composer.height(width), height // 2))
        below = [*self._between(width), *self._composer.rows(width, draft_height, focused=self.has_focus)][
            -max(1, height) :
        ]
        room = max(0, height - len(below))
        above = list(self._above(width, room))
        return framed(
            PaneBody([*above, *[BLANK] * (room - len(above)), *below]),
            top=0,
            title=f"{self.NUMBER} {self.TITLE}",
            summary=self._summary(),
            size=(size.width, size.height),
            focused=self.has_focus,
        )

    def _above(self, width: int, room: int) -> Sequence[Row]:
        if self._transcript.entries:
            return self._transcript.shown(width, room, self.state)
        return (without_core(self.state.connection, width) or welcome(width))[:room]

    def _between(self, width: int) -> Sequence[Row]:
        """What stands above the prompt: a choice, a hint, a command's help, else the settings and the preview."""
        if self._choice is not None:
            command, choice = self._choice
            return [choice.row(command)]
        if self._hint:
            return paragraph(self._hint, width, "warn")[:HINT_ROWS]
        if (line := self._slash_line) is not None:
            return [command_row(line, completed(line.name, [each.name for each in COMMANDS])[1])]
        settings, attachments = self.bench.effective_settings, self.bench.attachments
        return settings_rows(settings, attachments, self._route_preview.prospect, self.state, width)

    @property
    def _slash_line(self) -> SlashLine | None:
        return slash_commands.read(self.prompt) if self._composer.draft.text.startswith("/") else None

    def _summary(self) -> Row:
        if self.state.connection.phase == "lost":
            return stale_since(self.state.connection)
        if self._newest.past:
            return (span("live: only the other panes show the past", "warn"),)
        if below := self._transcript.rows_below:
            return (span(f"↓ {count(below)} more", "warn"),)
        return (span("answering", "dim"),) if self.answering else ()

    # ---- messages and keys

    def on_mount(self) -> None:
        self.commands = self._make_commands(self.app)
        self._ticker = self.set_interval(TICK_S, self._tick, pause=True)
        self.run_worker(self._load_history(), name="chat-history")

    def on_state_changed(self, message: StateChanged) -> None:
        message.prevent_default()  # a pane's own way, which takes every state as it comes
        known = self.state.engines
        self._newest = message.state
        self.state = _of_now(self.state, message.state) if message.state.past else message.state
        if [engine.label for engine in known] != [engine.label for engine in self.state.engines]:
            for turn in self._transcript.turns:
                turn.forget_rows()
        for turn in self._transcript.entries[-1].turns if self._transcript.entries else ():
            if turn.cancelled and turn.outcome is None:
                self._settle(turn)
        self._tick()

    def _tick(self) -> None:
        """Say how long the answers that have not begun are waiting, and where."""
        waiting = [turn for turn in self._transcript.running if turn.waiting]
        for turn in waiting:
            turn.tick(asyncio.get_running_loop().time())
        if self._ticker is not None and not waiting:
            self._ticker.pause()
        self.redraw()

    def _settle(self, turn: ChatTurn) -> None:
        """A cancelled turn gets no more chunks; its outcome arrives with the state."""
        exchange = next((each for each in reversed(self.state.exchanges) if each.id == turn.name), None)
        if exchange is not None and exchange.outcome is not None:
            turn.add_chunk(Done(exchange.outcome))

    def on_chunk_arrived(self, message: ChunkArrived) -> None:
        if (turn := self._transcript.find(message.turn)) is not None:
            self._transcript.add_chunk(turn, message.chunk, self.state)
            self.redraw()

    def on_answer_failed(self, message: AnswerFailed) -> None:
        if (turn := self._transcript.find(message.turn)) is not None and turn.running:
            turn.fail(message.line)
            self.redraw()

    def on_route_previewed(self, message: RoutePreviewed) -> None:
        if self._route_preview.receive(message.turn, message.explanation, message.line):
            self.redraw()

    def on_paste(self, event: Paste) -> None:
        event.stop()
        self._composer.paste(event.text, event.time)
        self._draft_changed()

    def on_key(self, event: Key) -> None:
        if (command := self._composer.due(event.time)) is not None:
            self.run_command(command)
        chooses = self._choice is not None and self._choose(*self._choice, event)
        if chooses or self._transcript.key(event.key, page=max(1, self.size.height - 5)):
            event.stop()
            event.prevent_default()
            self.redraw()
            return
        result = self._composer.key(event.key, event.character, event.time, self._width)
        if not result.pasted:
            self._hint = ""
        if result.became_new_line:
            self._hint = "That enter came as fast as a paste: it became a new line, nothing was sent"
        if result.waits:
            self._wait_for_quiet()
        if result.changed:
            self._draft_changed()
        if result.handled:
            event.stop()
            event.prevent_default()

    def action_move(self, rows: int) -> None:
        self._transcript.scroll(rows)
        self.redraw()

    # ---- commands

    def say(self, line: str) -> None:
        """Show a line above the prompt until the next key."""
        self._hint = line
        self._draft_changed()

    def write(self, text: str) -> None:
        self._composer.write(text)
        self._hint = ""
        self._draft_changed()

    def _wait_for_quiet(self) -> None:
        if self._quiet_timer is not None:
            self._quiet_timer.stop()
        self._quiet_timer = self.set_timer(QUIET_S, self._keyboard_is_quiet)

    def _keyboard_is_quiet(self) -> None:
        if not cast(Guarded, self.app).guard.settled:
            self._wait_for_quiet()  # keys have arrived that are not handled yet: they may make it a paste
        elif (command := self._composer.due(float("inf"))) is not None:
            self.run_command(command)

    def run_command(self, command: ChatCommand) -> None:  # noqa: PLR0912 — one arm for each command
        self._hint = ""
        known = self.bench.known(self.state)
        match command:
            case "send":
                self._send()
            case "cancel":
                self._cancel()
            case "retry":
                self._retry()
            case "new":
                self.bench.start_anew()
                self._hint = "New conversation: the next prompt is sent without the earlier ones"
            case "clear":
                self.bench.clear()
            case "agent":
                self._open_choice(command, known.agents, self.bench.settings.agent)
            case "engine":
                self._open_choice(command, _named("engine").choices(known), self.bench.settings.engine)
            case "sensitive":
                self._change(replace(self.bench.settings, sensitive=not self.bench.settings.sensitive))
            case "good" | "bad":
                if (rating := self._transcript.rating(good=command == "good")) is None:
                    self._hint = "No answer to rate yet"
                else:
                    self.post_message(RunAction(rating))
            case "previous" | "next":
                if self.bench.choose(-1 if command == "previous" else 1) is None:
                    self._hint = "Nothing was compared yet: alt+c sends a prompt to several candidates"
            case "again":
                self.commands.change(self._transcript.last)
            case "complete":
                self._complete()
            case "copy":
                self._start_work(self.commands.copy(self._transcript.last))
            case "compare" | "settings" | "search" | "prompts" | "attach" | "editor" | "turns" | "export":
                self._start_work(self.commands.named(command)())
        self.redraw()

    def _start_work(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a command that waits for the operator or the disk; its refusal becomes a hint."""

        async def run() -> None:
            try:
                await work
            except WrongUse as error:
                self.say(str(error))

        self.run_worker(run(), name="chat command")

    def _run_line(self, line: SlashLine) -> None:
        """Run a slash command. One that is none stays in the draft, with a line that says so."""
        setting = next((each for each in SETTINGS if each.name == line.name), None)
        if setting is not None:
            try:
                self._change(setting.apply(self.bench.settings, line.argument, self.bench.known(self.state)))
            except ValueError as error:
                self.say(str(error))
                return
        elif slash_commands.command(line.name) is None:
            self.say(f"There is no command /{line.name}. A blank before it makes it text.")
            return
        self._composer.submit()
        self._draft_changed()
        argument = line.argument
        match line.name:
            case "defaults":
                self._change(PromptSettings())
            case "detach":
                self.bench.attachments = ()
            case "copy":
                self._start_work(self.commands.copy(self._transcript.last, to_file=argument == "file"))
            case "edit":
                self.run_command("editor")
            case "help":
                self.call_later(self.app.run_action, "help")
            case "attach" | "compare" | "export" | "save":
                self._start_work(self.commands.named(line.name)(argument))
            case "settings" | "again" | "turns" | "search" | "prompts" | "new" | "clear":
                self.run_command(line.name)

    def _change(self, settings: PromptSettings) -> None:
        self.bench.settings = settings
        self._draft_changed()

    def _open_choice(self, command: ChoosingCommand, names: Iterable[str], chosen: str) -> None:
        """Offer the names; the command given again moves to the next one."""
        if self._choice is not None and self._choice[0] == command:
            self._choice[1].key("right", None)
        else:
            self._choice = command, NameChoice([*names], chosen)

    def _choose(self, command: ChoosingCommand, choice: NameChoice, event: Key) -> bool:
        """Handle a key while the operator chooses an agent or engine: enter selects it, escape keeps the old one."""
        if event.key not in ("enter", "escape"):
            return choice.key(event.key, event.character)
        self._choice = None
        if event.key == "enter":
            known = self.bench.known(self.state)
            self._change(_named(command).apply(self.bench.settings, choice.chosen, known))
        return True

    def _complete(self) -> None:
        """Complete a slash command or the path behind it; without one, tab goes to the next pane."""
        line = self._slash_line
        if line is None and self.prompt != "/":
            self.screen.focus_next()
        elif line is not None and line.name in ("attach", "export") and line.argument:
            self._start_work(self._complete_path(line))
        elif line is None or not line.argument:
            word, fitting = completed(line.name if line else "", [each.name for each in COMMANDS])
            self.write(f"/{word}{' ' if len(fitting) == 1 else ''}")

    async def _complete_path(self, line: SlashLine) -> None:
        found = await asyncio.to_thread(paths_like, line.argument)
        path, fitting = completed(line.argument, found)
        if self._slash_line == line:
            self.write(f"/{line.name} {path}")
            self.say("  ".join(each.rstrip("/").rpartition("/")[2] for each in fitting) if len(fitting) > 1 else "")

    # ---- sending

    def _send(self) -> None:
        draft = self._composer.draft
        if draft.blank and not self.bench.attachments:
            self._hint = "Nothing to send: type a prompt first"
        elif (line := self._slash_line) is not None:
            self._run_line(line)
        elif names := self._composer.typed_variables:
            self._start_work(self.commands.fill(names))
        elif draft.bytes > self._max_prompt_bytes:
            self._hint = self._route_preview.too_large(draft)
        elif self._can_send():
            prompt = self._composer.submit()
            self._remember(prompt)
            self._start(self.bench.send(prompt, self._now))

    def compare(self, text: str, comparing: Comparing) -> None:
        """Send a prompt to several candidates."""
        if self._can_send():
            if text == self.prompt:
                self._composer.submit()
            self._remember(text)
            self._start(self.bench.compare(text, comparing, self._now))
        self.redraw()

    def _remember(self, prompt: str) -> None:
        self._history.add(prompt)
        self.run_worker(self._save_history(), name="chat-history")
        self._route_preview.clear()

    def _retry(self) -> None:
        last = self._transcript.last
        if last is None:
            self._hint = "Nothing to retry yet"
        elif self._can_send():
            self._start(self.bench.retry(last, self.state, self._now))

    def _can_send(self) -> bool:
        self._hint = ""
        if self.answering:
            self._hint = "An answer is still arriving: esc cancels it"
        elif not self.state.live:
            self._hint = "No core is connected: the prompt stays here, send it once one is"
        return not self._hint

    def _start(self, turns: Sequence[ChatTurn]) -> None:
        for turn in turns:
            self.post_message(SendRequest(turn.name, turn.request))
        if self._ticker is not None:
            self._ticker.resume()

    def _cancel(self) -> None:
        for turn in self._transcript.running:
            self.post_message(CancelRequest(turn.name))
            turn.cancel()

    def _send_to_terminal(self, text: str) -> None:
        self.app.copy_to_clipboard(text)

    # ---- the preview

    def _draft_changed(self) -> None:
        if self._slash_line is not None:
            self._route_preview.clear()
        elif self._preview_due() and self._preview_timer is None:
            self._preview_timer = self.set_timer(PREVIEW_AFTER_S, self._preview_if_still)
        self.redraw()

    def _preview_if_still(self) -> None:
        self._preview_timer = None
        if (remaining := self._route_preview.remaining(self._now)) > 0:
            self._preview_timer = self.set_timer(remaining, self._preview_if_still)
        elif self.state.live and self._slash_line is None and self._preview_due():
            request = self.bench.request(self.prompt)
            self._route_preview.requested(request.id)
            self.post_message(PreviewRoute(request.id, request))

    def _preview_due(self) -> bool:
        media_bytes = self.bench.media_bytes
        return self._route_preview.draft_changed(self._composer.draft, self._now, media_bytes=media_bytes)

    # ---- history, size and time

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def _width(self) -> int:
        return max(1, self.size.width - 4)

    async def _load_history(self) -> None:
        async with self._history_lock:
            await asyncio.to_thread(self._history.load)

    async def _save_history(self) -> None:
        async with self._history_lock:
            await asyncio.to_thread(self._history.save)


def _named(name: str) -> Setting:
    return next(each for each in SETTINGS if each.name == name)


def _of_now(known: ViewState, past: ViewState) -> ViewState:
    """The last state of now while the other panes show the past, because prompts go out now; places in a queue aside,
    which have changed since.
    """
    return msgspec.structs.replace(known, connection=past.connection, in_flight=())
