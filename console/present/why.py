"""A decision's evidence: what was read from the prompt, what was weighed, what would have changed it, what it cost."""

from backends.text.explanation import Line, all_cloud, queue, read_from_prompt, verdict
from backends.types import Alternative, Attempt, Exchange, Explanation, Outcome
from console.present.figures import clock, count, milliseconds, money, seconds
from console.present.marks import destination, served
from console.present.rows import BLANK, Row, Span, paragraph, row, span

LABEL = 12


def why(exchange: Exchange, cells: int) -> list[Row]:
    """As many rows of at most `cells` cells as it takes."""
    told = exchange.explanation
    return [
        _head(exchange),
        BLANK,
        *_lines([*read_from_prompt(told), *queue(told), ("decided in", f"{told.decision_us:,.0f} µs")], cells),
        *_reasons(told, cells),
        BLANK,
        *(line for index, each in enumerate(told.alternatives) for line in _instead(each, index == 0, cells)),
        *_labelled("flips when", "; or ".join(told.flips), cells),
        *(_outcome(exchange.outcome, cells) if exchange.outcome else _expected(told, cells)),
    ]


def _head(exchange: Exchange) -> Row:
    outcome = exchange.outcome
    cost = money(outcome.cost_usd, estimated=outcome.usage_estimated) if outcome else "–"
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


def _reasons(told: Explanation, cells: int) -> list[Row]:
    rows: list[Row] = [BLANK] if told.reasons else []
    for index, reason in enumerate(told.reasons):
        lines = paragraph(f"{reason.rule}: {reason.detail}" if reason.detail else reason.rule, cells - LABEL, "strong")
        rows += [row(_label("because" if index == 0 and at == 0 else ""), *line) for at, line in enumerate(lines)]
    return rows


def _instead(each: Alternative, first: bool, cells: int) -> list[Row]:
    latency = "–" if each.latency_ms is None else f"~{seconds(each.latency_ms / 1000)}"
    figures = f"{each.model}  {money(each.cost_usd)}, {latency}: " if each.model else ""
    lines = paragraph(f"{figures}{verdict(each)}", cells - LABEL - 7)
    mark = served(each.engine)
    lead = row(_label("instead" if first else ""), span(f"{mark.text:<7}", mark.tone))
    rest = row(span(" " * (LABEL + 7)))
    return [row(*(lead if index == 0 else rest), *line) for index, line in enumerate(lines)]


def _expected(told: Explanation, cells: int) -> list[Row]:
    return [*_lines(all_cloud(told), cells), BLANK, row(span("not answered yet", "dim"))]


def _outcome(outcome: Outcome, cells: int) -> list[Row]:
    tokens = outcome.tokens
    used = f"{count(tokens.input)} in ({count(tokens.cached_input)} cached), {count(tokens.output)} out"
    if tokens.thinking:
        used += f", {count(tokens.thinking)} thought"
    if outcome.usage_estimated:
        used += "; counted here, the engine reported none"
    saved = outcome.baseline_usd - outcome.cost_usd
    first = milliseconds(outcome.ttft_ms)
    rows: list[Row] = [
        BLANK,
        *_labelled("ended", f"{outcome.finish}; first token after {first} ms", cells),
        *_labelled("tokens", used, cells),
        *_labelled("all-cloud", f"{money(outcome.baseline_usd)}, saved {money(saved)}", cells),
        *_labelled("notes", "; ".join(outcome.notes), cells),
    ]
    if outcome.error:
        rows += [row(_label("error"), *line) for line in paragraph(outcome.error, cells - LABEL, "bad")]
    if len(outcome.attempts) > 1 or any(attempt.error for attempt in outcome.attempts):
        for index, attempt in enumerate(outcome.attempts):
            rows += _labelled("attempts" if index == 0 else "", _attempt(attempt), cells)
    return [*rows, *_labelled("id", outcome.id, cells), *_labelled("judge", "+ good answer, - bad answer", cells)]


def _attempt(attempt: Attempt) -> str:
    said = attempt.error or ("answered" if attempt.role == "answer" else "second sample, to check the first")
    return f"{attempt.engine} {attempt.model} {money(attempt.cost_usd, estimated=attempt.estimated)}: {said}"
