"""A candidate as the decision sees it: with its engine's state at this moment."""

from datetime import UTC, datetime
from math import prod

from backends.pipeline.plan import Candidate
from backends.routing.calibration.calibration_store import Calibration
from backends.routing.decide import NO_BUDGET, BudgetRoom, EngineView
from backends.routing.quality.ability import CLOUD_REFERENCE, LOCAL_REFERENCE, weaknesses
from backends.types import LOCAL, ZERO, Classes
from backends.upstream.engine_slot import EngineSlot


def engine_view(
    slot: EngineSlot,
    candidate: Candidate,
    classes: Classes,
    *,
    calibration: Calibration,
    closed: str | None,
    watched: bool,
) -> EngineView:
    """`closed` says why the engine may not be used for this request, whatever its state; None where it may. `watched`
    is whether somebody sits before its answer.
    """
    call, breaker = candidate.call, slot.breaker
    profile, can = candidate.profile, candidate.profile.can
    local = slot.zone == LOCAL
    why_not = candidate.unpriced or closed or slot.why_not(watched=watched)
    score = profile.score or (LOCAL_REFERENCE if local else CLOUD_REFERENCE)
    weak = weaknesses(classes, profile.languages) if local else ()
    p = calibration.quality(slot.name, classes, score)
    wait_s, (warm_s, kept_s) = slot.wait_s(watched=watched), slot.prefixes.kept_s(candidate.prefix)
    return EngineView(
        name=slot.name,
        zone=slot.zone,
        model=call.model,
        quality=p * prod(weight for _, weight in weak) if weak else p,
        ability=score,
        weaknesses=weak,
        input_tokens=call.input_tokens,
        usable=why_not is None,
        why_not=why_not,
        opens_in_s=breaker.retry_after_s() or wait_s,
        draining=slot.draining,
        closed="" if breaker.usable() else breaker.kind,
        local_proved=call.model in slot.proved,
        unproved=slot.unproved,
        waiting=slot.limiter.before(watched=watched),
        wait_s=wait_s,
        first_token_s=slot.first_token_s(candidate.unread),
        tokens_per_s=slot.tokens_per_s(),
        context=can.context,
        fitted=candidate.fitting.note if candidate.fitting else "",
        cleared=bool(candidate.fitting.cleared),
        least_output=can.min_output,
        vision=can.vision,
        media=can.media,
        images=can.images,
        forces_tools=can.forces_tools,
        languages=profile.languages,
        warm=candidate.prefix is not None,
        warm_s=warm_s,
        kept_s=kept_s,
        reread_usd=candidate.reread_usd,
        worst_usd=candidate.worst_usd,
        expected_usd=candidate.expected_usd,
        expected_output=candidate.expected_output,
        room=_room(candidate),
    )


def _room(candidate: Candidate) -> BudgetRoom:
    """What the budgets leave for it. When the tightest begins anew is told where the call would then fit."""
    room = candidate.room
    if room.left_usd is None:
        return NO_BUDGET
    return BudgetRoom(
        left_usd=room.left_usd,
        unspent_usd=room.unspent_usd,
        on_exceeded=room.on_exceeded,
        scope=room.scope,
        resets=_moment(room.resets_at) if (room.limit_usd or ZERO) >= candidate.worst_usd else "",
        resets_s=room.resets_s,
    )


def _moment(moment: datetime | None) -> str:
    """A moment for a sentence; "" where there is none."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
