"""What would have sent the request the other way. Each clause is tried before it is said, so none is a guess."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from decimal import Decimal
from math import ceil, floor, isfinite

from msgspec.structs import replace

from backends.errors import ClawError
from backends.routing.decide.inputs import Inputs, other
from backends.types import EngineName, Verdict

MOST = 4
"""As many as a line of the console holds."""

A_LITTLE = Decimal("0.000001")


def flips(inputs: Inputs, engine: EngineName, engine_of: Callable[[Inputs], EngineName]) -> tuple[str, ...]:
    """Clauses that complete "flips when …", at most four; `engine_of` decides on changed inputs, or raises."""
    told: list[str] = []
    for clause, changed in _changes(inputs, engine):
        if len(told) < MOST and _goes_to(changed, engine_of) == other(engine):
            told.append(clause)
    return tuple(told)


def _goes_to(inputs: Inputs, engine_of: Callable[[Inputs], EngineName]) -> EngineName | None:
    try:
        return engine_of(inputs)
    except ClawError:
        return None


def _changes(inputs: Inputs, engine: EngineName) -> Iterator[tuple[str, Inputs]]:
    request = inputs.request
    if inputs.asked is not None:
        yield "no engine is asked for", replace(inputs, request=replace(request, engine="auto", model=None))
    if inputs.pinned is not None:
        yield f"{request.agent} is unpinned", replace(inputs, pinned=None)
    if inputs.verdict.sensitive:
        yield "the prompt is not sensitive", replace(inputs, verdict=Verdict(sensitive=False))
    yield from _dial(inputs, engine)
    if inputs.cloud_stopped:
        yield "cloud is resumed", replace(inputs, cloud_stopped=False)
    for view in inputs.engines:
        if not view.usable:
            up = replace(view, usable=True)
            changed = replace(inputs, local=up) if view.name == "local" else replace(inputs, cloud=up)
            yield f"{view.name} can be used again", changed
    yield from _deadline(inputs, engine)
    if engine == "cloud":
        yield "cloud is stopped", replace(inputs, cloud_stopped=True)
    yield from _ceiling(inputs, engine)
    yield from _budget(inputs, engine)


def _dial(inputs: Inputs, engine: EngineName) -> Iterator[tuple[str, Inputs]]:
    """The dial in hundredths at which it turns; what the dial asks for never falls as it rises."""
    first = bisect_left(range(101), True, key=lambda dial: not inputs.at(dial / 100).answers_well)
    if engine == "cloud" and first > 0:
        yield f"the dial is ≤ {_hundredths(first - 1)}", inputs.at((first - 1) / 100)
    elif engine == "local" and first <= 100:
        yield f"the dial is ≥ {_hundredths(first)}", inputs.at(first / 100)


def _hundredths(dial: int) -> str:
    return f"{dial / 100:.2f}".removeprefix("0")


def _deadline(inputs: Inputs, engine: EngineName) -> Iterator[tuple[str, Inputs]]:
    mine, others = inputs.view(engine).latency_s, inputs.view(other(engine)).latency_s
    if mine is None or others is None or not (isfinite(mine) and isfinite(others)):
        return
    if others <= floor(mine):
        yield f"the deadline is ≤ {floor(mine)} s", replace(inputs, deadline_s=float(floor(mine)))
    else:
        yield f"the deadline is ≥ {ceil(others)} s", replace(inputs, deadline_s=float(ceil(others)))


def _ceiling(inputs: Inputs, engine: EngineName) -> Iterator[tuple[str, Inputs]]:
    worst = inputs.cloud.worst_usd
    if engine == "local" and inputs.over_ceiling:
        yield f"the ceiling is ≥ ${worst:f} a request", replace(inputs, ceiling_usd=worst)


def _budget(inputs: Inputs, engine: EngineName) -> Iterator[tuple[str, Inputs]]:
    worst = inputs.cloud.worst_usd
    if inputs.room_left_usd is None or worst <= 0:
        return
    if engine == "cloud":
        yield f"the budget left is < ${worst:f}", replace(inputs, room_left_usd=worst - A_LITTLE)
    else:
        yield f"the budget left is ≥ ${worst:f}", replace(inputs, room_left_usd=worst)
