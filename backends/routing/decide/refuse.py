"""The error for a request that no engine may or can answer: one line, and a status that tells a client what to do."""

from backends.errors import (
    SOON_S,
    BudgetExceeded,
    BudgetHeld,
    ClawError,
    ContextTooLong,
    CostCapExceeded,
    EngineError,
    NoEngine,
    Refused,
    SessionBudgetExceeded,
    UnknownModel,
    Unsupported,
)
from backends.routing.decide.inputs import EngineView, Inputs
from backends.settings.money import EACH
from backends.types import CLOUD, LOCAL, EngineName, Reason

Against = dict[EngineName, list[Reason]]

PASSING = frozenset({"engine", "drained"})
"""Rules about an engine's present state: it may answer later."""

OPERATORS = frozenset({"stopped", "ceiling", "budget"})
"""Rules that an operator can lift at once."""

RETRY_S = 10.0
"""When to try again, where it is not known how long an engine stays down."""


def refusal(inputs: Inputs, against: Against) -> ClawError | None:
    """Why nothing may answer, as the error to raise; None where an engine is left."""
    if _unknown_model(inputs):
        *names, last = dict.fromkeys(
            (*(view.name for view in inputs.engines), *(view.model for view in inputs.engines))
        )
        return UnknownModel(f"no engine serves the model that was asked for: use auto, {', '.join(names)} or {last}")
    if not all(against.values()):
        return None
    for view in inputs.engines:
        if view.held_up and _only(against[view.name], frozenset({"budget"})):
            return no_room(view)
    away = [view for view in inputs.engines if _only(against[view.name], PASSING)]
    if not away:
        limits = _too_long(inputs, against) or _incapable(against)
        if limits is not None:
            return limits
    return _conflict(inputs, against) or _closed(inputs, against) or _none_left(against, away)


def no_room(view: EngineView) -> BudgetExceeded:
    """The error of a budget for a call that no other engine may answer."""
    if view.held_up:
        return BudgetHeld()
    room = view.room
    if room.scope in EACH:
        return SessionBudgetExceeded.of(room.scope, resets_s=room.resets_s)
    return BudgetExceeded(
        f"this call does not fit the budget (up to ${view.worst_usd:f}, left ${room.unspent_usd or 0:f},"
        f" {room.scope or 'all'}){room.resets and f'; it begins anew at {room.resets}'}:"
        " raise it in claw.toml, or send it to local"
    )


def _unknown_model(inputs: Inputs) -> bool:
    model, engine = inputs.request.model, inputs.request.engine
    if engine != "auto" and all(view.name != engine for view in inputs.engines):
        return True
    if model is None:
        return False
    return not any(view.model == model for view in inputs.engines if engine in ("auto", view.name))


def _too_long(inputs: Inputs, against: Against) -> ClawError | None:
    """A shorter prompt would be answered. Names the largest window among the engines that nothing else rules out."""
    fitting = [view for view in inputs.engines if _only(against[view.name], PASSING | {"window"})]
    if not fitting:
        return None
    largest = max(fitting, key=lambda view: view.context)
    remedy = f"raise engines.{largest.name}.context" if largest.zone == LOCAL else ""
    return ContextTooLong.by(inputs.tokens(largest), largest.context, remedy)


def _incapable(against: Against) -> ClawError | None:
    """No engine that may answer can do what is asked for, those included that a budget or a switch rules out."""
    if any(_only(reasons, OPERATORS) for reasons in against.values()):
        return None
    lacking = {
        name: reasons[0].detail
        for name, reasons in against.items()
        if _only(reasons, PASSING | {"needs", "window"}) and _spoke(reasons, "needs")
    }
    if not lacking:
        return None
    text = "; ".join(f"{name} {detail}" for name, detail in lacking.items())
    return Unsupported(f"no engine that may answer can do this ({text}): ask without it, or allow another engine")


def _conflict(inputs: Inputs, against: Against) -> ClawError | None:
    """The request asks for what pin, policy or privacy forbid."""
    agent, asked, demanded = inputs.request.agent, inputs.asked, inputs.demanded
    named = _named(asked)
    if asked and _all_spoke(against, asked, "pin"):
        return Refused(
            f"{agent} is pinned to {inputs.pinned}, and {named} was asked for: "
            f"`claw act unpin {agent}`, or ask for auto"
        )
    if asked and _all_spoke(against, asked, "policy"):
        return Refused(
            f"{agent} has the policy {inputs.policy}, and {named} was asked for: "
            f"ask for auto, or set agents.{agent}.policy in claw.toml"
        )
    demand = "was asked for" if asked else "is pinned" if inputs.pinned else "is the policy"
    wanted = _named(demanded) if asked or inputs.pinned else inputs.policy
    if demanded and _all_spoke(against, demanded, "allowed"):
        allowed = next(reason.detail for reason in against[min(demanded)] if reason.rule == "allowed")
        way = "ask for auto, or " if asked else f"`claw act unpin {agent}`, or " if inputs.pinned else ""
        return Refused(
            f"{agent} may use only {allowed}, and {wanted} {demand}: {way}change agents.{agent} in claw.toml"
        )
    if demanded and inputs.stays and all(inputs.view(name).zone == CLOUD for name in demanded):
        return Refused(
            f"the prompt is sensitive ({inputs.verdict.why or 'unsure'}) and stays on this machine, "
            f"but engine {wanted} {demand}: take the private part out, or let local answer it"
        )
    return _unproved(inputs, against)


def _unproved(inputs: Inputs, against: Against) -> ClawError | None:
    """A sensitive prompt with no engine that is proved to be local."""
    local_engines = inputs.within(LOCAL)
    if not local_engines or not all(_spoke(against[view.name], "privacy") for view in local_engines):
        return None
    text = f"the prompt is sensitive ({inputs.verdict.why or 'unsure'})"
    if unproved := next((view.unproved for view in local_engines if view.unproved), ""):
        return NoEngine(f"{text} and stays on this machine, but {unproved}", retry_after_s=RETRY_S)
    return Refused(
        f"{text}, and the {' and '.join(view.name for view in local_engines)} engine is not proved "
        "to be this machine: use a loopback address and a model that Ollama does not relay"
    )


def _closed(inputs: Inputs, against: Against) -> ClawError | None:
    """No engine may answer, whatever its state: waiting does not help, a change by operator or caller does."""
    lasting = {name: [each for each in reasons if each.rule not in PASSING] for name, reasons in against.items()}
    if not all(lasting.values()):
        return None
    for view in inputs.within(CLOUD):
        for reason in lasting[view.name]:
            if reason.rule == "stopped":
                return Refused("cloud is stopped by the operator: `claw act resume-cloud`, or ask for engine local")
            if reason.rule == "ceiling":
                setting = f"agents.{inputs.request.agent}.max_cost_usd"
                return CostCapExceeded(
                    f"this call does not fit its ceiling ({reason.detail}): raise {setting}, or send it to local"
                )
            if reason.rule == "budget":
                return no_room(view)
    return Refused(f"no engine may answer ({_because(lasting)}): ask otherwise, or change agents in claw.toml")


def _none_left(against: Against, away: list[EngineView]) -> ClawError:
    """An engine that may answer cannot now. The error says when to try again, and has the kind of what closed it."""
    wait = max(1.0, min(map(_opens_in_s, away), default=RETRY_S))
    drained = next((view.name for view in away if view.draining), None)
    remedy = f"`claw act undrain {drained}` lets it answer again" if drained else "`claw doctor` says what to do"
    line = f"no engine can answer ({_because(against)}): {remedy}"
    kinds = {view.closed for view in away}
    if len(kinds) == 1:
        if kinds == {"daily-quota"}:
            return EngineError(line, kind="daily-quota", retry_after_s=wait)
        if kinds == {"rate-limited"}:
            return EngineError(line, kind="rate-limited", retry_after_s=wait)
    return NoEngine(line, retry_after_s=wait)


def _opens_in_s(view: EngineView) -> float:
    if view.draining:
        return SOON_S
    return RETRY_S if view.opens_in_s is None else view.opens_in_s


def _because(against: Against) -> str:
    """What rules each engine out. That the caller asked for another one is named only where nothing else is."""
    named = {engine: reasons for engine, reasons in against.items() if reasons[0].rule != "asked"} or against
    return "; ".join(f"{engine}: {reasons[0].detail}" for engine, reasons in named.items())


def _named(engines: frozenset[EngineName]) -> str:
    return " or ".join(sorted(engines))


def _all_spoke(against: Against, engines: frozenset[EngineName], rule: str) -> bool:
    return all(_spoke(against[name], rule) for name in engines)


def _spoke(reasons: list[Reason], rule: str) -> bool:
    return any(reason.rule == rule for reason in reasons)


def _only(reasons: list[Reason], rules: frozenset[str]) -> bool:
    return all(reason.rule in rules for reason in reasons)
