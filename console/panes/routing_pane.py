"""Pane 2, the routing: what went where and why, newest first; above it the last decision of each agent.

A cursor stands on one request. Its keys explain, cancel or rate it, and pin its agent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.events import Blur, Click, Key, Paste
from textual.geometry import Size

from backends.text.measures import UNKNOWN, count, probability, share
from backends.text.terminal_safe import safe
from backends.text.times import clock, milliseconds
from backends.text.usd import usd
from backends.types import CACHE, CLOUD, LOCAL, Action, AgentState, Exchange, InFlight, Outcome, Served, Zone
from console.messages import RunAction
from console.present.candidates import candidate_rows
from console.present.frame import PaneBody
from console.present.spans import BLANK, Row, Span, Tone, cell, paragraph, row, span
from console.present.symbols import destination, served
from console.state import ViewState
from console.widgets.pane import Pane

FILTER_MAX = 40
SHORTEST_NAME = 6  # cells of an engine's name where there is little room; longer ones are cut
AGENTS_FROM = 20  # rows of room from which the agents' table stands above the requests by itself
ANSWERS = 7  # cells of a number of answers
_STAGES = {"waiting": "waits", "called": "called", "streaming": "stream"}


@dataclass(frozen=True)
class RoutingView:
    """What the operator looks at: requests that match `wanted`, with the cursor on `chosen` or else on the newest."""

    chosen: str | None = None
    wanted: str = ""
    typing: bool = False
    agents: bool | None = None


class RoutingPane(Pane):
    NUMBER: ClassVar[int] = 2
    TITLE: ClassVar[str] = "Routing"
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("enter", "why"),
        ("p", "pin"),
        ("x", "cancel"),
        ("/", "filter"),
        ("+/-", "good/bad"),
        ("a", "agents"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "why", "why this decision"),
        Binding("p", "pin", "pin the agent to an engine"),
        Binding("x", "cancel", "cancel the call in flight"),
        Binding("plus", "rate(True)", "the answer was good"),
        Binding("minus", "rate(False)", "the answer was bad"),
        Binding("slash", "filter", "filter"),
        Binding("a", "agents", "show or hide the agents"),
        Binding("escape", "all", "clear the filter"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view = RoutingView()

    @property
    def chosen(self) -> Exchange | None:
        """The exchange under the cursor."""
        shown = matching(self.state.exchanges, self._view.wanted)
        return shown[position(shown, self._view.chosen)] if shown else None

    def body(self, state: ViewState, size: Size) -> PaneBody:
        body = routing_body(state, self._view, size.width, size.height)
        # a cursor that only follows the newest is not worth a highlight while the focus is elsewhere
        return body if self.has_focus or self._view.chosen else replace(body, selected=None)

    def summary(self, state: ViewState) -> Row:
        return answer_shares(state)

    def action_move(self, rows: int) -> None:
        shown = matching(self.state.exchanges, self._view.wanted)
        at = max(0, min(len(shown) - 1, position(shown, self._view.chosen) + rows))
        self._set_view(replace(self._view, chosen=shown[at].id if at > 0 else None))

    def action_why(self) -> None:
        if (exchange := self.chosen) is not None:
            from console.overlays.why import WhyOverlay

            self.app.push_screen(WhyOverlay(exchange))

    def action_pin(self) -> None:
        if (exchange := self.chosen) is None:
            return
        from console.overlays.pin import PinOverlay

        name = exchange.explanation.agent
        pinned = next((agent.pinned for agent in self.state.agents if agent.name == name), None)
        self.app.push_screen(PinOverlay(name, self.state.engines, pinned), self._run)

    def _run(self, action: Action | None) -> None:
        if action is not None:
            self.post_message(RunAction(action))

    def action_cancel(self) -> None:
        exchange = self.chosen
        if exchange is not None and exchange.outcome is None:
            self.post_message(RunAction(Action(verb="cancel", actor="console", id=exchange.id)))

    def action_rate(self, good: bool) -> None:
        """Rate the answer under the cursor; `claw route train` learns from ratings."""
        exchange = self.chosen
        if exchange is not None and exchange.outcome is not None:
            self.post_message(RunAction(Action(verb="rate", actor="console", id=exchange.id, good=good)))

    def action_agents(self) -> None:
        tall = self.size.height - 2 >= AGENTS_FROM
        shown = tall if self._view.agents is None else self._view.agents
        self._set_view(replace(self._view, agents=not shown))

    def action_filter(self) -> None:
        self._set_view(replace(self._view, typing=True))

    def action_all(self) -> None:
        self._set_view(replace(self._view, wanted="", typing=False, chosen=None))

    def on_key(self, event: Key) -> None:
        """While the filter is typed, keys are its text."""
        if not self._view.typing:
            return
        wanted = self._view.wanted
        if event.key == "enter":
            self._set_view(replace(self._view, typing=False))
        elif event.key == "escape":
            self.action_all()
        elif event.key == "backspace":
            self._set_view(replace(self._view, wanted=wanted[:-1], chosen=None))
        elif event.is_printable and event.character:
            self._set_view(replace(self._view, wanted=(wanted + event.character)[:FILTER_MAX], chosen=None))
        else:
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: Paste) -> None:
        if self._view.typing:
            line = event.text[:FILTER_MAX].partition("\n")[0]
            self._set_view(replace(self._view, wanted=(self._view.wanted + line)[:FILTER_MAX], chosen=None))
            event.stop()

    def on_blur(self, _event: Blur) -> None:
        self._set_view(replace(self._view, typing=False))

    def on_click(self, event: Click) -> None:
        shown = matching(self.state.exchanges, self._view.wanted)
        at = self.row_at(event.y)
        if at is not None and 0 <= at < len(shown):
            self._set_view(replace(self._view, chosen=shown[at].id if at > 0 else None))

    def _set_view(self, view: RoutingView) -> None:
        self._view = view
        self.redraw()


def routing_body(state: ViewState, view: RoutingView, cells: int, room: int) -> PaneBody:
    shown = matching(state.exchanges, view.wanted)
    agents = view.agents if view.agents is not None else room >= AGENTS_FROM
    head: list[Row] = [*_agents(state, cells), BLANK] if agents and state.agents else []
    if view.wanted or view.typing:
        head.append(row(span("/", "focus"), span(view.wanted, "strong"), span("▏" if view.typing else "", "focus")))
    if not shown:
        return PaneBody([*head, *_empty(view, cells)])
    stages = {call.id: call for call in state.in_flight}
    columns = _columns(cells, _name_cells(state, cells))
    head.append(row(*(cell(c.head, c.cells, "dim", right=c.right) for c in columns)))
    rows = [_line(exchange, stages, columns) for exchange in shown]
    at = position(shown, view.chosen)
    below = _candidates(shown[at], cells, room - len(head)) if view.chosen else []
    return PaneBody([*head, *rows], selected=len(head) + at, fixed=len(head), below=below)


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
    """The share of each origin among the last answers."""
    origins = [_origin(each.outcome) for each in state.exchanges if each.outcome]
    if not origins:
        return ()
    parts: list[Span] = []
    for origin, zone in ORIGINS:
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


def _agents(state: ViewState, cells: int) -> list[Row]:
    name = _name_cells(state, cells)
    last = {each.explanation.agent: each for each in state.exchanges}
    answers: dict[str, list[Served]] = {}
    for each in state.exchanges:
        if each.outcome is not None:
            answers.setdefault(each.explanation.agent, []).append(_origin(each.outcome))
    head = row(
        cell("agent", 11, "dim"),
        cell("policy", 13, "dim"),
        cell("pinned", name, "dim"),
        *(cell(origin, ANSWERS, "dim", right=True) for origin, _ in ORIGINS),
        span("  last decision", "dim"),
    )
    return [
        head,
        *(_agent(each, last.get(each.name), answers.get(each.name, []), state, name) for each in state.agents),
    ]


def _agent(agent: AgentState, last: Exchange | None, answers: list[Served], state: ViewState, name: int) -> Row:
    pinned = state.engine(agent.pinned) if agent.pinned else None
    pin = served(pinned.name, pinned.zone) if pinned else span(agent.pinned or UNKNOWN, "dim")
    counts = (_count(answers.count(origin), served(origin, zone).tone) for origin, zone in ORIGINS)
    lead = row(
        cell(agent.name, 11, "strong"),
        cell(agent.policy, 13, "dim"),
        *(cell(pin.text, name - 1, pin.tone), span(" ")),
        *counts,
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


def _count(number: int, tone: Tone) -> Span:
    return cell(f"{number}", ANSWERS, tone, right=True) if number else cell(UNKNOWN, ANSWERS, "dim", right=True)


def _empty(view: RoutingView, cells: int) -> list[Row]:
    if view.wanted:
        return paragraph(f"No request matches “{view.wanted}”. Escape clears the filter.", cells, "dim")
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
