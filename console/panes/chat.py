"""Pane 6: the chat. A transcript, below it the prompt, and between them where that would go and what it would cost."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Key, Paste
from textual.geometry import Size
from textual.timer import Timer

from backends.settings.model import AGENTS
from backends.types import Done, Request
from console.chat_history import ChatHistory
from console.messages import Act, Ask, AskFailed, CancelAsk, ChunkArrived, Preview, Previewed, StateChanged
from console.present.chat import Choices, for_clipboard, info, welcome
from console.present.faces import face, lost
from console.present.figures import count
from console.present.frame import Body, framed
from console.present.rows import BLANK, Row, span
from console.widgets.asking import DEFAULT_AGENT, Asking, again, conversation
from console.widgets.choice import Choice
from console.widgets.composer import HINTS, QUIET_S, Composer, Deed
from console.widgets.foresight import PREVIEW_AFTER_S, Foresight
from console.widgets.pane import Pane
from console.widgets.transcript import Transcript, Turn


class ChatPane(Pane, inherit_bindings=False):
    """Posts Ask, CancelAsk and Preview; is told ChunkArrived, AskFailed and Previewed by their `turn`."""

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
        self._asking = Asking()
        self._begins_anew = False
        self._hint = ""
        self._choice: Choice | None = None  # of an agent, while one is being chosen
        self._foresight = Foresight(max_prompt_bytes)
        self._quiet_timer: Timer | None = None
        self._preview_timer: Timer | None = None

    # ---- what it shows

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        width, height = max(1, size.width - 4), max(0, size.height - 2)
        draft_height = max(1, min(self._composer.height(width), height // 2))
        below = [self._info(), *self._composer.rows(width, draft_height, focused=self.has_focus)][-max(1, height) :]
        room = max(0, height - len(below))
        above = list(self._above(width, room))
        return framed(
            Body([*above, *[BLANK] * (room - len(above)), *below]),
            top=0,
            title=f"{self.NUMBER} {self.TITLE}",
            summary=self._summary(),
            size=(size.width, size.height),
            focused=self.has_focus,
        )

    def _above(self, width: int, room: int) -> Sequence[Row]:
        if self._transcript.turns:
            return self._transcript.shown(width, room, self.state)
        return (face(self.state.connection, width) or welcome(width))[:room]

    def _info(self) -> Row:
        if self._choice is not None:
            return self._choice.row("agent")
        conversed = () if self._begins_anew else conversation(self._transcript.turns)
        sensitive = self._asking.sensitive or any(turn.sensitive for turn in conversed if turn.messages)
        choices = Choices(self._asking.agent, self._asking.route, sensitive)
        return info(choices, self._foresight.prospect, self._hint, self.state)

    def _summary(self) -> Row:
        if self.state.connection.phase == "lost":
            return lost(self.state.connection)
        if below := self._transcript.rows_below:
            return (span(f"↓ {count(below)} more", "warn"),)
        return (span("answering", "dim"),) if self._transcript.running else ()

    # ---- what it hears

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

    def _settle(self, turn: Turn) -> None:
        """Nobody listens to a cancelled turn any more, but everybody hears what it cost."""
        exchange = next((each for each in reversed(self.state.exchanges) if each.id == turn.request.id), None)
        if exchange is not None and exchange.outcome is not None:
            turn.hear(Done(exchange.outcome))

    def on_chunk_arrived(self, message: ChunkArrived) -> None:
        if (turn := self._transcript.find(message.turn)) is not None:
            self._transcript.hear(turn, message.chunk, self.state)
            self.redraw()

    def on_ask_failed(self, message: AskFailed) -> None:
        if (turn := self._transcript.find(message.turn)) is not None and turn.running:
            turn.fail(message.line)
            self.redraw()

    def on_previewed(self, message: Previewed) -> None:
        if self._foresight.told(message.turn, message.explanation, message.line):
            self.redraw()

    def on_paste(self, event: Paste) -> None:
        event.stop()
        self._composer.paste(event.text, event.time)
        self._draft_changed()

    def on_key(self, event: Key) -> None:
        if (deed := self._composer.due(event.time)) is not None:
            self._do(deed)
        chooses = self._choice is not None and self._choose(self._choice, event)
        if chooses or self._transcript.key(event.key, page=max(1, self.size.height - 5)):
            event.stop()
            event.prevent_default()
            self.redraw()
            return
        heard = self._composer.key(event.key, event.character, event.time, self._width)
        if not heard.fed:
            self._hint = ""
        if heard.kept_as_line:
            self._hint = "that enter came as fast as a paste: kept as a new line, nothing sent"
        if heard.waits:
            self._wait_for_quiet()
        if heard.changed:
            self._draft_changed()
        if heard.taken:
            event.stop()
            event.prevent_default()

    def action_move(self, rows: int) -> None:
        self._transcript.scroll(rows)
        self.redraw()

    # ---- what it does

    def _wait_for_quiet(self) -> None:
        if self._quiet_timer is not None:
            self._quiet_timer.stop()
        self._quiet_timer = self.set_timer(QUIET_S, self._keyboard_is_quiet)

    def _keyboard_is_quiet(self) -> None:
        if (deed := self._composer.due(float("inf"))) is not None:
            self._do(deed)

    def _do(self, deed: Deed) -> None:
        self._hint = ""
        match deed:
            case "send":
                self._send()
            case "cancel":
                self._cancel()
            case "retry":
                self._retry()
            case "new":
                self._begins_anew = True
                self._hint = "a new conversation: the next prompt goes without the earlier ones"
            case "clear":
                self._transcript.clear()
                self._begins_anew = True
            case "agent":
                names = dict.fromkeys((DEFAULT_AGENT, *(agent.name for agent in self.state.agents), *AGENTS))
                self._choice = Choice([*names], self._asking.agent)
            case "engine":
                self._asking.next_route()
                self._draft_changed()
            case "sensitive":
                self._asking.sensitive = not self._asking.sensitive
                self._draft_changed()
            case "copy":
                self._copy()
            case "good" | "bad":
                if (rating := self._transcript.rating(good=deed == "good")) is None:
                    self._hint = "no answer to judge yet"
                else:
                    self.post_message(Act(rating))
        self.redraw()

    def _choose(self, choice: Choice, event: Key) -> bool:
        """Hear a key while an agent is being chosen; enter takes it, esc leaves it as it was."""
        if event.key not in ("enter", "escape"):
            return choice.key(event.key, event.character)
        self._choice = None
        if event.key == "enter":
            self._asking.agent = choice.chosen
            self._draft_changed()
        return True

    def _send(self) -> None:
        draft = self._composer.draft
        if draft.blank:
            self._hint = "nothing to send: type a prompt first"
        elif draft.bytes > self._max_prompt_bytes:
            self._hint = self._foresight.too_large(draft)
        elif self._may_ask():
            prompt = self._composer.take()
            request = self._request(prompt)
            self._ask(Turn(request.id, request, starts_conversation=self._begins_anew))
            self._history.add(prompt)
            self.run_worker(self._save_history(), name="chat-history")
            self._begins_anew = False
            self._foresight.forget()

    def _retry(self) -> None:
        last = self._transcript.last
        if last is None:
            self._hint = "nothing to retry yet"
        elif self._may_ask():
            last.superseded = True
            request = again(last)
            self._ask(Turn(request.id, request, starts_conversation=last.starts_conversation))

    def _may_ask(self) -> bool:
        if self._transcript.running:
            self._hint = "an answer is still arriving: esc cancels it"
        elif not self.state.live:
            self._hint = "no core answers just now: the prompt is kept, send it again when one does"
        return not self._hint

    def _ask(self, turn: Turn) -> None:
        self._transcript.add(turn)
        self.post_message(Ask(turn.name, turn.request))

    def _cancel(self) -> None:
        if (turn := self._transcript.running) is not None:
            self.post_message(CancelAsk(turn.name))
            turn.cancel()

    def _copy(self) -> None:
        last = next((turn for turn in reversed(self._transcript.turns) if turn.answer), None)
        if last is None:
            self._hint = "no answer to copy yet"
            return
        text, self._hint = for_clipboard(last.answer)
        self.app.copy_to_clipboard(text)

    # ---- the preview

    def _draft_changed(self) -> None:
        asks = self._foresight.changed(self._composer.draft, asyncio.get_running_loop().time())
        if asks and self._preview_timer is None:
            self._preview_timer = self.set_timer(PREVIEW_AFTER_S, self._preview_if_still)
        self.redraw()

    def _preview_if_still(self) -> None:
        self._preview_timer = None
        now = asyncio.get_running_loop().time()
        draft = self._composer.draft
        if (rest := self._foresight.rest(now)) > 0:
            self._preview_timer = self.set_timer(rest, self._preview_if_still)
        elif self.state.live and self._foresight.changed(draft, now):
            request = self._request(draft.content)
            self._foresight.ask(request.id)
            self.post_message(Preview(request.id, request))

    # ---- odds and ends

    @property
    def _width(self) -> int:
        return max(1, self.size.width - 4)

    def _request(self, prompt: str) -> Request:
        turns = () if self._begins_anew else conversation(self._transcript.turns)
        return self._asking.request(prompt, turns, max_bytes=self._max_prompt_bytes)

    async def _load_history(self) -> None:
        async with self._history_lock:
            await asyncio.to_thread(self._history.load)

    async def _save_history(self) -> None:
        async with self._history_lock:
            await asyncio.to_thread(self._history.save)
