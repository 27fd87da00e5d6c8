"""The requests as rows, newest first: who, when, where to, why, how long, how much. What failed says so first."""

from collections.abc import Callable, Sequence
from datetime import datetime
from heapq import merge

from msgspec import Struct
from rich.cells import cell_len

from backends.events import RequestRefused
from backends.text.measures import UNKNOWN, count, probability, share
from backends.text.terminal_safe import safe
from backends.text.times import clock, milliseconds
from backends.text.usd import usd
from backends.types import CACHE, CLOUD, LOCAL, Exchange, InFlight, Outcome, Served, Zone
from console.present.candidates import candidate_rows
from console.present.frame import DrawnRows, PaneBody
from console.present.spans import BLANK, Row, Span, Tone, cell, paragraph, row, span
from console.present.symbols import destination, served
from console.state import ViewState

SHORTEST_NAME = 6  # cells of an engine's name where there is little room; longer ones are cut
WHEN = 7  # cells of an age or a time of day
WITH_INTENT = 84  # cells from which intent and complexity have columns, and the reasons are still legible
_STAGES = {"waiting": "waits", "called": "called", "streaming": "stream"}

Listed = Exchange | RequestRefused
"""A row: a request that was decided, or one that failed because no engine could be called."""


def decision_body(
    state: ViewState, head: Sequence[Row], cells: int, room: int, *, wanted: str, chosen: str | None
) -> PaneBody:
    """The requests that match `wanted`, with the cursor on `chosen`; `head` stands above them. Without a cursor there
    is none that could be on another row than the operator saw when a key was pressed.
    """
    shown = matching(state, wanted)
    if not shown:
        return PaneBody([*head, *_empty(state, wanted, cells)])
    stages = {call.id: call for call in state.in_flight}
    now = state.now or state.at
    columns = _columns(cells, name_cells(state, cells), now)
    above = [*head, row(*(cell(c.head, c.cells, "dim", right=c.right) for c in columns))]
    rows = DrawnRows(above, shown, lambda each: _line(each, stages, columns, now))
    if chosen is None:
        return PaneBody(rows, fixed=len(above))
    at = position(shown, chosen)
    request = shown[at]
    below = _candidates(request, cells, room - len(above)) if isinstance(request, Exchange) else []
    return PaneBody(rows, selected=len(above) + at, fixed=len(above), below=below)


def _candidates(exchange: Exchange, cells: int, room: int) -> list[Row]:
    """The candidates of the request under the cursor, where they leave at least half of the room."""
    rows = [BLANK, *candidate_rows(exchange.explanation, cells)]
    return rows if len(rows) <= room // 2 else []


def matching(state: ViewState, wanted: str) -> list[Listed]:
    """The requests, newest first, whose row contains `wanted`."""
    failed = [each for each in state.refusals if each.status >= 500]
    shown: Sequence[Listed] = state.exchanges[::-1]
    if failed:
        shown = list(merge(shown, reversed(failed), key=lambda each: each.at, reverse=True))
    needle = wanted.casefold()
    return [each for each in shown if not needle or needle in _haystack(each)]


def agent_of(request: Listed) -> str:
    return request.agent if isinstance(request, RequestRefused) else request.explanation.agent


def position(shown: Sequence[Listed], chosen: str | None) -> int:
    """The row of the cursor: the chosen request's, else the newest one's."""
    return next((index for index, each in enumerate(shown) if each.id == chosen), 0)


def answer_shares(state: ViewState) -> Row:
    """How many requests of the last seconds each origin answered, and how many failed or were refused. While nothing
    happens, the shares of the last requests; what failed is in no share of answers.
    """
    traffic = state.traffic
    if not traffic.requests:
        return _last_shares(state)
    counts = ((LOCAL, LOCAL, traffic.local), (CLOUD, CLOUD, traffic.cloud), (CACHE, LOCAL, traffic.cache))
    parts: list[Span] = [span(f"in {traffic.window_s:.0f} s  ", "dim")]
    for origin, zone, number in counts:
        symbol = served(origin, zone, origin if origin != CACHE else " ")
        parts += [span(symbol.text.rstrip(), symbol.tone if number else "dim"), span(f" {number:,}  ")]
    if traffic.failed:
        parts.append(span(f"✗ {traffic.failed:,} failed  ", "bad"))
    if traffic.refused:
        parts.append(span(f"{traffic.refused:,} refused  ", "warn"))
    return (*parts[:-1], Span(safe(parts[-1].text.rstrip()), parts[-1].tone))


def _last_shares(state: ViewState) -> Row:
    ended = [each.outcome for each in state.exchanges if each.outcome]
    origins = [origin_of(outcome) for outcome in ended if outcome.answered]
    failed = sum(outcome.finish == "error" for outcome in ended)
    parts: list[Span] = []
    for origin, zone in ORIGINS if origins else ():
        symbol = served(origin, zone, origin if origin != CACHE else " ")
        parts += [span(symbol.text.rstrip(), symbol.tone), span(f" {share(origins.count(origin), len(origins))}")]
        parts.append(span("  "))
    if failed:
        parts += [span(f"✗ {share(failed, len(ended))} failed", "bad"), span("  ")]
    return tuple(parts[:-1])


def went(exchange: Exchange) -> str:
    """Where a request went, as the end of a sentence about it: `went to cloud`, `was answered from the cache`."""
    outcome = exchange.outcome
    if outcome is None:
        return f"goes to {exchange.explanation.engine}"
    if outcome.engine == CACHE:
        return "was answered from the cache"
    return f"failed on {outcome.engine}" if outcome.finish == "error" else f"went to {outcome.engine}"


ORIGINS: tuple[tuple[Served, Zone], ...] = ((LOCAL, LOCAL), (CLOUD, CLOUD), (CACHE, LOCAL))
"""Where answers come from: the zones, whatever engines they have, and the cache."""


def origin_of(outcome: Outcome) -> Served:
    return CACHE if outcome.engine == CACHE else outcome.zone


class _RoutingColumn(Struct, frozen=True):
    """`reason` columns give their room to what went wrong, where something did."""

    head: str
    cells: int
    draw: Callable[[Exchange, dict[str, InFlight]], Span]
    right: bool = False
    reason: bool = False


def name_cells(state: ViewState, cells: int) -> int:
    """Cells for an engine's name behind its symbol, and a blank; long names are cut."""
    longest = max((cell_len(safe(engine.name)) for engine in state.engines), default=0)
    room = 14 if cells >= 96 else 8 if cells >= 56 else SHORTEST_NAME
    return 2 + max(SHORTEST_NAME, min(longest, room))


def _columns(cells: int, name: int, now: datetime | None) -> list[_RoutingColumn]:
    """The columns that fit; the reasons get the rest, and come before intent and complexity. Each width includes a
    blank to its right.
    """
    tail = [
        _RoutingColumn("ms", 7, _latency, right=True),
        _RoutingColumn("cost", 10, lambda each, _: _cost(each), right=True),
    ]
    if cells >= 110:
        tail.insert(0, _RoutingColumn("tokens", 12, lambda each, _: _tokens(each), right=True))
    lead = [
        _RoutingColumn("agent", 11, lambda each, _: span(each.explanation.agent, "strong")),
        _RoutingColumn("when", WHEN, lambda each, _: span(when(each.at, now), "dim")),
        _RoutingColumn("to", name, lambda each, _: destination(each)),
    ]
    if cells >= WITH_INTENT:
        intent = 17 if cells >= 96 else 11
        lead.append(_RoutingColumn("intent", intent, lambda each, _: span(each.explanation.intent), reason=True))
        lead.append(
            _RoutingColumn(
                "cplx", 5, lambda each, _: span(probability(each.explanation.complexity), "dim"), reason=True
            )
        )
    room = cells - sum(column.cells for column in (*lead, *tail))
    if room >= 8:
        return [*lead, _RoutingColumn("why", room, lambda each, _: why(each), reason=True), *tail]
    return [*lead, *tail] if room >= 0 else lead


def when(at: datetime, now: datetime | None) -> str:
    """How long ago: seconds within a minute, in steps of five from ten on, so that rows are drawn seldom; then the time
    of day, or the day.
    """
    if now is None:
        return clock(at, minutes=True)
    passed = max(0, int((now - at).total_seconds()))
    if passed < 60:
        return f"{passed if passed < 10 else passed // 5 * 5} s"
    local = at.astimezone()
    return clock(at, minutes=True) if local.date() == now.astimezone().date() else f"{local.day} {local:%b}"


def _line(request: Listed, stages: dict[str, InFlight], columns: Sequence[_RoutingColumn], now: datetime | None) -> Row:
    if isinstance(request, RequestRefused):
        return _refused_line(request, columns, now)
    failed = request.outcome is not None and request.outcome.finish == "error"
    spans: list[Span] = []
    for column in columns:
        if column.reason and failed:
            if column.head == "why":
                spans += [cell(why(request).text, _reason_cells(columns) - 1, "bad"), span(" ")]
            continue
        text, tone = column.draw(request, stages)
        if column.right:
            spans.append(cell(text, column.cells, tone, right=True))
        else:
            spans += [cell(text, column.cells - 1, tone), span(" ")]
    return tuple(spans)


def _refused_line(request: RequestRefused, columns: Sequence[_RoutingColumn], now: datetime | None) -> Row:
    """A request that no engine could be called for: there was no decision that had an intent or a cost."""
    agent, since, to, *_ = columns
    tail = sum(column.cells for column in columns if column.right)
    return row(
        cell(request.agent, agent.cells - 1, "strong"),
        " ",
        cell(when(request.at, now), since.cells - 1, "dim"),
        " ",
        cell("✗", to.cells, "bad"),
        cell(reason_of(request), _reason_cells(columns) + tail, "bad"),
    )


def reason_of(request: RequestRefused) -> str:
    """Why no engine could be called: what rules each out, where the message says so, without the words around it."""
    told = request.message.partition("(")[2].partition("):")[0]
    return told if request.rule == "no_engine" and told else f"{request.rule.replace('_', ' ')}: {request.message}"


def _reason_cells(columns: Sequence[_RoutingColumn]) -> int:
    return sum(column.cells for column in columns if column.reason)


def why(exchange: Exchange) -> Span:
    """The reasons of the decision; of a request that failed, how it did."""
    outcome = exchange.outcome
    if outcome is not None and outcome.finish == "error":
        return span(outcome.short or outcome.error or (outcome.error_kind or "failed").replace("-", " "), "bad")
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


def _empty(state: ViewState, wanted: str, cells: int) -> list[Row]:
    if state.past and not wanted:
        return paragraph("No request had begun by that moment.", cells, "dim")
    if wanted:
        return paragraph(f"No request matches “{wanted}”. Escape clears the filter.", cells, "dim")
    text = (
        "Every decision appears here. Type a prompt in the chat (6), run `claw ask`, or point an agent at the gateway "
        "of `claw serve`."
    )
    return [row(span("No requests yet", "strong")), BLANK, *paragraph(text, cells, "dim")]


def _haystack(exchange: Listed) -> str:
    if isinstance(exchange, RequestRefused):
        return f"{exchange.agent} {exchange.rule} {exchange.message}".casefold()
    explanation, outcome = exchange.explanation, exchange.outcome
    reasons = (f"{reason.rule} {reason.detail}" for reason in explanation.reasons)
    ended = (outcome.engine, outcome.cache, outcome.finish, outcome.error or "") if outcome else ()
    words = (explanation.agent, explanation.engine, explanation.model, explanation.intent, *reasons, *ended)
    return " ".join(words).casefold()
