"""One prompt and what came back, with its rows cached for one width."""

from backends.types import Delta, Done, Explanation, InFlight, Message, Outcome, Request, Routed
from console.bench.attachments import WrittenPrompt
from console.bench.compare_candidates import CompareCandidate
from console.present.chat_rows import (
    engine_label,
    failure_rows,
    note_rows,
    outcome_rows,
    prompt_rows,
    reasons_text,
    route_rows,
)
from console.present.compare_rows import CandidateFigures, verdict
from console.present.markdown_stream import MarkdownStream
from console.present.spans import BLANK, Row, Span, span
from console.present.symbols import served
from console.present.waiting_rows import waiting_row, waiting_text
from console.present.wrapping import wrap
from console.state import ViewState

ANSWER_KEPT = 1_000_000
"""Characters of one turn; more is not shown."""


class ChatTurn:
    """`continues` names the turn whose conversation it goes on with, `heading` says so where that is not the one above.

    A `candidate` of a comparison shows its answer alone: the prompt and the figures stand above all of them.
    """

    def __init__(
        self,
        request: Request,
        *,
        prompt: WrittenPrompt | None = None,
        continues: str | None = None,
        heading: str = "",
        candidate: CompareCandidate | None = None,
        started: float = 0.0,
    ) -> None:
        self.request = request
        self.typed = prompt or WrittenPrompt(request.messages[-1].text)
        self.continues = continues
        self.heading = heading
        self.candidate = candidate
        self.explanation: Explanation | None = None
        self.outcome: Outcome | None = None
        self.failure: str | None = None
        self.cancelled = False
        self.changes = 0  # counts what changed in what is known of it, its text aside
        self._started = started
        self._waited_s = 0.0
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
    def name(self) -> str:
        return self.request.id

    @property
    def turns(self) -> tuple["ChatTurn", ...]:
        """Itself, as a comparison has several."""
        return (self,)

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
    def media_size(self) -> int:
        """Bytes of its images and other media."""
        return sum(len(each.data) for each in self.request.messages[-1].media)

    @property
    def sensitive(self) -> bool:
        """As requested, as decided, or as answered."""
        return any(each is not None and each.sensitive for each in (self.request, self.explanation, self.outcome))

    @property
    def running(self) -> bool:
        return self.outcome is None and self.failure is None and not self.cancelled

    @property
    def waiting(self) -> bool:
        """Whether it runs and has no text yet."""
        return self.running and not self._pieces

    @property
    def messages(self) -> tuple[Message, ...]:
        """What a later turn of the same conversation sends too: nothing where there was no complete answer."""
        whole = self.outcome is not None and self.outcome.finish in ("stop", "length")
        if not whole or not self.answer:
            return ()
        return (self.request.messages[-1], Message(role="assistant", text=self.answer))

    def add_chunk(self, chunk: object) -> None:
        """Add a piece of the answer; one that comes after the end is ignored."""
        match chunk:
            case Routed(explanation=explanation):
                self.explanation = explanation
            case Delta(text=text) if self.running and self._size < ANSWER_KEPT:
                if not self._pieces:
                    self.forget_rows()
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

    def tick(self, now: float) -> None:
        """Time has passed while it waits."""
        self._waited_s = max(0.0, now - self._started)
        self.forget_rows()

    def _end(self) -> None:
        self._stream.finish()
        self._tail_outdated = True
        self.forget_rows()

    # ---- rows

    def lay_out(self, width: int, state: ViewState) -> None:
        """Make the rows for a width, where they are outdated."""
        if self._edges_outdated or width != self._width:
            self._rows_above = self._above(width, state)
            self._rows_below = self._below(width, state)
        if self._tail_outdated or width != self._width:
            self._tail = self._stream.open(width)
        self._width, self._edges_outdated, self._tail_outdated = width, False, False

    def _above(self, width: int, state: ViewState) -> list[Row]:
        request = self.request
        if self.candidate is not None:
            why = wrap([span(reasons_text(self.explanation), "dim")], width) if self.explanation else []
            return [self.who(state), *why, BLANK]
        files = [(span(f"  + {each.label}", "dim"),) for each in self.typed.attachments]
        head = route_rows(request.agent, request.engine, self.explanation, state, width)
        return [*heading_rows(self.heading), *prompt_rows(self.typed.text, width), *files, *head]

    def _below(self, width: int, state: ViewState) -> list[Row]:
        rows: list[Row] = [(span("… the rest is not kept here", "warn"),)] if self._size >= ANSWER_KEPT else []
        if self.outcome and self.candidate is not None:
            rows += [*wrap([verdict(self.outcome)], width), *note_rows(self.outcome, width)]
        elif self.outcome:
            rows += outcome_rows(self.outcome, state, width)
        elif self.failure:
            rows += failure_rows(self.failure, width)
        elif self.cancelled:
            rows.append((span("cancelled", "warn"),))
        elif self._pieces:
            rows.append((span("… esc cancels", "dim"),))
        else:
            rows.append(waiting_row(self._stage(state)))
        return [*rows, BLANK]

    def _stage(self, state: ViewState) -> str:
        return waiting_text(self._call(state), self._waited_s, self.explanation, state)

    def _call(self, state: ViewState) -> InFlight | None:
        return next((call for call in state.in_flight if call.id == self.name), None)

    def who(self, state: ViewState) -> Row:
        """The engine and model that answer, as far as that is known, else those that were asked."""
        if self.outcome is not None:
            told = (self.outcome.engine, self.outcome.zone, self.outcome.model)
        elif self.explanation is not None:
            told = (self.explanation.engine, self.explanation.zone, self.explanation.model)
        else:
            engine = state.engine(self.request.engine)
            if engine is None:
                return (span(f"{self.request.engine} {self.request.model or ''}"),)
            told = (engine.name, engine.zone, self.request.model or engine.model)
        thinks = self.candidate.effort if self.candidate is not None else None
        label = span(f" {engine_label(told[0], told[2], state)}{f', think {thinks}' if thinks else ''}")
        return (served(told[0], told[1]), label)

    def figures(self, state: ViewState, *, chosen: bool) -> CandidateFigures:
        """Its row in a comparison."""
        outcome = self.outcome
        if outcome is None:
            return CandidateFigures(self.who(state), self._state_now(state), chosen=chosen)
        return CandidateFigures(
            self.who(state),
            verdict(outcome),
            first_ms=outcome.ttft_ms,
            latency_ms=outcome.latency_ms,
            tokens=outcome.tokens,
            cost_usd=outcome.cost_usd,
            estimated=outcome.usage_estimated,
            chosen=chosen,
        )

    def _state_now(self, state: ViewState) -> Span:
        if self.failure is not None:
            return span(f"▲ {self.failure}", "bad")
        if self.cancelled:
            return span("cancelled", "warn")
        return span("… answering" if self._pieces else f"… {self._stage(state)}", "dim")

    def forget_rows(self) -> None:
        """Lay the rows around the answer out again: its figures or an engine's name have changed."""
        self._edges_outdated = True
        self.changes += 1

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


def heading_rows(heading: str) -> list[Row]:
    return [(span(f"── {heading} ──", "dim"),), BLANK] if heading else []
