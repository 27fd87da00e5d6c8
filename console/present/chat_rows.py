"""The chat as rows: a turn around its answer, the line above the prompt, and what an empty chat shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from backends.text.measures import UNKNOWN, count, probability, size
from backends.text.terminal_safe import safe
from backends.text.times import milliseconds, seconds
from backends.text.usd import about_usd, usd
from backends.types import CACHE, Explanation, Outcome, Route, Served
from console.present.empty_states import notice
from console.present.markdown_layout import wrap
from console.present.spans import Row, Span, Tone, row, span
from console.present.symbols import served
from console.state import ViewState

PROMPT_ROWS = 12
"""Rows of a prompt that the transcript shows."""
_PROMPT_CHARACTERS = 8_000
COPY_MAX = 65_536
"""Characters that go to the terminal's clipboard; terminals drop much more."""


@dataclass(frozen=True)
class RequestOptions:
    """What the next prompt is sent with."""

    agent: str = "default"
    route: Route = "auto"
    sensitive: bool = False


@dataclass(frozen=True)
class Prospect:
    """Where the prompt would go, known before it is sent; or a line that says why that is unknown."""

    explanation: Explanation | None = None
    line: str | None = None


# ---- a turn --------------------------------------------------------------------------------------------------------


def prompt_rows(prompt: str, width: int) -> list[Row]:
    """The prompt; of a long one the beginning, and how long it is."""
    text = safe(prompt[:_PROMPT_CHARACTERS], newlines=True)
    inner = max(1, width - 2)
    rows = [wrapped for line in text.split("\n") for wrapped in wrap([Span(safe(line), "strong")], inner)]
    if len(rows) > PROMPT_ROWS or len(prompt) > _PROMPT_CHARACTERS:
        lines = prompt.count("\n") + 1
        rows = [
            *rows[: PROMPT_ROWS - 1],
            (span(f"… {size(len(prompt.encode()))}, {count(lines)} lines in total", "dim"),),
        ]
    if width < 10:
        return rows
    return [(span("❯ " if index == 0 else "  ", "strong"), *each) for index, each in enumerate(rows)]


def route_rows(agent: str, route: Route, explanation: Explanation | None, state: ViewState, width: int) -> list[Row]:
    """`as scout · auto → ▌local qwen2.5:14b · trend .21 · policy local`."""
    start = span(f"as {agent} · {route} → ", "dim")
    if explanation is None:
        return wrap([start, span("…", "dim")], width)
    goes = (
        served(explanation.engine, explanation.zone),
        span(f" {engine_label(explanation.engine, explanation.model, state)}"),
    )
    return wrap([start, *goes, span(f" · {reasons_text(explanation)}", "dim")], width)


def outcome_rows(outcome: Outcome, state: ViewState, width: int) -> list[Row]:
    """Engine, tokens, money and times; below them notes, each with what to do."""
    mark = "≈" if outcome.usage_estimated else ""
    tokens = outcome.tokens
    thinking = f", {mark}{count(tokens.thinking)} thinking" if tokens.thinking else ""
    figures = [
        f"{mark}{count(tokens.input)} in, {mark}{count(tokens.output)} out{thinking}",
        usd(outcome.cost_usd, estimated=outcome.usage_estimated),
        *_saved(outcome),
        f"first {milliseconds(outcome.ttft_ms)} ms, {milliseconds(outcome.latency_ms)} ms",
    ]
    who = span(f" {engine_label(outcome.engine, outcome.model, state)} · ", "dim")
    tier = f"{outcome.cache} hit · " if outcome.engine == CACHE else ""
    finish: list[Span] = [] if outcome.finish == "stop" else [span(" · ", "dim"), *_finish(outcome)]
    rows = wrap([served(outcome.engine, outcome.zone), who, span(tier + " · ".join(figures), "dim"), *finish], width)
    for note in (*_failed_attempts(outcome), *outcome.notes):
        rows += wrap([span(note, "warn")], width)
    return rows


def failure_rows(line: str, width: int) -> list[Row]:
    return wrap([span(f"▲ {line}", "bad")], width)


# ---- the line above the prompt, and the empty chat -----------------------------------------------------------------


def options_row(options: RequestOptions, prospect: Prospect | None, hint: str, state: ViewState) -> Row:
    """`as scout · auto → ▌local qwen2.5:14b · ~310 tok · 0 · ~2 s · trend .21 · policy local`, or a hint."""
    if hint:
        return row(span(hint, "warn"))
    chosen = span(f"as {options.agent} · {options.route}", "dim")
    private = (span(" · "), span("sensitive: stays local", "strong")) if options.sensitive else ()
    if prospect and prospect.line:
        return row(chosen, *private, span(" · ", "dim"), span(prospect.line, "warn"))
    if prospect and prospect.explanation:
        return row(chosen, *private, span(" → ", "dim"), *_estimate(prospect.explanation, state))
    return row(chosen, *private)


def welcome(width: int) -> list[Row]:
    """What an empty chat shows: how to start, and what will appear."""
    text = (
        "Type a prompt and press enter. Before you send it, the line above the prompt shows where it would go and what "
        "it would cost. The answer ends with the actual cost."
    )
    return notice("No prompts yet", text, width)


def for_clipboard(answer: str) -> tuple[str, str]:
    """An answer made safe and cut for the terminal's clipboard, and a line that says so."""
    # tabs matter in code, and a clipboard carries them without harm
    text = "\t".join(safe(part, newlines=True) for part in answer[:COPY_MAX].split("\t"))
    rest = "" if len(answer) <= COPY_MAX else f" of {count(len(answer))}: terminals accept no more"
    return text, f"Copied {count(min(len(answer), COPY_MAX))} characters{rest}"


def engine_label(engine: Served, model: str, state: ViewState) -> str:
    """The model's name; of a simulated engine its label, which says so."""
    known = state.engine(engine)
    return known.label if known and known.simulated else model


def reasons_text(explanation: Explanation) -> str:
    """`trend .21 · policy local`."""
    reasons = " · ".join(f"{reason.rule} {reason.detail}".strip() for reason in explanation.reasons)
    sensitive = " · sensitive" if explanation.sensitive else ""
    read = f"{explanation.intent} {probability(explanation.complexity)}{sensitive}"
    return f"{read} · {reasons}" if reasons else read


def _estimate(explanation: Explanation, state: ViewState) -> Row:
    estimate = explanation.estimate
    tokens = f"~{count(explanation.classes.input_tokens)}" if explanation.classes else UNKNOWN
    latency = UNKNOWN if estimate.latency_ms is None else f"~{seconds(estimate.latency_ms / 1000)}"
    figures = f" · {tokens} tok · {about_usd(estimate.cost_usd)} · {latency}"
    return row(
        served(explanation.engine, explanation.zone),
        span(f" {engine_label(explanation.engine, explanation.model, state)}"),
        span(f"{figures} · {reasons_text(explanation)}", "dim"),
    )


def _saved(outcome: Outcome) -> Sequence[str]:
    saved = outcome.baseline_usd - outcome.cost_usd
    return (f"saved {usd(saved)}",) if saved > 0 else ()


def _finish(outcome: Outcome) -> Row:
    error = outcome.error or ""
    texts: dict[str, tuple[str, Tone]] = {
        "length": ("cut at the maximum length of an answer", "warn"),
        "blocked": (f"blocked: {error}" if error else "blocked by the engine", "warn"),
        "cancelled": ("cancelled", "warn"),
        "error": (f"▲ {error or 'failed'}", "bad"),
    }
    return (span(*texts[outcome.finish]),)


def _failed_attempts(outcome: Outcome) -> Sequence[str]:
    """Calls that failed before the one of the end line, each unless that line already shows its error."""
    tried = outcome.attempts
    before = tried[:-1] if tried and tried[-1].engine == outcome.engine else tried
    return [
        f"{attempt.engine} {attempt.model} was tried first: {attempt.error}"
        for attempt in before
        if attempt.error and _without_kind(attempt.error) not in (outcome.error or "")
    ]


def _without_kind(error: str) -> str:
    """An attempt's error without its kind before it."""
    return error.partition(": ")[2] or error
