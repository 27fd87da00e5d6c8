"""The chat's line between transcript and prompt, and its face before the first prompt."""

from dataclasses import dataclass

from backends.types import Explanation, Route
from console.present.figures import UNKNOWN, count, money, seconds
from console.present.marks import served
from console.present.rows import BLANK, Row, paragraph, row, span
from console.present.safe import safe
from console.present.turns import engine_label, why
from console.state import ViewState

COPY_MAX = 65_536
"""Characters that go to the terminal's clipboard; terminals drop much more."""


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


def for_clipboard(answer: str) -> tuple[str, str]:
    """An answer cleaned and cut for the terminal's clipboard, and a line that says so."""
    # tabs matter in code, and on a clipboard they drive nothing
    text = "\t".join(safe(part, newlines=True) for part in answer[:COPY_MAX].split("\t"))
    rest = "" if len(answer) <= COPY_MAX else f" of {count(len(answer))}; a terminal takes no more"
    return text, f"copied {count(min(len(answer), COPY_MAX))} characters{rest}"


def _forecast(explanation: Explanation, state: ViewState) -> Row:
    estimate = explanation.estimate
    tokens = f"~{count(explanation.classes.input_tokens)}" if explanation.classes else UNKNOWN
    cost = "0" if estimate.cost_usd == 0 else f"~{money(estimate.cost_usd)}"
    latency = UNKNOWN if estimate.latency_ms is None else f"~{seconds(estimate.latency_ms / 1000)}"
    figures = f" · {tokens} tok · {cost} · {latency}"
    return row(
        served(explanation.engine),
        span(f" {engine_label(explanation.engine, explanation.model, state)}"),
        span(f"{figures} · {why(explanation)}", "dim"),
    )
