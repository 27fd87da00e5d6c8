"""The chat as rows: a turn around its answer, and what an empty chat shows."""

from collections.abc import Sequence

from backends.text.measures import count, probability, size
from backends.text.terminal_safe import safe
from backends.text.times import milliseconds
from backends.text.usd import usd
from backends.types import CACHE, Explanation, Outcome, Route, Served
from console.present.empty_states import notice
from console.present.spans import Row, Span, Tone, span
from console.present.symbols import served
from console.present.wrapping import wrap
from console.state import ViewState

PROMPT_ROWS = 12
"""Rows of a prompt that the transcript shows."""
_PROMPT_CHARACTERS = 8_000


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
    finish: list[Span] = [] if outcome.finish == "stop" else [span(" · ", "dim"), *finish_text(outcome)]
    rows = wrap([served(outcome.engine, outcome.zone), who, span(tier + " · ".join(figures), "dim"), *finish], width)
    return rows + note_rows(outcome, width)


def note_rows(outcome: Outcome, width: int) -> list[Row]:
    """What was tried before, what the core remarks, and what of the settings had no effect."""
    notes = [*_failed_attempts(outcome), *outcome.notes]
    if outcome.ignored:
        notes.append(f"without effect here: {', '.join(outcome.ignored)}")
    return [line for note in notes for line in wrap([span(note, "warn")], width)]


def failure_rows(line: str, width: int) -> list[Row]:
    return wrap([span(f"▲ {line}", "bad")], width)


# ---- the empty chat, and names ------------------------------------------------------------------------------------


def welcome(width: int) -> list[Row]:
    """What an empty chat shows: how to start, and what will appear."""
    text = (
        "Type a prompt and press enter. Before you send it, the line above the prompt shows where it would go and what "
        "it would cost. The answer ends with the actual cost. /compare and a prompt asks two models at once, alt+c "
        "lets you choose which, / lists commands."
    )
    return notice("No prompts yet", text, width)


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


def _saved(outcome: Outcome) -> Sequence[str]:
    saved = outcome.baseline_usd - outcome.cost_usd
    return (f"saved {usd(saved)}",) if saved > 0 else ()


def finish_text(outcome: Outcome) -> Row:
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
