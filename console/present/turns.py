"""A chat turn's rows around its answer: what was asked, where it went and why, and what came of it."""

from collections.abc import Sequence

from backends.types import Explanation, Outcome, Route, Served
from console.present.figures import count, milliseconds, money, size, unit
from console.present.layout import wrap
from console.present.marks import served
from console.present.rows import Row, Span, Tone, span
from console.present.safe import safe
from console.state import ViewState

PROMPT_ROWS = 12
"""Rows of a prompt that are shown in the transcript."""
_PROMPT_CHARACTERS = 8_000


def asked(prompt: str, width: int) -> list[Row]:
    """The prompt behind its mark; of a long one the beginning, and how much there is."""
    text = safe(prompt[:_PROMPT_CHARACTERS], newlines=True)
    inner = max(1, width - 2)
    rows = [wrapped for line in text.split("\n") for wrapped in wrap([Span(safe(line), "strong")], inner)]
    if len(rows) > PROMPT_ROWS or len(prompt) > _PROMPT_CHARACTERS:
        lines = prompt.count("\n") + 1
        rows = [
            *rows[: PROMPT_ROWS - 1],
            (span(f"… {size(len(prompt.encode()))}, {count(lines)} lines in all", "dim"),),
        ]
    if width < 10:
        return rows
    return [(span("❯ " if index == 0 else "  ", "strong"), *each) for index, each in enumerate(rows)]


def routed(agent: str, route: Route, explanation: Explanation | None, state: ViewState, width: int) -> list[Row]:
    """`as scout · auto → ▌local qwen2.5:14b · trend .21 · policy local`."""
    start = span(f"as {agent} · {route} → ", "dim")
    if explanation is None:
        return wrap([start, span("…", "dim")], width)
    goes = (served(explanation.engine), span(f" {engine_label(explanation.engine, explanation.model, state)}"))
    return wrap([start, *goes, span(f" · {why(explanation)}", "dim")], width)


def ended(outcome: Outcome, state: ViewState, width: int) -> list[Row]:
    """The end line: engine, tokens, money, times; below it what else there is to say, with the remedy."""
    mark = "≈" if outcome.usage_estimated else ""
    tokens = outcome.tokens
    thinking = f", {mark}{count(tokens.thinking)} thinking" if tokens.thinking else ""
    figures = [
        f"{mark}{count(tokens.input)} in, {mark}{count(tokens.output)} out{thinking}",
        money(outcome.cost_usd, estimated=outcome.usage_estimated),
        *_saved(outcome),
        f"first {milliseconds(outcome.ttft_ms)} ms, {milliseconds(outcome.latency_ms)} ms",
    ]
    who = span(f" {engine_label(outcome.engine, outcome.model, state)} · ", "dim")
    tier = f"{outcome.cache} hit · " if outcome.engine == "cache" else ""
    verdict: list[Span] = [] if outcome.finish == "stop" else [span(" · ", "dim"), *_finish(outcome)]
    rows = wrap([served(outcome.engine), who, span(tier + " · ".join(figures), "dim"), *verdict], width)
    for note in (*_detours(outcome), *outcome.notes):
        rows += wrap([span(note, "warn")], width)
    return rows


def failed(line: str, width: int) -> list[Row]:
    return wrap([span(f"▲ {line}", "bad")], width)


def engine_label(engine: Served, model: str, state: ViewState) -> str:
    """The model's name; a simulated engine says that it is one."""
    known = state.engine(engine)
    return known.label if known and known.simulated else model


def why(explanation: Explanation) -> str:
    """`trend .21 · policy local`."""
    reasons = " · ".join(f"{reason.rule} {reason.detail}".strip() for reason in explanation.reasons)
    sensitive = " · sensitive" if explanation.sensitive else ""
    return f"{explanation.intent} {unit(explanation.complexity)}{sensitive}" + (f" · {reasons}" if reasons else "")


def _saved(outcome: Outcome) -> Sequence[str]:
    saved = outcome.baseline_usd - outcome.cost_usd
    return (f"saved {money(saved)}",) if saved > 0 else ()


def _finish(outcome: Outcome) -> Row:
    why = outcome.error or ""
    said: dict[str, tuple[str, Tone]] = {
        "length": ("cut at the longest answer allowed", "warn"),
        "blocked": (f"blocked: {why}" if why else "blocked by the engine", "warn"),
        "cancelled": ("cancelled", "warn"),
        "error": (f"▲ {why or 'failed'}", "bad"),
    }
    return (span(*said[outcome.finish]),)


def _detours(outcome: Outcome) -> Sequence[str]:
    """Calls that failed before the one that the end line is of; what that says itself is not said again."""
    tried = outcome.attempts
    before = tried[:-1] if tried and tried[-1].engine == outcome.engine else tried
    return [
        f"{attempt.engine} {attempt.model} was tried first: {attempt.error}"
        for attempt in before
        if attempt.error and _line(attempt.error) not in (outcome.error or "")
    ]


def _line(error: str) -> str:
    """An attempt's error without its kind before it."""
    return error.partition(": ")[2] or error
