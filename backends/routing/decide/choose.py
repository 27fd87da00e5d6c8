"""The choice among the engines that the rules left, with its reasons."""

from collections.abc import Sequence

from msgspec import Struct

from backends.routing.decide.flips import flips
from backends.routing.decide.inputs import EngineView, Inputs
from backends.routing.decide.refuse import no_room, refusal
from backends.routing.decide.rules import budget_detail, fitted, not_first, rulings, too_slow, unforced
from backends.routing.decide.session_costs import ask_usd, held_by_loop, moved
from backends.settings.engines import CLOUD_ENGINE
from backends.types import CLOUD, LOCAL, Alternative, Decision, EngineName, Estimate, Reason, Verdict, Weighed

SOFT = {"local-first": not_first, "tool_choice": unforced, "fitting": fitted, "deadline": too_slow}
"""Rules that prefer other engines where several may answer; those they are against may still take over."""

MAY_TAKE_OVER = frozenset({*SOFT, "quality"})
"""Rules that leave an engine good enough for taking over."""

DOUBT = 0.1
"""How much higher the dial would have to be for another choice, up to which a choice is in doubt."""

NOT_SERVED = Reason(rule="asked", detail="serves another model")

Against = dict[EngineName, list[Reason]]


def decide(inputs: Inputs) -> Decision:
    """The engine, its reasons, the other ways and what ruled them out, what it was weighed against and what would flip
    it.

    Raises UnknownModel for a model nobody serves, ContextTooLong and Unsupported for what no allowed engine can take,
    Refused where policy or privacy leave no way, BudgetExceeded where money does, NoEngine or EngineError (of the kinds
    "rate-limited" and "daily-quota") where no allowed engine can answer now.
    """
    choice = choose(inputs)
    view = choice.view
    local = view if view.zone == LOCAL else _best_local(inputs, choice.against)
    all_cloud = next((each for each in inputs.engines if each.name == CLOUD_ENGINE), view)
    return Decision(
        engine=view.name,
        zone=view.zone,
        model=view.model,
        reasons=choice.reasons,
        alternatives=tuple(_alternative(each, choice.against) for each in inputs.engines if each is not view),
        estimate=Estimate(cost_usd=view.expected_usd, latency_ms=_milliseconds(view)),
        failover=_failover(inputs, choice),
        quality=view.quality,
        flips=flips(inputs, view, lambda changed: choose(changed).view.name),
        weighed=Weighed(
            dial=inputs.dial,
            dial_by=inputs.dial_by,
            p_local=local.quality,
            asked=min(max(inputs.asked_p, 0.0), 1.0),
            deadline_s=inputs.deadline_s,
            waiting=local.waiting,
            wait_s=local.wait_s,
            all_cloud_usd=all_cloud.expected_usd,
            allowed=inputs.p_reference - inputs.asked_p,
            doubtful=local.quality < inputs.asked_at(min(1.0, inputs.dial + DOUBT)),
        ),
    )


class Choice(Struct, frozen=True, kw_only=True):
    """`against` are the reasons against each engine, in order; an empty list is one that was merely second."""

    view: EngineView
    reasons: tuple[Reason, ...]
    against: Against


def choose(inputs: Inputs) -> Choice:
    """The engine and its reasons. Raises as `decide` does."""
    against = rulings(inputs)
    error = refusal(inputs, against)
    if error is not None:
        error.passed_over = tuple((name, reasons[0].rule) for name, reasons in against.items() if reasons)
        raise error
    left = [view for view in inputs.engines if not against[view.name]]
    for rule, ruling in SOFT.items():
        found = dict(ruling(inputs, left)) if len(left) > 1 else {}
        if 0 < len(found) < len(left):
            for name, detail in found.items():
                against[name].append(Reason(rule=rule, detail=detail))
            left = [view for view in left if view.name not in found]
    view, closing = left[0], list[Reason]()
    if (held := held_by_loop(inputs, left)) is not None:
        view, closing = held, [Reason(rule="session", detail="goes on where it is")]
    elif len(left) > 1:
        view, closing = _weigh(inputs, left, against)
        closing += moved(inputs, left, view)
    closing += _hidden(inputs) + _money(inputs, view) + _redacted(inputs, view)
    if view.fitted:
        closing.append(Reason(rule="fitting", detail=view.fitted))
    return Choice(view=view, reasons=(*_spoken(inputs, against, but=view.name), *closing), against=against)


def refused(inputs: Inputs) -> tuple[tuple[Reason, ...], tuple[Alternative, ...]]:
    """Of inputs for which `decide` raises: the reasons, and every engine with what rules it out."""
    against = rulings(inputs)
    for view in inputs.engines:
        if not against[view.name]:
            over = view.over_budget and not view.affordable
            rest = Reason(rule="budget", detail=budget_detail(view)) if over else NOT_SERVED
            against[view.name].append(rest)
    return _spoken(inputs, against), tuple(_alternative(view, against) for view in inputs.engines)


def _spoken(inputs: Inputs, against: Against, but: EngineName = "") -> tuple[Reason, ...]:
    """The policy where it leaves a choice, and what is against each engine `but` the one that was chosen."""
    opening = [] if inputs.demanded else [Reason(rule="policy", detail=inputs.policy)]
    others = ((name, reason) for name, reasons in against.items() if name != but for reason in reasons)
    return (*opening, *dict.fromkeys(_of_one(name, reason, inputs) for name, reason in others))


def _of_one(name: EngineName, reason: Reason, inputs: Inputs) -> Reason:
    """A reason against one engine, with its name where figures alone would not tell which of several it is."""
    if reason.rule != "quality" or len(inputs.engines) == 2:
        return reason
    return Reason(rule=reason.rule, detail=f"{name} {reason.detail}")


def _weigh(inputs: Inputs, left: Sequence[EngineView], against: Against) -> tuple[EngineView, list[Reason]]:
    """Several may answer: the policy's side, and there the cheapest that answers as well as the dial asks; where none
    does, the best. The reason sets P(answers well) against the least that is asked for, as ".61 < .80".
    """
    asked, preferred = inputs.asked_p, inputs.preferred
    side = [view for view in left if view.zone == preferred]
    if side:
        chosen = min(side, key=lambda view: _rank(inputs, view))
        return chosen, [Reason(rule="preferred", detail=chosen.zone)]
    chosen = min(left, key=lambda view: _rank(inputs, view))
    failing = [view for view in left if view is not chosen and view.quality < asked]
    for view in failing:
        against[view.name].append(Reason(rule="quality", detail=_compared(view.quality, "<", asked)))
    weighed = [reason for view in (*failing, chosen) for reason in _weighed_in(view)]
    if chosen.quality >= asked and (chosen.zone == LOCAL or not failing):
        return chosen, [Reason(rule="quality", detail=_compared(chosen.quality, "≥", asked)), *weighed]
    return chosen, weighed


def _rank(inputs: Inputs, view: EngineView) -> tuple[object, ...]:
    """Those that answer as well as the dial asks come first, the cheapest of them for the whole ask before the others;
    where the price is one, the session's own, then what has the prompt's beginning in its cache, then the least able,
    which takes the least of a machine. Of those that do not answer so well the best comes first.
    """
    if inputs.answers_well(view):
        latency, moves = view.latency_s, view.name != inputs.session.engine
        return 0, ask_usd(inputs, view), moves, not view.warm, view.ability, latency is None, latency or 0.0
    return 1, -view.quality, view.zone != CLOUD, view.expected_usd


def _compared(have: float, sign: str, want: float) -> str:
    """Shares of one as a table cell has room for them; a third digit where two would look alike."""
    want = min(max(want, 0.0), 1.0)
    digits = 3 if f"{have:.2f}" == f"{want:.2f}" and have != want else 2
    return f"{have:.{digits}f} {sign} {want:.{digits}f}".replace("0.", ".")


def _weighed_in(view: EngineView) -> list[Reason]:
    """What made P(it answers well) less than the text alone says."""
    return [Reason(rule="weighs", detail=f"{name}: {view.name} × {weight:g}") for name, weight in view.weaknesses]


def _hidden(inputs: Inputs) -> list[Reason]:
    """That the difficulty is not the ask's own."""
    detail = "a block of no known program asks for more"
    return [Reason(rule="envelope", detail=detail)] if inputs.classes.hidden else []


def _money(inputs: Inputs, view: EngineView) -> list[Reason]:
    """A budget that does not rule the engine out: its warning, or the error where it refuses."""
    if not view.over_budget:
        return []
    if view.room.on_exceeded != "alert":
        raise no_room(view)
    return [Reason(rule="budget", detail=f"alert only: {budget_detail(view)}")]


def _redacted(inputs: Inputs, view: EngineView) -> list[Reason]:
    """What goes to the cloud under placeholders."""
    if view.zone == LOCAL or not inputs.verdict.redacted:
        return []
    return [Reason(rule="privacy", detail=redacted_detail(inputs.verdict))]


def redacted_detail(verdict: Verdict) -> str:
    return f"redacted: {', '.join(dict.fromkeys(finding.kind for finding in verdict.findings))}"


def _failover(inputs: Inputs, choice: Choice) -> tuple[EngineName, ...]:
    """Who may take over before the first token, in the order in which they would have been chosen."""
    ready = [
        view
        for view in inputs.engines
        if view is not choice.view
        and view.affordable
        and all(reason.rule in MAY_TAKE_OVER for reason in choice.against[view.name][:1])
    ]
    preferred = inputs.preferred
    return tuple(view.name for view in sorted(ready, key=lambda view: (view.zone != preferred, *_rank(inputs, view))))


def _alternative(view: EngineView, against: Against) -> Alternative:
    first = next(iter(against[view.name]), None)
    return Alternative(
        engine=view.name,
        zone=view.zone,
        model=view.model,
        cost_usd=view.expected_usd,
        latency_ms=_milliseconds(view),
        ruled_out_by=first.rule if first else None,
        detail=first.detail if first else "",
        quality=view.quality,
    )


def _best_local(inputs: Inputs, against: Against) -> EngineView:
    """The local engine that a choice of the cloud is weighed against: the best of those that might have answered, else
    of all.
    """
    homes = inputs.within(LOCAL)
    possible = [view for view in homes if all(reason.rule in MAY_TAKE_OVER for reason in against[view.name])]
    return max(possible or homes, key=lambda view: view.quality, default=inputs.engines[0])


def _milliseconds(view: EngineView) -> float | None:
    return None if view.latency_s is None else view.latency_s * 1000
