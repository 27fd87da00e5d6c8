"""The decisions as rows: one a request, newest first, what went where and why; above them a line for each agent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from backends.text.measures import UNKNOWN, count, probability, share
from backends.text.terminal_safe import safe
from backends.text.times import clock, milliseconds
from backends.text.usd import usd
from backends.types import CACHE, CLOUD, LOCAL, AgentState, Exchange, InFlight, Outcome, Served, Zone
from console.present.candidates import candidate_rows
from console.present.frame import PaneBody
from console.present.refusal_rows import refused_of
from console.present.spans import BLANK, Row, Span, Tone, cell, paragraph, row, span
from console.present.symbols import destination, served
from console.state import ViewState

SHORTEST_NAME = 6  # cells of an engine's name where there is little room; longer ones are cut
ANSWERS = 7  # cells of a number of answers
REFUSED = 9  # cells of a number of refused requests, which are no answers
WITH_REFUSED = 90  # cells from which an agent's line has it
_STAGES = {"waiting": "waits", "called": "called", "streaming": "stream"}


def decision_body(
    state: ViewState, head: Sequence[Row], cells: int, room: int, *, wanted: str, chosen: str | None
) -> PaneBody:
    """The requests that match `wanted`, with the cursor on `chosen` or else on the newest; `head` stands above them."""
    shown = matching(state.exchanges, wanted)
    if not shown:
        return PaneBody([*head, *_empty(wanted, cells)])
    stages = {call.id: call for call in state.in_flight}
    columns = _columns(cells, _name_cells(state, cells))
    above = [*head, row(*(cell(c.head, c.cells, "dim", right=c.right) for c in columns))]
    rows = [_line(exchange, stages, columns) for exchange in shown]
    at = position(shown, chosen)
    below = _candidates(shown[at], cells, room - len(above)) if chosen else []
    return PaneBody([*above, *rows], selected=len(above) + at, fixed=len(above), below=below)


def _candidates(exchange: Exchange, cells: int, room: int) -> list[Row]:
    """The candidates of the request under the cursor, where they leave at least half of the room."""
    rows = [BLANK, *candidate_rows(exchange.explanation, cells)]
    return rows if len(rows) <= room // 2 else []


def matching(exchanges: Sequence[Exchange], wanted: str) -> list[Exchange]:
    """The exchanges, newest first, whose row contains `wanted`."""
    needle = wanted.casefold()
    return [each for each in reversed(exchanges) if not needle or needle in _haystack(each)]


def position(shown: Sequence[Exchange], chosen: str | None) -> int:
    """The row of the cursor: the chosen request's, else the newest one's."""
    return next((index for index, each in enumerate(shown) if each.id == chosen), 0)


def answer_shares(state: ViewState) -> Row:
    """The share of each origin among the last answers, and of the requests that failed among all that ended."""
    ended = [each.outcome for each in state.exchanges if each.outcome]
    origins = [_origin(outcome) for outcome in ended if outcome.answered]
    failed = sum(outcome.finish == "error" for outcome in ended)
    parts: list[Span] = []
    if failed:
        parts = [span(f"✗ {share(failed, len(ended))} failed", "bad"), span("  ")]
    for origin, zone in ORIGINS if origins else ():
        symbol = served(origin, zone, origin if origin != CACHE else " ")
        parts += [span(symbol.text.rstrip(), symbol.tone), span(f" {share(origins.count(origin), len(origins))}")]
        parts.append(span("  "))
    return tuple(parts[:-1])


ORIGINS: tuple[tuple[Served, Zone], ...] = ((LOCAL, LOCAL), (CLOUD, CLOUD), (CACHE, LOCAL))
"""Where answers come from: the zones, whatever engines they have, and the cache."""


def _origin(outcome: Outcome) -> Served:
    return CACHE if outcome.engine == CACHE else outcome.zone


@dataclass(frozen=True)
class _RoutingColumn:
    head: str
    cells: int
    draw: Callable[[Exchange, dict[str, InFlight]], Span]
    right: bool = False


def _name_cells(state: ViewState, cells: int) -> int:
    """Cells for an engine's name behind its symbol, and a blank; long names are cut."""
    longest = max((cell_len(safe(engine.name)) for engine in state.engines), default=0)
    room = 14 if cells >= 96 else 8 if cells >= 56 else SHORTEST_NAME
    return 2 + max(SHORTEST_NAME, min(longest, room))


def _columns(cells: int, name: int) -> list[_RoutingColumn]:
    """The columns that fit; the reasons get the rest. Each width includes a blank to its right."""
    tail = [
        _RoutingColumn("ms", 7, _latency, right=True),
        _RoutingColumn("cost", 10, lambda each, _: _cost(each), right=True),
    ]
    if cells >= 110:
        tail.insert(0, _RoutingColumn("tokens", 12, lambda each, _: _tokens(each), right=True))
    lead = [
        _RoutingColumn("agent", 11, lambda each, _: span(each.explanation.agent, "strong")),
        _RoutingColumn("when", 9, lambda each, _: span(clock(each.at), "dim")),
        _RoutingColumn("to", name, lambda each, _: destination(each)),
    ]
    if cells >= 64:
        lead.append(_RoutingColumn("intent", 17 if cells >= 96 else 11, lambda each, _: span(each.explanation.intent)))
    if cells >= 56:
        lead.append(_RoutingColumn("cplx", 5, lambda each, _: span(probability(each.explanation.complexity), "dim")))
    room = cells - sum(column.cells for column in (*lead, *tail))
    if room >= 8:
        return [*lead, _RoutingColumn("why", room, lambda each, _: _why(each)), *tail]
    return [*lead, *tail] if room >= 0 else lead


def _line(exchange: Exchange, stages: dict[str, InFlight], columns: Sequence[_RoutingColumn]) -> Row:
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
    telling = [reason for reason in reasons if reason.rule != "policy" or len(reasons) == 1] or reasons
    parts = [*notes, *(f"{reason.rule} {reason.detail}".strip() for reason in telling)]
    return span(" · ".join(parts), "warn" if notes else "text")


def _latency(exchange: Exchange, stages: dict[str, InFlight]) -> Span:
    if exchange.outcome is not None:
        return span(milliseconds(exchange.outcome.latency_ms))
    call = stages.get(exchange.id)
    return span(_STAGES[call.stage] if call else "…", "dim")


def _cost(exchange: Exchange) -> Span:
    outcome = exchange.outcome
    if outcome is None:
        return span(UNKNOWN, "dim")
    tone: Tone = CLOUD if outcome.cost_usd else "dim"
    return span(usd(outcome.cost_usd, estimated=outcome.usage_estimated), tone)


def _tokens(exchange: Exchange) -> Span:
    if exchange.outcome is None:
        return span(UNKNOWN, "dim")
    tokens = exchange.outcome.tokens
    return span(f"{count(tokens.input)}→{count(tokens.output + tokens.thinking)}", "dim")


def agent_rows(state: ViewState, cells: int) -> list[Row]:
    name = _name_cells(state, cells)
    last = {each.explanation.agent: each for each in state.exchanges}
    ended: dict[str, list[Outcome]] = {}
    for each in state.exchanges:
        if each.outcome is not None:
            ended.setdefault(each.explanation.agent, []).append(each.outcome)
    head = row(
        cell("agent", 11, "dim"),
        cell("policy", 13, "dim"),
        cell("pinned", name, "dim"),
        *(cell(origin, ANSWERS, "dim", right=True) for origin, _ in ORIGINS),
        cell("failed", ANSWERS, "dim", right=True),
        *((cell("refused", REFUSED, "dim", right=True),) if cells >= WITH_REFUSED else ()),
        span("  last decision", "dim"),
    )
    return [
        head,
        *(_agent(each, last.get(each.name), ended.get(each.name, []), state, cells) for each in state.agents),
    ]


def _agent(agent: AgentState, last: Exchange | None, ended: list[Outcome], state: ViewState, cells: int) -> Row:
    name = _name_cells(state, cells)
    pinned = state.engine(agent.pinned) if agent.pinned else None
    pin = served(pinned.name, pinned.zone) if pinned else span(agent.pinned or UNKNOWN, "dim")
    origins = [_origin(outcome) for outcome in ended if outcome.answered]
    failed = sum(outcome.finish == "error" for outcome in ended)
    counts = (_count(origins.count(origin), served(origin, zone).tone) for origin, zone in ORIGINS)
    lead = row(
        cell(agent.name, 11, "strong"),
        cell(agent.policy, 13, "dim"),
        *(cell(pin.text, name - 1, pin.tone), span(" ")),
        *counts,
        _count(failed, "bad"),
        *((_count(refused_of(state, agent.name), "warn", REFUSED),) if cells >= WITH_REFUSED else ()),
        span("  "),
    )
    if last is None:
        return (*lead, span("no request yet", "dim"))
    to = destination(last)
    why = _why(last)
    return (
        *lead,
        *(cell(to.text, name - 1, to.tone), span(" ")),
        cell(last.explanation.intent, 16),
        span(" "),
        span(clock(last.at), "dim"),
        span("  "),
        why,
    )


def _count(number: int, tone: Tone, cells: int = ANSWERS) -> Span:
    return cell(f"{number}", cells, tone, right=True) if number else cell(UNKNOWN, cells, "dim", right=True)


def _empty(wanted: str, cells: int) -> list[Row]:
    if wanted:
        return paragraph(f"No request matches “{wanted}”. Escape clears the filter.", cells, "dim")
    text = (
        "Every decision appears here. Type a prompt in the chat (6), run `claw ask`, or point an agent at the gateway "
        "of `claw serve`."
    )
    return [row(span("No requests yet", "strong")), BLANK, *paragraph(text, cells, "dim")]


def _haystack(exchange: Exchange) -> str:
    explanation, outcome = exchange.explanation, exchange.outcome
    reasons = (f"{reason.rule} {reason.detail}" for reason in explanation.reasons)
    ended = (outcome.engine, outcome.cache, outcome.finish, outcome.error or "") if outcome else ()
    words = (explanation.agent, explanation.engine, explanation.model, explanation.intent, *reasons, *ended)
    return " ".join(words).casefold()
