"""The chat's turns as rows. Each turn is laid out once for a width; the view follows the newest until scrolled."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from backends.types import Action, Delta, Done, Explanation, Message, Outcome, Request, Routed
from console.present.chat_rows import failure_rows, outcome_rows, prompt_rows, route_rows
from console.present.markdown_stream import MarkdownStream
from console.present.spans import BLANK, Row, span
from console.state import ViewState

TURNS_KEPT = 200
CHARACTERS_KEPT = 200_000
"""Of all turns together; the oldest go first, the newest never."""
ANSWER_KEPT = 1_000_000
"""Characters of one turn; more is not shown."""
FAR = 1_000_000_000


class ChatTurn:
    """One prompt and what came back, with its rows cached for one width."""

    def __init__(self, name: str, request: Request, *, starts_conversation: bool) -> None:
        self.name = name
        self.request = request
        self.starts_conversation = starts_conversation
        self.explanation: Explanation | None = None
        self.outcome: Outcome | None = None
        self.failure: str | None = None
        self.cancelled = False
        self.superseded = False
        self._pieces: list[str] = []
        self._size = len(self.prompt)
        self._stream = MarkdownStream()
        self._width = 0  # that the rows below are made for; 0 before they are
        self._rows_above: list[Row] = []
        self._tail: list[Row] = []
        self._rows_below: list[Row] = []
        self._edges_outdated = True
        self._tail_outdated = True

    @property
    def prompt(self) -> str:
        return self.request.messages[-1].text

    @property
    def answer(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return "".join(self._pieces)

    @property
    def size(self) -> int:
        """Characters of prompt and answer."""
        return self._size

    @property
    def sensitive(self) -> bool:
        """As requested, as decided, or as answered."""
        return any(each is not None and each.sensitive for each in (self.request, self.explanation, self.outcome))

    @property
    def running(self) -> bool:
        return self.outcome is None and self.failure is None and not self.cancelled

    @property
    def messages(self) -> tuple[Message, ...]:
        """What a later turn of the same conversation sends too: nothing where there was no complete answer."""
        whole = self.outcome is not None and self.outcome.finish in ("stop", "length")
        if not whole or self.superseded or not self.answer:
            return ()
        return (self.request.messages[-1], Message(role="assistant", text=self.answer))

    def add_chunk(self, chunk: object) -> None:
        """Add a piece of the answer; one that comes after the end is ignored."""
        match chunk:
            case Routed(explanation=explanation):
                self.explanation = explanation
            case Delta(text=text) if self.running and self._size < ANSWER_KEPT:
                self._pieces.append(text)
                self._size += len(text)
                self._stream.feed(text)
            case Done(outcome=outcome):
                self.outcome = outcome
                self._end()
        self._tail_outdated = True
        if isinstance(chunk, Routed):
            self.forget_rows()

    def fail(self, line: str) -> None:
        """The turn ended without an answer's end: `line` says why."""
        self.failure = line
        self._end()

    def cancel(self) -> None:
        """Stop the turn; its cost may still become known."""
        self.cancelled = True
        self._end()

    def _end(self) -> None:
        self._stream.finish()
        self._tail_outdated = True
        self.forget_rows()

    def lay_out(self, width: int, state: ViewState) -> None:
        """Make the rows for a width, where they are outdated."""
        if self._edges_outdated or width != self._width:
            self._lay_out_edges(width, state)
        if self._tail_outdated or width != self._width:
            self._tail = self._stream.open(width)
        self._width, self._edges_outdated, self._tail_outdated = width, False, False

    def _lay_out_edges(self, width: int, state: ViewState) -> None:
        opening = [(span("── new conversation ──", "dim"),), BLANK] if self.starts_conversation else []
        request = self.request
        head = route_rows(request.agent, request.engine, self.explanation, state, width)
        self._rows_above = [*opening, *prompt_rows(self.prompt, width), *head]
        self._rows_below = [(span("… the rest is not kept here", "warn"),)] if self._size >= ANSWER_KEPT else []
        if self.outcome:
            self._rows_below += outcome_rows(self.outcome, state, width)
        elif self.failure:
            self._rows_below += failure_rows(self.failure, width)
        elif self.cancelled:
            self._rows_below.append((span("cancelled", "warn"),))
        else:
            self._rows_below.append((span("… esc cancels", "dim"),))
        self._rows_below.append(BLANK)

    def forget_rows(self) -> None:
        """Lay the rows around the answer out again: its figures or an engine's name have changed."""
        self._edges_outdated = True

    @property
    def height(self) -> int:
        """Rows as laid out last; 0 before that."""
        if not self._width:
            return 0
        return len(self._rows_above) + len(self._stream.settled(self._width)) + len(self._tail) + len(self._rows_below)

    def rows(self, start: int, end: int) -> list[Row]:
        """Rows `start` to `end` of the turn, by slices, so that the cost is that of the rows shown."""
        rows: list[Row] = []
        for part in (self._rows_above, self._stream.settled(self._width), self._tail, self._rows_below):
            if end > 0 and start < len(part):
                rows += part[max(0, start) : end]
            start, end = start - len(part), end - len(part)
        return rows


class Transcript:
    """Turns from oldest to newest, and which of their rows are in view."""

    def __init__(self) -> None:
        self.turns: list[ChatTurn] = []
        self._from_end = 0  # rows below the last one shown; 0 follows the newest
        self._width = 1

    @property
    def rows_below(self) -> int:
        return self._from_end

    @property
    def running(self) -> ChatTurn | None:
        return next((turn for turn in reversed(self.turns) if turn.running), None)

    @property
    def last(self) -> ChatTurn | None:
        return self.turns[-1] if self.turns else None

    def add(self, turn: ChatTurn) -> None:
        self.turns.append(turn)
        self._from_end = 0
        self._drop_oldest(lambda: len(self.turns) > TURNS_KEPT)

    def find(self, name: str) -> ChatTurn | None:
        return next((turn for turn in reversed(self.turns) if turn.name == name), None)

    def add_chunk(self, turn: ChatTurn, chunk: object, state: ViewState) -> None:
        """Add a piece to a turn; where the operator has scrolled up, the rows in view stay."""
        reading = self._from_end > 0
        before = turn.height if reading else 0
        turn.add_chunk(chunk)
        if reading:
            turn.lay_out(self._width, state)
            self._from_end = max(1, self._from_end + turn.height - before)
        self._drop_oldest(lambda: sum(turn.size for turn in self.turns) > CHARACTERS_KEPT)

    def rating(self, *, good: bool) -> Action | None:
        """The action that rates the last answer; None where there is none yet."""
        turn = self.last
        if turn is None or turn.outcome is None or not turn.answer:
            return None
        return Action(verb="rate", actor="console", id=turn.outcome.id, good=good)

    def clear(self) -> None:
        """Remove all turns but one that still runs."""
        self.turns = [turn for turn in self.turns if turn.running]
        self._from_end = 0

    def key(self, key: str, *, page: int) -> bool:
        """Handle a key that scrolls; false for any other."""
        rows = {"pageup": -page, "pagedown": page, "ctrl+home": -FAR, "ctrl+end": FAR}.get(key)
        if rows is None:
            return False
        self.scroll(rows)
        return True

    def scroll(self, rows: int) -> None:
        """Up (negative) or down; `shown` keeps it in bounds."""
        self._from_end = max(0, self._from_end - rows)

    def shown(self, width: int, height: int, state: ViewState) -> Sequence[Row]:
        """The rows in view: `height` of them, or fewer where there are not as many."""
        self._width = width
        for turn in self.turns:
            turn.lay_out(width, state)
        ends = list(accumulate(turn.height for turn in self.turns))
        whole = ends[-1] if ends else 0
        self._from_end = max(0, min(self._from_end, whole - height))
        bottom = whole - self._from_end
        top = max(0, bottom - height)
        rows: list[Row] = []
        for index in range(bisect_right(ends, top), len(self.turns)):
            start = ends[index] - self.turns[index].height
            if start >= bottom:
                break
            rows += self.turns[index].rows(top - start, bottom - start)
        return rows

    def _drop_oldest(self, too_much: Callable[[], bool]) -> None:
        while len(self.turns) > 1 and not self.turns[0].running and too_much():
            del self.turns[0]
