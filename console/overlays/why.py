"""Why a request went where it did: what the prompt is, which candidates there were, what would change the decision.

It also shows what the request cost, and lets the operator rate the answer.
"""

from typing import ClassVar

from textual.binding import Binding, BindingType

from backends.events import RequestRefused
from backends.text.explanation import Line, all_cloud, made_of, queue, read_from_prompt, refusal
from backends.text.measures import UNKNOWN, count
from backends.text.times import clock, milliseconds
from backends.text.usd import usd
from backends.types import Action, Attempt, Exchange, Explanation, Outcome
from console.messages import RunAction
from console.overlays.overlay import Overlay
from console.present.candidates import candidate_rows
from console.present.spans import BLANK, Row, Span, paragraph, row, span
from console.present.symbols import destination

LABEL = 12


class WhyOverlay(Overlay[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "leave", show=False),
        Binding("plus", "rate(True)", show=False),
        Binding("minus", "rate(False)", show=False),
    ]

    def __init__(self, exchange: Exchange) -> None:
        super().__init__("Why", lambda cells: why(exchange, cells))
        self._exchange = exchange

    def action_rate(self, good: bool) -> None:
        """Rate the answer, where there is one."""
        if self._exchange.outcome is not None:
            self.post_message(RunAction(Action(verb="rate", actor="console", id=self._exchange.id, good=good)))


class RefusedOverlay(Overlay[None]):
    """A request that no engine could be called for: there was no decision to explain."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "leave", show=False)]

    def __init__(self, refused: RequestRefused) -> None:
        super().__init__("Why", lambda cells: _refused(refused, cells))


def _refused(refused: RequestRefused, cells: int) -> list[Row]:
    return [
        row(span(refused.agent, "title"), span(f" · {clock(refused.at)} · ", "dim"), span("✗ no answer", "bad")),
        BLANK,
        *_labelled("because", refused.rule.replace("_", " "), cells),
        *_labelled("told", refused.message, cells),
        *_labelled("status", f"{refused.status}", cells),
        *_labelled("id", refused.id, cells),
    ]


def why(exchange: Exchange, cells: int) -> list[Row]:
    """As many rows of at most `cells` cells as needed."""
    explanation = exchange.explanation
    decided = ("decided in", f"{explanation.decision_us:,.0f} µs")
    return [
        _head(exchange),
        BLANK,
        *_lines([*refusal(explanation), *made_of(explanation)], cells),
        *_lines([*read_from_prompt(explanation), *queue(explanation), decided], cells),
        *_reasons(explanation, cells),
        BLANK,
        *candidate_rows(explanation, cells),
        BLANK,
        *_labelled("flips when", "; or ".join(explanation.flips), cells),
        *(_outcome(exchange, exchange.outcome, cells) if exchange.outcome else _expected(explanation, cells)),
    ]


def _head(exchange: Exchange) -> Row:
    outcome = exchange.outcome
    cost = usd(outcome.cost_usd, estimated=outcome.usage_estimated) if outcome else UNKNOWN
    return row(
        span(exchange.explanation.agent, "title"),
        span(f" · {clock(exchange.at)} · ", "dim"),
        destination(exchange),
        span(f" {outcome.model if outcome else exchange.explanation.model}", "strong"),
        span(f" · {cost} · {milliseconds(outcome.latency_ms if outcome else None)} ms", "dim"),
    )


def _label(name: str) -> Span:
    return span(f"{name:<{LABEL}}", "dim")


def _labelled(name: str, text: str, cells: int) -> list[Row]:
    lines = paragraph(text, cells - LABEL) if text else []
    return [row(_label(name if index == 0 else ""), *line) for index, line in enumerate(lines)]


def _lines(lines: list[Line], cells: int) -> list[Row]:
    return [each for label, text in lines for each in _labelled(label, text, cells)]


def _reasons(explanation: Explanation, cells: int) -> list[Row]:
    rows: list[Row] = [BLANK] if explanation.reasons else []
    for index, reason in enumerate(explanation.reasons):
        lines = paragraph(f"{reason.rule}: {reason.detail}" if reason.detail else reason.rule, cells - LABEL, "strong")
        rows += [row(_label("because" if index == 0 and at == 0 else ""), *line) for at, line in enumerate(lines)]
    return rows


def _expected(explanation: Explanation, cells: int) -> list[Row]:
    return [*_lines(all_cloud(explanation), cells), BLANK, row(span("no answer yet", "dim"))]


def _outcome(exchange: Exchange, outcome: Outcome, cells: int) -> list[Row]:
    tokens = outcome.tokens
    used = f"{count(tokens.input)} in ({count(tokens.cached_input)} cached), {count(tokens.output)} out"
    if tokens.thinking:
        used += f", {count(tokens.thinking)} thinking"
    if outcome.usage_estimated:
        used += "; counted here, because the engine reported none"
    saved = outcome.baseline_usd - outcome.cost_usd
    first = milliseconds(outcome.ttft_ms)
    rows: list[Row] = [
        BLANK,
        *_labelled("finished", f"{outcome.finish}; first token after {first} ms", cells),
        *_labelled("tokens", used, cells),
        *_labelled("all-cloud", f"{usd(outcome.baseline_usd)}, saved {usd(saved)}{_beside_cache(outcome)}", cells),
        *_lines(_conversation(exchange.explanation, outcome), cells),
        *_labelled("notes", "; ".join(outcome.notes), cells),
    ]
    if outcome.error:
        rows += [row(_label("error"), *line) for line in paragraph(outcome.error, cells - LABEL, "bad")]
    if len(outcome.attempts) > 1 or any(attempt.error for attempt in outcome.attempts):
        for index, attempt in enumerate(outcome.attempts):
            rows += _labelled("attempts" if index == 0 else "", _attempt(attempt), cells)
    return [*rows, *_labelled("id", outcome.id, cells), *_labelled("rate", "+ good answer, - bad answer", cells)]


def _beside_cache(outcome: Outcome) -> str:
    """The same against a cloud that has the prompt's beginning in its prefix cache, where that makes a difference."""
    baseline = outcome.cached_baseline_usd
    if baseline is None or baseline == outcome.baseline_usd:
        return ""
    return f"; with its prefix cache {usd(baseline)}, saved {usd(baseline - outcome.cost_usd)}"


def _conversation(explanation: Explanation, outcome: Outcome) -> list[Line]:
    """The run where it has a name of its own, and the session where the decision's details are not known any more."""
    found = [] if explanation.session or not outcome.session else [("session", outcome.session)]
    return [*found, ("run", outcome.run)] if outcome.run not in ("", outcome.session) else found


def _attempt(attempt: Attempt) -> str:
    result = attempt.error or ("answered" if attempt.role == "answer" else "second sample, to check the first")
    return f"{attempt.engine} {attempt.model} {usd(attempt.cost_usd, estimated=attempt.estimated)}: {result}"
