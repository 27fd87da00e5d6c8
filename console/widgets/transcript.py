"""The chat's turns as rows: each turn laid out once for a width, the newest end followed until someone scrolls away."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from backends.types import Action, Delta, Done, Explanation, Message, Outcome, Request, Routed
from console.present.markdown import MarkdownStream
from console.present.rows import BLANK, Row, span
from console.present.turns import asked, ended, failed, routed
from console.state import ViewState

TURNS_KEPT = 200
CHARACTERS_KEPT = 200_000
"""Of all turns together; the oldest are forgotten first, the newest never."""
ANSWER_KEPT = 1_000_000
"""Characters of one turn; what comes beyond is not shown."""
FAR = 1_000_000_000


class Turn:
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
        self._head: list[Row] = []
        self._open: list[Row] = []
        self._foot: list[Row] = []
        self._edges_are_old = True
        self._open_is_old = True

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
        """As asked for, as decided, or as it came out."""
        return any(said is not None and said.sensitive for said in (self.request, self.explanation, self.outcome))

    @property
    def running(self) -> bool:
        return self.outcome is None and self.failure is None and not self.cancelled

    @property
    def messages(self) -> tuple[Message, ...]:
        """What a later turn of the same conversation sends along: nothing where there was no whole answer."""
        whole = self.outcome is not None and self.outcome.finish in ("stop", "length")
        if not whole or self.superseded or not self.answer:
            return ()
        return (self.request.messages[-1], Message(role="assistant", text=self.answer))

    def hear(self, chunk: object) -> None:
        """Take a piece of the answer; one that comes after the end is ignored."""
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
        self._open_is_old = True
        if isinstance(chunk, Routed):
            self.forget_rows()

    def fail(self, line: str) -> None:
        """No end will come: `line` says why."""
        self.failure = line
        self._end()

    def cancel(self) -> None:
        """Stop listening; what it cost may still become known."""
        self.cancelled = True
        self._end()

    def _end(self) -> None:
        self._stream.finish()
        self._open_is_old = True
        self.forget_rows()

    def lay_out(self, width: int, state: ViewState) -> None:
        """Make the rows for a width, where they are not made yet."""
        if self._edges_are_old or width != self._width:
            self._lay_out_edges(width, state)
        if self._open_is_old or width != self._width:
            self._open = self._stream.open(width)
        self._width, self._edges_are_old, self._open_is_old = width, False, False

    def _lay_out_edges(self, width: int, state: ViewState) -> None:
        opening = [(span("── a new conversation ──", "dim"),), BLANK] if self.starts_conversation else []
        request = self.request
        head = routed(request.agent, request.engine, self.explanation, state, width)
        self._head = [*opening, *asked(self.prompt, width), *head]
        self._foot = [(span("… and more than is kept here", "warn"),)] if self._size >= ANSWER_KEPT else []
        if self.outcome:
            self._foot += ended(self.outcome, state, width)
        elif self.failure:
            self._foot += failed(self.failure, width)
        elif self.cancelled:
            self._foot.append((span("cancelled", "warn"),))
        else:
            self._foot.append((span("… esc cancels", "dim"),))
        self._foot.append(BLANK)

    def forget_rows(self) -> None:
        """What stands around the answer has changed: its figures, or an engine's name."""
        self._edges_are_old = True

    @property
    def height(self) -> int:
        """Rows as laid out last; none before that."""
        if not self._width:
            return 0
        return len(self._head) + len(self._stream.settled(self._width)) + len(self._open) + len(self._foot)

    def rows(self, start: int, end: int) -> list[Row]:
        """Rows `start` to `end` of the turn, by slices, so that the cost is that of the rows shown."""
        rows: list[Row] = []
        for part in (self._head, self._stream.settled(self._width), self._open, self._foot):
            if end > 0 and start < len(part):
                rows += part[max(0, start) : end]
            start, end = start - len(part), end - len(part)
        return rows


class Transcript:
    """Turns from oldest to newest, and which of their rows are looked at."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self._from_end = 0  # rows below the last one shown; 0 follows the newest
        self._width = 1

    @property
    def rows_below(self) -> int:
        return self._from_end

    @property
    def running(self) -> Turn | None:
        return next((turn for turn in reversed(self.turns) if turn.running), None)

    @property
    def last(self) -> Turn | None:
        return self.turns[-1] if self.turns else None

    def add(self, turn: Turn) -> None:
        self.turns.append(turn)
        self._from_end = 0
        self._forget(lambda: len(self.turns) > TURNS_KEPT)

    def find(self, name: str) -> Turn | None:
        return next((turn for turn in reversed(self.turns) if turn.name == name), None)

    def hear(self, turn: Turn, chunk: object, state: ViewState) -> None:
        """Take a piece; what is being read farther up stays where it is."""
        reading = self._from_end > 0
        before = turn.height if reading else 0
        turn.hear(chunk)
        if reading:
            turn.lay_out(self._width, state)
            self._from_end = max(1, self._from_end + turn.height - before)
        self._forget(lambda: sum(turn.size for turn in self.turns) > CHARACTERS_KEPT)

    def rating(self, *, good: bool) -> Action | None:
        """An operator's word on the last answer; None where there is none yet."""
        turn = self.last
        if turn is None or turn.outcome is None or not turn.answer:
            return None
        return Action(verb="rate", actor="console", id=turn.outcome.id, good=good)

    def clear(self) -> None:
        """All but a turn that still runs."""
        self.turns = [turn for turn in self.turns if turn.running]
        self._from_end = 0

    def key(self, key: str, *, page: int) -> bool:
        """Hear a key that scrolls; false for any other."""
        rows = {"pageup": -page, "pagedown": page, "ctrl+home": -FAR, "ctrl+end": FAR}.get(key)
        if rows is None:
            return False
        self.scroll(rows)
        return True

    def scroll(self, rows: int) -> None:
        """Up (negative) or down; `shown` keeps it in bounds."""
        self._from_end = max(0, self._from_end - rows)

    def shown(self, width: int, height: int, state: ViewState) -> Sequence[Row]:
        """The rows that stand in a window of `height` rows, fewer where there are not as many."""
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

    def _forget(self, too_much: Callable[[], bool]) -> None:
        while len(self.turns) > 1 and not self.turns[0].running and too_much():
            del self.turns[0]
