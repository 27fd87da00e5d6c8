"""The routing pane: what went where and why, newest first; above it the last decision of each agent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backends.types import AgentState, Exchange, InFlight, Served
from console.present.figures import clock, count, milliseconds, money, share, unit
from console.present.frame import Body
from console.present.marks import destination, served
from console.present.rows import BLANK, Row, Span, Tone, cell, paragraph, row, span
from console.state import ViewState

AGENTS_FROM = 20  # rows of room from which the agents' table stands above the stream by itself

_STAGES = {"waiting": "waits", "called": "called", "streaming": "stream"}


@dataclass(frozen=True)
class View:
    """What of the stream is looked at: those that match `wanted`, with the cursor on `chosen` or else on the newest."""

    chosen: str | None = None
    wanted: str = ""
    typing: bool = False
    agents: bool | None = None


def routing(state: ViewState, view: View, cells: int, room: int) -> Body:
    shown = matching(state.exchanges, view.wanted)
    agents = view.agents if view.agents is not None else room >= AGENTS_FROM
    head: list[Row] = [*_agents(state, cells), BLANK] if agents and state.agents else []
    if view.wanted or view.typing:
        head.append(row(span("/", "focus"), span(view.wanted, "strong"), span("▏" if view.typing else "", "focus")))
    if not shown:
        return Body([*head, *_empty(view, cells)])
    stages = {call.id: call for call in state.in_flight}
    columns = _columns(cells)
    head.append(row(*(cell(c.head, c.cells, "dim", right=c.right) for c in columns)))
    rows = [_line(exchange, stages, columns) for exchange in shown]
    return Body([*head, *rows], selected=len(head) + position(shown, view.chosen), fixed=len(head))


def matching(exchanges: Sequence[Exchange], wanted: str) -> list[Exchange]:
    """Newest first, those that contain `wanted` in anything their row says."""
    needle = wanted.casefold()
    return [each for each in reversed(exchanges) if not needle or needle in _haystack(each)]


def position(shown: Sequence[Exchange], chosen: str | None) -> int:
    """Where the cursor stands: on the chosen one, else on the newest."""
    return next((index for index, each in enumerate(shown) if each.id == chosen), 0)


def summary(state: ViewState) -> Row:
    """Shares of the last answers by where they came from."""
    served_by = [each.outcome.engine for each in state.exchanges if each.outcome]
    if not served_by:
        return ()
    parts: list[Span] = []
    for engine in ("local", "cloud", "cache"):
        part = served_by.count(engine)
        mark = served(engine)
        parts += [
            span("=" if engine == "cache" else mark.text, mark.tone),
            span(f" {share(part, len(served_by))}"),
        ]
        parts.append(span("  "))
    return tuple(parts[:-1])


@dataclass(frozen=True)
class _Column:
    head: str
    cells: int
    draw: Callable[[Exchange, dict[str, InFlight]], Span]
    right: bool = False


def _columns(cells: int) -> list[_Column]:
    """The columns that fit, the reasons taking what is left; each width includes a blank to its right."""
    tail = [
        _Column("ms", 7, _latency, right=True),
        _Column("cost", 10, lambda each, _: _cost(each), right=True),
    ]
    if cells >= 110:
        tail.insert(0, _Column("tokens", 12, lambda each, _: _tokens(each), right=True))
    lead = [
        _Column("agent", 11, lambda each, _: span(each.explanation.agent, "strong")),
        _Column("when", 9, lambda each, _: span(clock(each.at), "dim")),
        _Column("to", 8, lambda each, _: destination(each)),
    ]
    if cells >= 64:
        lead.append(_Column("intent", 17 if cells >= 96 else 11, lambda each, _: span(each.explanation.intent)))
    if cells >= 56:
        lead.append(_Column("cplx", 5, lambda each, _: span(unit(each.explanation.complexity), "dim")))
    left = cells - sum(column.cells for column in (*lead, *tail))
    if left >= 8:
        return [*lead, _Column("why", left, lambda each, _: _why(each)), *tail]
    return [*lead, *tail] if left >= 0 else lead


def _line(exchange: Exchange, stages: dict[str, InFlight], columns: Sequence[_Column]) -> Row:
    spans: list[Span] = []
    for column in columns:
        text, tone = column.draw(exchange, stages)
        if column.right:
            spans.append(cell(text, column.cells, tone, right=True))
        else:
            spans += [cell(text, column.cells - 1, tone), span(" ")]
    return tuple(spans)


def _why(exchange: Exchange) -> Span:
    outcome = exchange.outcome
    if outcome is not None and outcome.finish == "error":
        return span(f"▲ {outcome.error or outcome.error_kind or 'failed'}", "bad")
    if outcome is not None and outcome.finish in ("cancelled", "blocked"):
        return span(outcome.finish, "warn")
    notes = outcome.notes if outcome is not None else ()
    reasons = outcome.reasons if outcome is not None else exchange.explanation.reasons
    told = [reason for reason in reasons if reason.rule != "policy" or len(reasons) == 1] or reasons
    said = [*notes, *(f"{reason.rule} {reason.detail}".strip() for reason in told)]
    return span(" · ".join(said), "warn" if notes else "text")


def _latency(exchange: Exchange, stages: dict[str, InFlight]) -> Span:
    if exchange.outcome is not None:
        return span(milliseconds(exchange.outcome.latency_ms))
    call = stages.get(exchange.id)
    return span(_STAGES[call.stage] if call else "…", "dim")


def _cost(exchange: Exchange) -> Span:
    outcome = exchange.outcome
    if outcome is None:
        return span("–", "dim")
    tone: Tone = "cloud" if outcome.cost_usd else "dim"
    return span(money(outcome.cost_usd, estimated=outcome.usage_estimated), tone)


def _tokens(exchange: Exchange) -> Span:
    if exchange.outcome is None:
        return span("–", "dim")
    tokens = exchange.outcome.tokens
    return span(f"{count(tokens.input)}→{count(tokens.output + tokens.thinking)}", "dim")


def _agents(state: ViewState, cells: int) -> list[Row]:
    last = {each.explanation.agent: each for each in state.exchanges}
    tally: dict[str, list[str]] = {}
    for each in state.exchanges:
        if each.outcome is not None:
            tally.setdefault(each.explanation.agent, []).append(each.outcome.engine)
    head = row(
        cell("agent", 11, "dim"),
        cell("policy", 13, "dim"),
        cell("pinned", 8, "dim"),
        cell("local", 6, "dim", right=True),
        cell("cloud", 7, "dim", right=True),
        cell("cache", 7, "dim", right=True),
        span("  last decision", "dim"),
    )
    return [head, *(_agent(agent, last.get(agent.name), tally.get(agent.name, []), cells) for agent in state.agents)]


def _agent(agent: AgentState, last: Exchange | None, answers: list[str], cells: int) -> Row:
    pin = served(agent.pinned) if agent.pinned else span("–", "dim")
    columns: tuple[tuple[Served, int], ...] = (("local", 6), ("cloud", 7), ("cache", 7))
    shares = [_answered(answers.count(engine), engine, cells) for engine, cells in columns]
    lead = row(
        cell(agent.name, 11, "strong"), cell(agent.policy, 13, "dim"), cell(pin.text, 8, pin.tone), *shares, "  "
    )
    if last is None:
        return (*lead, span("nothing yet", "dim"))
    to = destination(last)
    why = _why(last)
    return (
        *lead,
        cell(to.text, 8, to.tone),
        cell(last.explanation.intent, 16),
        span(" "),
        span(clock(last.at), "dim"),
        span("  "),
        why,
    )


def _answered(number: int, engine: Served, cells: int) -> Span:
    if not number:
        return cell("–", cells, "dim", right=True)
    return cell(f"{number}", cells, served(engine).tone, right=True)


def _empty(view: View, cells: int) -> list[Row]:
    if view.wanted:
        return paragraph(f"nothing matches “{view.wanted}”; escape shows all again", cells, "dim")
    text = (
        "Every decision appears here as it is made. Type a prompt in the chat (6), run `claw ask`, or point an agent "
        "at the gateway of `claw serve`."
    )
    return [row(span("no requests yet", "strong")), BLANK, *paragraph(text, cells, "dim")]


def _haystack(exchange: Exchange) -> str:
    explanation, outcome = exchange.explanation, exchange.outcome
    reasons = (f"{reason.rule} {reason.detail}" for reason in explanation.reasons)
    ended = (outcome.engine, outcome.cache, outcome.finish, outcome.error or "") if outcome else ()
    words = (explanation.agent, explanation.engine, explanation.model, explanation.intent, *reasons, *ended)
    return " ".join(words).casefold()
