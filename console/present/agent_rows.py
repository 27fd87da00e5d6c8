"""A row for each agent: its rules, what answered it, what failed, and its last decision."""

from backends.text.measures import UNKNOWN
from backends.text.times import clock
from backends.types import AgentState, Exchange, Outcome
from console.present.decision_rows import ORIGINS, name_cells, origin_of, when, why
from console.present.refusal_rows import refused_of
from console.present.spans import Row, Span, Tone, cell, row, span
from console.present.symbols import destination, served
from console.state import ViewState

COUNT = 7  # cells of a number of answers, or of failed requests
REFUSED = 9  # cells of a number of refused requests, which are no answers
WITH_REFUSED = 90  # cells from which an agent's line has it
WITH_INTENT = 120  # cells from which it has the last request's intent


def agent_rows(state: ViewState, cells: int) -> list[Row]:
    last = {each.explanation.agent: each for each in state.exchanges}
    ended: dict[str, list[Outcome]] = {}
    for each in state.exchanges:
        if each.outcome is not None:
            ended.setdefault(each.explanation.agent, []).append(each.outcome)
    head = row(
        cell("agent", 11, "dim"),
        cell("policy", 13, "dim"),
        cell("pinned", name_cells(state, cells), "dim"),
        *(cell(origin, COUNT, "dim", right=True) for origin, _ in ORIGINS),
        cell("failed", COUNT, "dim", right=True),
        *((cell("refused", REFUSED, "dim", right=True),) if cells >= WITH_REFUSED else ()),
        span("  last decision", "dim"),
    )
    return [
        head,
        *(_agent(each, last.get(each.name), ended.get(each.name, []), state, cells) for each in state.agents),
    ]


def _agent(agent: AgentState, last: Exchange | None, ended: list[Outcome], state: ViewState, cells: int) -> Row:
    name = name_cells(state, cells)
    pinned = state.engine(agent.pinned) if agent.pinned else None
    pin = served(pinned.name, pinned.zone) if pinned else span(agent.pinned or UNKNOWN, "dim")
    origins = [origin_of(outcome) for outcome in ended if outcome.answered]
    counts = (_count(origins.count(origin), served(origin, zone).tone) for origin, zone in ORIGINS)
    rules = _rules(agent)
    lead = row(
        cell(agent.name, 11, "strong"),
        cell(rules.text, 13, rules.tone),
        *(cell(pin.text, name - 1, pin.tone), span(" ")),
        *counts,
        _failed(agent, ended, state),
        *((_count(refused_of(state, agent.name), "warn", REFUSED),) if cells >= WITH_REFUSED else ()),
        span("  "),
    )
    if last is None:
        return (*lead, span("no request yet", "dim"))
    to = destination(last)
    return (
        *lead,
        cell(when(last.at, state.now or state.at), 7, "dim"),
        *(cell(to.text, name - 1, to.tone), span(" ")),
        *((cell(last.explanation.intent, 16), span(" ")) if cells >= WITH_INTENT else ()),
        why(last),
    )


def _rules(agent: AgentState) -> Span:
    """Its policy; that it is paused, or until when an operator has changed its rules."""
    if agent.paused:
        return span("‖ paused", "warn")
    if agent.changed:
        until = f" →{clock(agent.until, minutes=True)}" if agent.until else " changed"
        return span(f"{agent.policy}{until}", "warn")
    return span(agent.policy, "dim")


def _failed(agent: AgentState, ended: list[Outcome], state: ViewState) -> Span:
    """How many of its last requests failed; in red while some of the last seconds did."""
    failed = sum(outcome.finish == "error" for outcome in ended)
    failed += sum(1 for each in state.refusals if each.agent == agent.name and each.status >= 500)
    now = next((each.failed for each in state.traffic.agents if each.agent == agent.name), 0)
    return _count(max(failed, now), "bad" if now else "warn")


def _count(number: int, tone: Tone, cells: int = COUNT) -> Span:
    return cell(f"{number}", cells, tone, right=True) if number else cell(UNKNOWN, cells, "dim", right=True)
