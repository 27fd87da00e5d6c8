"""What would have sent the request elsewhere. Each clause is tried on the decision, so none is a guess."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from decimal import Decimal
from math import ceil, floor, isfinite

from msgspec.structs import replace

from backends.errors import ClawError
from backends.routing.decide.inputs import NEW_SESSION, EngineView, Inputs
from backends.types import CLOUD, LOCAL, EngineName, Explanation, Verdict

MOST = 4
"""As many clauses as fit into a line of the console."""

A_LITTLE = Decimal("0.000001")

RESUMED, UNDRAINED, USABLE = "cloud is resumed", "{} is drained no more", "{} can be used again"


def flips(inputs: Inputs, view: EngineView, engine_of: Callable[[Inputs], EngineName]) -> tuple[str, ...]:
    """Clauses that complete "flips when …", at most four; `engine_of` decides on changed inputs, or raises."""
    found: list[str] = []
    for clause, changed in _changes(inputs, view):
        if len(found) < MOST and clause not in found and _goes_to(changed, engine_of) not in (view.name, None):
            found.append(clause)
    return tuple(found)


def passed_over(explanation: Explanation) -> tuple[tuple[EngineName, str], ...]:
    """The engines that a request would have gone to if they could be asked now, each with the rule against it."""
    if not explanation.flips:
        return ()
    return tuple(
        (other.engine, other.ruled_out_by)
        for other in explanation.alternatives
        if (other.ruled_out_by == "stopped" and RESUMED in explanation.flips)
        or (other.ruled_out_by == "drained" and UNDRAINED.format(other.engine) in explanation.flips)
        or (other.ruled_out_by == "engine" and USABLE.format(other.engine) in explanation.flips)
    )


def _goes_to(inputs: Inputs, engine_of: Callable[[Inputs], EngineName]) -> EngineName | None:
    try:
        return engine_of(inputs)
    except ClawError:
        return None


def _changes(inputs: Inputs, view: EngineView) -> Iterator[tuple[str, Inputs]]:
    request = inputs.request
    if inputs.asked:
        yield "no engine is asked for", replace(inputs, request=replace(request, engine="auto", model=None))
    if inputs.pinned is not None:
        yield f"{request.agent} is unpinned", replace(inputs, pinned=None)
    if inputs.verdict.sensitive:
        yield "the prompt is not sensitive", replace(inputs, verdict=Verdict(sensitive=False))
    if inputs.cloud_stopped:
        yield RESUMED, replace(inputs, cloud_stopped=False)
    for other in inputs.engines:
        if other.draining:
            yield UNDRAINED.format(other.name), _with(inputs, replace(other, draining=False))
        if not other.usable:
            yield USABLE.format(other.name), _with(inputs, replace(other, usable=True))
    if inputs.session.engine is not None:
        yield "the session is new", replace(inputs, session=NEW_SESSION)
    yield from _dial(inputs, view)
    yield from _deadline(inputs, view)
    if view.zone == CLOUD:
        yield "cloud is stopped", replace(inputs, cloud_stopped=True)
    yield from _ceiling(inputs, view)
    yield from _budget(inputs, view)


def _with(inputs: Inputs, *changed: EngineView) -> Inputs:
    """The same inputs with these views in place of their engines' own."""
    by_name = {view.name: view for view in changed}
    return replace(inputs, engines=tuple(by_name.get(view.name, view) for view in inputs.engines))


def _dial(inputs: Inputs, view: EngineView) -> Iterator[tuple[str, Inputs]]:
    """The nearest dials, in hundredths, at which the choice changes. A higher dial never asks for less."""
    mine, asked = _first_too_high(inputs, view), inputs.asked_p
    failing = [other for other in inputs.engines if other is not view and other.quality < asked]
    lower = _first_too_high(inputs, max(failing, key=lambda other: other.quality)) if failing else 0
    if lower:
        yield f"the dial is ≤ {_hundredths(lower - 1)}", inputs.at((lower - 1) / 100)
    if view.zone == LOCAL and mine <= 100 and inputs.answers_well(view):
        yield f"the dial is ≥ {_hundredths(mine)}", inputs.at(mine / 100)


def _first_too_high(inputs: Inputs, view: EngineView) -> int:
    """The lowest dial, in hundredths, that asks for more than this engine is expected to do; 101 where none does."""
    return bisect_left(range(101), True, key=lambda dial: view.quality < inputs.asked_at(dial / 100))


def _hundredths(dial: int) -> str:
    return f"{dial / 100:.2f}".removeprefix("0")


def _deadline(inputs: Inputs, view: EngineView) -> Iterator[tuple[str, Inputs]]:
    mine = view.latency_s
    others = [other.latency_s for other in inputs.engines if other is not view and other.latency_s is not None]
    if mine is None or not others or not isfinite(mine) or not isfinite(min(others)):
        return
    if min(others) <= floor(mine):
        yield f"the deadline is ≤ {floor(mine)} s", replace(inputs, deadline_s=float(floor(mine)))
    else:
        yield f"the deadline is ≥ {ceil(min(others))} s", replace(inputs, deadline_s=float(ceil(min(others))))


def _ceiling(inputs: Inputs, view: EngineView) -> Iterator[tuple[str, Inputs]]:
    over = [other for other in inputs.engines if other is not view and inputs.over_ceiling(other)]
    if over:
        worst = min(other.worst_usd for other in over)
        yield f"the ceiling is ≥ ${worst:f} a request", replace(inputs, ceiling_usd=worst)


def _budget(inputs: Inputs, view: EngineView) -> Iterator[tuple[str, Inputs]]:
    if view.zone == CLOUD:
        if view.room.left_usd is not None and view.worst_usd > 0:
            short = view.worst_usd - A_LITTLE
            limited = (other for other in inputs.within(CLOUD) if other.room.left_usd is not None)
            spent = (replace(other, room=replace(other.room, left_usd=short)) for other in limited)
            yield f"the budget left is < ${view.worst_usd:f}", _with(inputs, *spent)
        return
    over = [other for other in inputs.within(CLOUD) if other.room.left_usd is not None and other.worst_usd > 0]
    if over:
        worst = min(other.worst_usd for other in over)
        freed = (replace(other, room=replace(other.room, left_usd=worst)) for other in over)
        yield f"the budget left is ≥ ${worst:f}", _with(inputs, *freed)
