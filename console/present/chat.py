"""The chat's line between transcript and prompt, and its face before the first prompt."""

from dataclasses import dataclass

from backends.types import Explanation, Route
from console.present.figures import UNKNOWN, count, money, seconds
from console.present.marks import served
from console.present.rows import BLANK, Row, paragraph, row, span
from console.present.turns import engine_label, why
from console.state import ViewState


@dataclass(frozen=True)
class Prospect:
    """What is known of the prompt before it is sent: where it would go, or a line that says why that is not known."""

    explanation: Explanation | None = None
    line: str | None = None


@dataclass(frozen=True)
class Choices:
    """What the next prompt is sent with; `sensitive` is in force, whoever asked for it."""

    agent: str
    route: Route
    sensitive: bool


def info(choices: Choices, prospect: Prospect | None, hint: str, state: ViewState) -> Row:
    """`as scout · auto → ▌local (intent trend .21, policy local) · ~310 tok · 0 · ~2 s`, or what to do."""
    chosen = span(f"as {choices.agent} · {choices.route}", "dim")
    private = (span(" · "), span("sensitive: stays here", "strong")) if choices.sensitive else ()
    if hint:
        return row(span(hint, "warn"))
    if prospect and prospect.line:
        return row(chosen, *private, span(" · ", "dim"), span(prospect.line, "warn"))
    if prospect and prospect.explanation:
        return row(chosen, *private, span(" → ", "dim"), *_forecast(prospect.explanation, state))
    return row(chosen, *private)


def welcome(width: int) -> list[Row]:
    """The empty face: what will appear here and how."""
    text = (
        "Type a prompt and press enter. Before it goes you see where it would go and what it would cost; "
        "after the answer, what it did."
    )
    return [(span("nothing asked yet", "strong"),), BLANK, *paragraph(text, width, "dim")]


def _forecast(explanation: Explanation, state: ViewState) -> Row:
    estimate = explanation.estimate
    tokens = count(explanation.classes.input_tokens) if explanation.classes else UNKNOWN
    cost = money(estimate.cost_usd)
    latency = None if estimate.latency_ms is None else estimate.latency_ms / 1000
    figures = f" · ~{tokens} tok · {cost if estimate.cost_usd == 0 else f'~{cost}'} · ~{seconds(latency)}"
    return row(
        served(explanation.engine),
        span(f" {engine_label(explanation.engine, explanation.model, state)}"),
        span(f"{figures} · {why(explanation)}", "dim"),
    )
