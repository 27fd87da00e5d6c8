"""A decision's evidence: what was read from the prompt, what was weighed, what would have changed it, what it cost."""

from backends.types import Alternative, Attempt, Exchange, Explanation, Outcome
from console.present.figures import clock, count, milliseconds, money, unit
from console.present.marks import destination, served
from console.present.rows import BLANK, Row, Span, paragraph, row, span

LABEL = 12


def why(exchange: Exchange, cells: int) -> list[Row]:
    """As many rows of at most `cells` cells as it takes."""
    told = exchange.explanation
    return [
        _head(exchange),
        BLANK,
        *_read(told, cells),
        *_reasons(told, cells),
        BLANK,
        *(line for index, each in enumerate(told.alternatives) for line in _instead(each, index == 0, cells)),
        *_labelled("flips when", "; or ".join(told.flips), cells),
        *(_outcome(exchange.outcome, cells) if exchange.outcome else [row(span("not answered yet", "dim"))]),
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


def _read(told: Explanation, cells: int) -> list[Row]:
    classes = told.classes
    intent = told.intent
    if classes is not None:
        intent = f"{classes.intent} {unit(classes.intent_p)}"
        if classes.runner_up:
            intent += f" (next: {classes.runner_up} {unit(classes.runner_up_p)})"
    complexity = unit(told.complexity)
    if classes is not None:
        complexity += f"; local answers well {unit(classes.p_local)}, cloud {unit(classes.p_cloud)}"
    rows = [*_labelled("intent", intent, cells), *_labelled("complexity", complexity, cells)]
    if classes is not None:
        needs = ", ".join(sorted(classes.needs)) or "none"
        rows += _labelled("needs", f"{needs}; ~{count(classes.input_tokens)} tokens in", cells)
    reason = f": {told.verdict.why}" if told.verdict and told.verdict.why else ""
    rows += _labelled("sensitive", f"yes{reason}" if told.sensitive else "no", cells)
    return [*rows, *_labelled("decided in", f"{told.decision_us:,.0f} µs", cells)]


def _reasons(told: Explanation, cells: int) -> list[Row]:
    rows: list[Row] = [BLANK] if told.reasons else []
    for index, reason in enumerate(told.reasons):
        lines = paragraph(f"{reason.rule}: {reason.detail}" if reason.detail else reason.rule, cells - LABEL, "strong")
        rows += [row(_label("because" if index == 0 and at == 0 else ""), *line) for at, line in enumerate(lines)]
    return rows


def _instead(each: Alternative, first: bool, cells: int) -> list[Row]:
    latency = f"~{milliseconds(each.latency_ms)} ms" if each.latency_ms is not None else "–"
    verdict = f"ruled out by {each.ruled_out_by}" if each.ruled_out_by else "second best"
    lines = paragraph(f"{each.model}  {money(each.cost_usd)}, {latency}: {verdict}", cells - LABEL - 7)
    mark = served(each.engine)
    lead = row(_label("instead" if first else ""), span(f"{mark.text:<7}", mark.tone))
    rest = row(span(" " * (LABEL + 7)))
    return [row(*(lead if index == 0 else rest), *line) for index, line in enumerate(lines)]


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
    return [*rows, *_labelled("id", outcome.id, cells)]


def _attempt(attempt: Attempt) -> str:
    said = attempt.error or "answered"
    return f"{attempt.engine} {attempt.model} {money(attempt.cost_usd, estimated=attempt.estimated)}: {said}"
