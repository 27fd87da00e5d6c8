"""The choice among the engines that the rules left, and the words for it."""

from msgspec import Struct

from backends.errors import BudgetExceeded
from backends.router.decide.flips import flips
from backends.router.decide.inputs import EngineView, Inputs, other
from backends.router.decide.refuse import no_room, refusal
from backends.router.decide.rules import budget_detail, rulings, too_slow
from backends.types import Alternative, Decision, EngineName, Estimate, Reason


def decide(inputs: Inputs) -> Decision:
    """The engine, its reasons, the other way and what ruled it out, and what would flip it.

    Raises WrongUse for a model nobody serves, Refused where policy or privacy leave no way, BudgetExceeded where money
    does, NoEngine where no allowed engine can answer now.
    """
    choice = choose(inputs)
    view, second = inputs.view(choice.engine), inputs.view(other(choice.engine))
    return Decision(
        engine=choice.engine,
        model=view.model,
        reasons=choice.reasons,
        alternatives=(
            Alternative(
                engine=second.name,
                model=second.model,
                cost_usd=second.expected_usd,
                latency_ms=_milliseconds(second),
                ruled_out_by=choice.ruled_out_by,
            ),
        ),
        estimate=Estimate(cost_usd=view.expected_usd, latency_ms=_milliseconds(view)),
        failover=second.name if _may_take_over(inputs, second, choice) else None,
        flips=flips(inputs, choice.engine, lambda changed: choose(changed).engine),
    )


class Choice(Struct, frozen=True, kw_only=True):
    """`ruled_out_by` is the first rule against the other engine, None where it was merely second."""

    engine: EngineName
    reasons: tuple[Reason, ...]
    ruled_out_by: str | None


def choose(inputs: Inputs) -> Choice:
    """The engine and what was said on the way to it. Raises as `decide` does."""
    against = rulings(inputs)
    error = refusal(inputs, against)
    if error is not None:
        raise error
    left = [view for view in inputs.engines if not against[view.name]]
    late = too_slow(inputs) if len(left) == 2 else None
    if late is not None:
        against[late[0]].append(Reason(rule="deadline", detail=late[1]))
        left = [view for view in left if view.name != late[0]]
    closing: list[Reason] = []
    engine = left[0].name
    if len(left) == 2:
        engine, reason = _by_quality(inputs)
        (against["local"] if reason.rule == "quality" and engine == "cloud" else closing).append(reason)
    closing += _money(inputs, engine)
    opening = [] if inputs.demanded is not None else [Reason(rule="policy", detail=inputs.policy)]
    spoken = against[other(engine)]
    return Choice(
        engine=engine,
        reasons=(*opening, *spoken, *closing),
        ruled_out_by=spoken[0].rule if spoken else None,
    )


def _by_quality(inputs: Inputs) -> tuple[EngineName, Reason]:
    """Both may answer: the policy's side, or the dial's.

    The reason sets P(local answers well) against the least that is asked for, as ".61 < .80".
    """
    if inputs.rule == "prefer-local":
        return "local", Reason(rule="preferred", detail="local")
    if inputs.rule == "prefer-cloud":
        return "cloud", Reason(rule="preferred", detail="cloud")
    have, want = inputs.classes.p_local, inputs.dial * inputs.classes.p_cloud
    if have >= want:
        return "local", Reason(rule="quality", detail=f"{_unit(have)} ≥ {_unit(want)}")
    return "cloud", Reason(rule="quality", detail=f"{_unit(have)} < {_unit(want)}")


def _unit(value: float) -> str:
    """A share of one as a table cell has room for it."""
    return f"{value:.2f}".removeprefix("0")


def _money(inputs: Inputs, engine: EngineName) -> list[Reason]:
    """What a budget that does not take the cloud out has to say of going there anyway."""
    if engine == "local" or not inputs.over_budget:
        return []
    if inputs.room_on_exceeded != "alert":
        raise BudgetExceeded(no_room(budget_detail(inputs)))
    return [Reason(rule="budget", detail=f"alert only: {budget_detail(inputs)}")]


def _may_take_over(inputs: Inputs, second: EngineView, choice: Choice) -> bool:
    if inputs.demanded is not None or choice.ruled_out_by not in (None, "deadline", "quality"):
        return False
    return second.name == "local" or not inputs.over_budget or inputs.room_on_exceeded == "alert"


def _milliseconds(view: EngineView) -> float | None:
    return None if view.latency_s is None else view.latency_s * 1000
