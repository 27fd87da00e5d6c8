"""Pane 6, the chat: a transcript, the prompt below it, and between them where the prompt would go at what cost."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar, Literal, cast

from textual.binding import BindingType
from textual.events import Key, Paste
from textual.geometry import Size
from textual.timer import Timer

from backends.settings.agents import AGENTS
from backends.text.measures import count
from backends.types import Done, Request
from console.chat_history import ChatHistory
from console.keys import Guarded
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
from console.present.chat_rows import RequestOptions, for_clipboard, options_row, welcome
from console.present.empty_states import stale_since, without_core
from console.present.frame import PaneBody, framed
from console.present.spans import BLANK, Row, span
from console.widgets.chat_requests import AUTO, NameChoice, chat_request, conversation, retry_request
from console.widgets.composer import HINTS, QUIET_S, ChatCommand, Composer
from console.widgets.pane import Pane
from console.widgets.route_preview import PREVIEW_AFTER_S, RoutePreview
from console.widgets.transcript import ChatTurn, Transcript

ChoosingCommand = Literal["agent", "engine"]


class ChatPane(Pane, inherit_bindings=False):
    """Posts SendRequest, CancelRequest and PreviewRoute. Their answers carry the same `turn`."""

    NUMBER: ClassVar[int] = 6
    TITLE: ClassVar[str] = "Chat"
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = HINTS
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, history: ChatHistory | None = None, *, max_prompt_bytes: int = 8_388_608) -> None:
        super().__init__()
        self._history = ChatHistory() if history is None else history
        self._history_lock = asyncio.Lock()
        self._max_prompt_bytes = max_prompt_bytes
        self._transcript = Transcript()
        self._composer = Composer(self._history)
        self._options = RequestOptions()
        self._starts_conversation = False
        self._hint = ""
        self._choice: tuple[ChoosingCommand, NameChoice] | None = None  # while the operator chooses a name
        self._route_preview = RoutePreview(max_prompt_bytes)
        self._quiet_timer: Timer | None = None
        self._preview_timer: Timer | None = None

    @property
    def prompt(self) -> str:
        """The text being written, pastes in full."""
        return self._composer.draft.content

    @property
    def answering(self) -> bool:
        """Whether an answer is still arriving."""
        return self._transcript.running is not None

    # ---- drawing

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        width, height = max(1, size.width - 4), max(0, size.height - 2)
        draft_height = max(1, min(self._composer.height(width), height // 2))
        below = [self._options_row(), *self._composer.rows(width, draft_height, focused=self.has_focus)][
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
        if self._transcript.turns:
            return self._transcript.shown(width, room, self.state)
        return (without_core(self.state.connection, width) or welcome(width))[:room]

    def _options_row(self) -> Row:
        if self._choice is not None:
            command, choice = self._choice
            return choice.row(command)
        turns = () if self._starts_conversation else conversation(self._transcript.turns)
        sensitive = self._options.sensitive or any(turn.sensitive for turn in turns if turn.messages)
        options = replace(self._options, sensitive=sensitive)
        return options_row(options, self._route_preview.prospect, self._hint, self.state)

    def _summary(self) -> Row:
        if self.state.connection.phase == "lost":
            return stale_since(self.state.connection)
        if below := self._transcript.rows_below:
            return (span(f"↓ {count(below)} more", "warn"),)
        return (span("answering", "dim"),) if self.answering else ()

    # ---- messages and keys

    def on_mount(self) -> None:
        self.run_worker(self._load_history(), name="chat-history")

    def on_state_changed(self, message: StateChanged) -> None:
        known = self.state.engines
        self.state = self._newest = message.state
        if [engine.label for engine in known] != [engine.label for engine in self.state.engines]:
            for turn in self._transcript.turns:
                turn.forget_rows()
        if (last := self._transcript.last) is not None and last.cancelled and last.outcome is None:
            self._settle(last)
        self.redraw()

    def _settle(self, turn: ChatTurn) -> None:
        """A cancelled turn gets no more chunks; its outcome arrives with the state."""
        exchange = next((each for each in reversed(self.state.exchanges) if each.id == turn.request.id), None)
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
            self._run(command)
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

    def _wait_for_quiet(self) -> None:
        if self._quiet_timer is not None:
            self._quiet_timer.stop()
        self._quiet_timer = self.set_timer(QUIET_S, self._keyboard_is_quiet)

    def _keyboard_is_quiet(self) -> None:
        if not cast(Guarded, self.app).guard.settled:
            self._wait_for_quiet()  # keys have arrived that are not handled yet: they may make it a paste
        elif (command := self._composer.due(float("inf"))) is not None:
            self._run(command)

    def _run(self, command: ChatCommand) -> None:
        self._hint = ""
        match command:
            case "send":
                self._send()
            case "cancel":
                self._cancel()
            case "retry":
                self._retry()
            case "new":
                self._starts_conversation = True
                self._hint = "New conversation: the next prompt is sent without the earlier ones"
            case "clear":
                self._transcript.clear()
                self._starts_conversation = True
            case "agent":
                names = dict.fromkeys((RequestOptions.agent, *(agent.name for agent in self.state.agents), *AGENTS))
                self._open_choice(command, names, self._options.agent)
            case "engine":
                names = dict.fromkeys((AUTO, *(engine.name for engine in self.state.engines)))
                self._open_choice(command, names, self._options.route)
            case "sensitive":
                self._options = replace(self._options, sensitive=not self._options.sensitive)
                self._draft_changed()
            case "copy":
                self._copy()
            case "good" | "bad":
                if (rating := self._transcript.rating(good=command == "good")) is None:
                    self._hint = "No answer to rate yet"
                else:
                    self.post_message(RunAction(rating))
        self.redraw()

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
            if command == "agent":
                self._options = replace(self._options, agent=choice.chosen)
            else:
                self._options = replace(self._options, route=choice.chosen)
            self._draft_changed()
        return True

    def _send(self) -> None:
        draft = self._composer.draft
        if draft.blank:
            self._hint = "Nothing to send: type a prompt first"
        elif draft.bytes > self._max_prompt_bytes:
            self._hint = self._route_preview.too_large(draft)
        elif self._can_send():
            prompt = self._composer.submit()
            request = self._request(prompt)
            self._start(ChatTurn(request.id, request, starts_conversation=self._starts_conversation))
            self._history.add(prompt)
            self.run_worker(self._save_history(), name="chat-history")
            self._starts_conversation = False
            self._route_preview.clear()

    def _retry(self) -> None:
        last = self._transcript.last
        if last is None:
            self._hint = "Nothing to retry yet"
        elif self._can_send():
            last.superseded = True
            request = retry_request(last, self.state.engines)
            self._start(ChatTurn(request.id, request, starts_conversation=last.starts_conversation))

    def _can_send(self) -> bool:
        if self.answering:
            self._hint = "An answer is still arriving: esc cancels it"
        elif not self.state.live:
            self._hint = "No core is connected: the prompt stays here, send it once one is"
        return not self._hint

    def _start(self, turn: ChatTurn) -> None:
        self._transcript.add(turn)
        self.post_message(SendRequest(turn.name, turn.request))

    def _cancel(self) -> None:
        if (turn := self._transcript.running) is not None:
            self.post_message(CancelRequest(turn.name))
            turn.cancel()

    def _copy(self) -> None:
        last = next((turn for turn in reversed(self._transcript.turns) if turn.answer), None)
        if last is None:
            self._hint = "No answer to copy yet"
            return
        text, self._hint = for_clipboard(last.answer)
        self.app.copy_to_clipboard(text)

    # ---- the preview

    def _draft_changed(self) -> None:
        due = self._route_preview.draft_changed(self._composer.draft, asyncio.get_running_loop().time())
        if due and self._preview_timer is None:
            self._preview_timer = self.set_timer(PREVIEW_AFTER_S, self._preview_if_still)
        self.redraw()

    def _preview_if_still(self) -> None:
        self._preview_timer = None
        now = asyncio.get_running_loop().time()
        draft = self._composer.draft
        if (remaining := self._route_preview.remaining(now)) > 0:
            self._preview_timer = self.set_timer(remaining, self._preview_if_still)
        elif self.state.live and self._route_preview.draft_changed(draft, now):
            request = self._request(draft.content)
            self._route_preview.requested(request.id)
            self.post_message(PreviewRoute(request.id, request))

    # ---- requests and history

    @property
    def _width(self) -> int:
        return max(1, self.size.width - 4)

    def _request(self, prompt: str) -> Request:
        turns = () if self._starts_conversation else conversation(self._transcript.turns)
        return chat_request(prompt, self._options, turns, max_bytes=self._max_prompt_bytes)

    async def _load_history(self) -> None:
        async with self._history_lock:
            await asyncio.to_thread(self._history.load)

    async def _save_history(self) -> None:
        async with self._history_lock:
            await asyncio.to_thread(self._history.save)
