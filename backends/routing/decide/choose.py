"""The choice among the engines that the rules left, and the words for it."""

from msgspec import Struct

from backends.routing.decide.flips import flips
from backends.routing.decide.inputs import EngineView, Inputs, other
from backends.routing.decide.refuse import no_room, refusal
from backends.routing.decide.rules import budget_detail, rulings, too_slow, unforced
from backends.types import CLOUD, LOCAL, Alternative, Decision, EngineName, Estimate, Reason, Verdict, Weighed

SOFT = {"tool_choice": unforced, "deadline": too_slow}
"""Rules that prefer the other engine where both may answer; the one they speak against may still take over."""

DOUBT = 0.1
"""Of the dial: a prompt that local keeps only because it is not so much higher is in doubt."""


def decide(inputs: Inputs) -> Decision:
    """The engine, its reasons, the other way and what ruled it out, what it was weighed against and what would flip it.

    Raises UnknownModel for a model nobody serves, ContextTooLong and Unsupported for what no allowed engine can take,
    Refused where policy or privacy leave no way, BudgetExceeded where money does, NoEngine or EngineError (of the kinds
    "rate-limited" and "daily-quota") where no allowed engine can answer now.
    """
    choice = choose(inputs)
    view, second = inputs.view(choice.engine), inputs.view(other(choice.engine))
    return Decision(
        engine=choice.engine,
        zone=CLOUD if choice.engine == "cloud" else LOCAL,
        model=view.model,
        reasons=choice.reasons,
        alternatives=(
            Alternative(
                engine=second.name,
                zone=CLOUD if second.name == "cloud" else LOCAL,
                model=second.model,
                cost_usd=second.expected_usd,
                latency_ms=_milliseconds(second),
                ruled_out_by=choice.ruled_out.rule if choice.ruled_out else None,
                detail=choice.ruled_out.detail if choice.ruled_out else "",
            ),
        ),
        estimate=Estimate(cost_usd=view.expected_usd, latency_ms=_milliseconds(view)),
        failover=(second.name,) if _may_take_over(inputs, second, choice) else (),
        flips=flips(inputs, choice.engine, lambda changed: choose(changed).engine),
        weighed=Weighed(
            dial=inputs.dial,
            dial_by=inputs.dial_by,
            p_local=inputs.p_local,
            asked=min(max(inputs.asked_p, 0.0), 1.0),
            deadline_s=inputs.deadline_s,
            waiting=inputs.local.waiting,
            wait_s=inputs.local.wait_s,
            all_cloud_usd=inputs.cloud.expected_usd,
            allowed=inputs.classes.p_cloud - inputs.asked_p,
            doubtful=not inputs.at(min(1.0, inputs.dial + DOUBT)).answers_well,
        ),
    )


class Choice(Struct, frozen=True, kw_only=True):
    """`ruled_out` is the first word against the other engine, None where it was merely second."""

    engine: EngineName
    reasons: tuple[Reason, ...]
    ruled_out: Reason | None


def choose(inputs: Inputs) -> Choice:
    """The engine and what was said on the way to it. Raises as `decide` does."""
    against = rulings(inputs)
    error = refusal(inputs, against)
    if error is not None:
        raise error
    left = [view for view in inputs.engines if not against[view.name]]
    for rule, ruling in SOFT.items():
        if len(left) == 2 and (found := ruling(inputs)) is not None:
            against[found[0]].append(Reason(rule=rule, detail=found[1]))
            left = [view for view in left if view.name != found[0]]
    closing: list[Reason] = []
    engine = left[0].name
    if len(left) == 2:
        engine, reason = _by_quality(inputs)
        (against["local"] if reason.rule == "quality" and engine == "cloud" else closing).append(reason)
        closing += _weighed_in(inputs) if reason.rule == "quality" else []
    closing += _money(inputs, engine) + _redacted(inputs, engine)
    opening = [] if inputs.demanded is not None else [Reason(rule="policy", detail=inputs.policy)]
    spoken = against[other(engine)]
    return Choice(
        engine=engine,
        reasons=(*opening, *spoken, *closing),
        ruled_out=spoken[0] if spoken else None,
    )


def _by_quality(inputs: Inputs) -> tuple[EngineName, Reason]:
    """Both may answer: the policy's side, or the dial's.

    The reason sets P(local answers well) against the least that is asked for, as ".61 < .80".
    """
    if inputs.rule == "prefer-local":
        return "local", Reason(rule="preferred", detail="local")
    if inputs.rule == "prefer-cloud":
        return "cloud", Reason(rule="preferred", detail="cloud")
    have, want = inputs.p_local, inputs.asked_p
    if inputs.answers_well:
        return "local", Reason(rule="quality", detail=_compared(have, "≥", want))
    return "cloud", Reason(rule="quality", detail=_compared(have, "<", want))


def _compared(have: float, sign: str, want: float) -> str:
    """Shares of one as a table cell has room for them; a third digit where two would look alike."""
    want = min(max(want, 0.0), 1.0)
    digits = 3 if f"{have:.2f}" == f"{want:.2f}" and have != want else 2
    return f"{have:.{digits}f} {sign} {want:.{digits}f}".replace("0.", ".")


def _weighed_in(inputs: Inputs) -> list[Reason]:
    """What made P(local answers well) less than the text alone says."""
    return [Reason(rule="weighs", detail=f"{name}: local × {weight:g}") for name, weight in inputs.weaknesses.items()]


def _money(inputs: Inputs, engine: EngineName) -> list[Reason]:
    """What a budget that does not take the cloud out has to say of going there anyway."""
    if engine == "local" or not inputs.over_budget:
        return []
    if inputs.room_on_exceeded != "alert":
        raise no_room(inputs)
    return [Reason(rule="budget", detail=f"alert only: {budget_detail(inputs)}")]


def _redacted(inputs: Inputs, engine: EngineName) -> list[Reason]:
    """What goes to the cloud under placeholders."""
    if engine == "local" or not inputs.verdict.redacted:
        return []
    return [Reason(rule="privacy", detail=redacted_detail(inputs.verdict))]


def redacted_detail(verdict: Verdict) -> str:
    return f"redacted: {', '.join(dict.fromkeys(finding.kind for finding in verdict.findings))}"


def _may_take_over(inputs: Inputs, second: EngineView, choice: Choice) -> bool:
    if inputs.demanded is not None or (choice.ruled_out and choice.ruled_out.rule not in (*SOFT, "quality")):
        return False
    return second.name == "local" or not inputs.over_budget or inputs.room_on_exceeded == "alert"


def _milliseconds(view: EngineView) -> float | None:
    return None if view.latency_s is None else view.latency_s * 1000
