"""Admission and the engines' turn: reserve, take a place, stream, and fail over only before the first token was
heard.
"""

import asyncio
import logging
import random
from collections.abc import Mapping
from contextlib import aclosing
from typing import Literal

from msgspec.structs import replace

from backends.clock import Clock
from backends.engines.base import AnsweredBy, Call, Finished, Text
from backends.errors import ClawError, EngineError
from backends.ledger.store import Ledger
from backends.monitoring.activity import ActivityFeed
from backends.pipeline.answer import Answer
from backends.pipeline.cascade import Cascade, Watch
from backends.pipeline.egress import outgoing, uncorrected
from backends.pipeline.engine_call import build_call, cuts, ignored
from backends.pipeline.flight import Ending, Flight
from backends.routing.decide.choose import redacted_detail
from backends.types import Attempt, EngineName, InFlight, Reason, Role
from backends.upstream.costs import Costs
from backends.upstream.engine_slot import EngineSlot
from backends.upstream.retry_budget import RetryBudget
from backends.upstream.usage_meter import Meter

RETRY_PAUSE_S = (0.2, 0.8)
SAMPLE_TEMPERATURE = 0.7  # of a second sample: at 0 it would only repeat the first
Stage = Literal["waiting", "called", "streaming"]

NOT_ITS_LOAD = frozenset({"rejected", "context"})
"""Kinds that refuse this one request at once: another engine that takes it is no retry of the same work."""

log = logging.getLogger(__name__)


class Answering:
    def __init__(
        self,
        slots: Mapping[EngineName, EngineSlot],
        *,
        ledger: Ledger,
        costs: Costs,
        activity: ActivityFeed,
        clock: Clock,
        cascade: Cascade | None = None,
    ) -> None:
        self._slots = slots
        self._ledger = ledger
        self._costs = costs
        self._activity = activity
        self._clock = clock
        self._cascade = cascade
        self._retries = RetryBudget(clock)

    async def answer(self, flight: Flight) -> Ending:
        """Try the decided engine, then what may take over, then check what local said. A ClawError on the way is an
        Ending too.
        """
        watch = self._cascade.watch(flight) if self._cascade is not None else Watch()
        flight.closely, flight.lightly = watch.depth == "all", watch.lightly
        ending = await self._tried(flight, held=watch.holds)
        whole = ending.engine == "local" and ending.finish in ("stop", "length") and watch.depth != "none"
        if self._cascade is None or not whole:
            return ending
        return await self._cascade.settle(flight, watch, ending, self._attempt, self.ignored)

    async def _tried(self, flight: Flight, *, held: bool) -> Ending:
        """`held` keeps back what local says."""
        name = flight.plan.decision.engine
        tried: list[EngineName] = []
        said: dict[EngineName, ClawError] = {}
        while True:
            again = name in tried
            tried.append(name)
            try:
                return await self._attempt(flight, name, further=len(tried) > 1, held=held and name == "local")
            except ClawError as error:
                said[name] = error
                following = None if flight.spoke else self._next(flight, name, error, again=again, tried=tried)
                if following is None:
                    slot, model = self._slots[name], self._call(flight, name).model
                    return Ending(finish="error", engine=name, zone=slot.zone, model=model, error=_all(said))
                if following == name:
                    await asyncio.sleep(random.uniform(*RETRY_PAUSE_S))  # noqa: S311 — jitter, not a secret
                else:
                    self._reroute(flight, following, error)
                name = following

    def _next(
        self, flight: Flight, name: EngineName, error: ClawError, *, again: bool, tried: list[EngineName]
    ) -> EngineName | None:
        """The engine to try after `error`, or None where the caller must hear of it."""
        if error.kind in ("budget", "capacity", "ledger"):
            return None
        slot = self._slots[name]
        worth_it = error.kind in ("unavailable", "empty") and not again and not slot.stopped and slot.breaker.usable()
        if worth_it and self._retries.again():
            return name
        others = (other for other in flight.plan.decision.failover if other not in tried)
        other = next(
            (each for each in others if not self._slots[each].stopped and not self._slots[each].why_not()), None
        )
        if other is None:
            return None
        if error.kind in NOT_ITS_LOAD:
            log.warning("%s went on to %s: %s", flight.request.id, other, error)
            return other
        return other if self._retries.again() else None

    def _reroute(self, flight: Flight, engine: EngineName, error: ClawError) -> None:
        old = flight.plan.explanation
        reasons = [Reason(rule="failover", detail=f"{old.engine}: {error.kind}")]
        if engine == "cloud" and flight.plan.redaction is not None:
            reasons.append(Reason(rule="privacy", detail=redacted_detail(flight.plan.verdict)))
        explanation = replace(
            old,
            engine=engine,
            zone=self._slots[engine].zone,
            model=self._slots[engine].model,
            reasons=(*reasons, *old.reasons),
            ignored=self.ignored(flight, engine),
        )
        flight.update_explanation(explanation)
        self._activity.decided(flight.request, explanation)

    def ignored(self, flight: Flight, name: EngineName) -> tuple[str, ...]:
        """The names of the request's fields that have no effect on this engine's call."""
        return ignored(flight.request, self._call(flight, name), self._slots[name])

    def _answered_by(self, flight: Flight, meter: Meter) -> None:
        """Tell who listens, before the first word, that another model answers than the one asked for."""
        old = flight.plan.explanation
        if meter.model in (meter.call.model, old.model) or flight.spoke or meter.role != "answer":
            return
        reason = Reason(rule="model", detail=f"{meter.call.model} is answered by {meter.model}")
        explanation = replace(old, model=meter.model, reasons=(reason, *old.reasons))
        flight.update_explanation(explanation)
        self._activity.decided(flight.request, explanation)

    def _call(self, flight: Flight, name: EngineName) -> Call:
        plan = flight.plan
        slot = self._slots[name]
        request, classes = outgoing(slot, flight.request, plan.classes, plan.redaction)
        call = build_call(request, classes, slot, plan.limit)
        return replace(call, logprobs=True) if flight.closely and name == "local" else call

    async def _attempt(
        self, flight: Flight, name: EngineName, *, further: bool, held: bool, role: Role = "answer"
    ) -> Ending:
        slot = self._slots[name]
        call = self._call(flight, name)
        if role == "verification":
            call = replace(call, temperature=SAMPLE_TEMPERATURE, seed=None)
        reserved = self._costs.worst(slot.zone, call)
        if further and reserved:
            await self._ledger.reserve(
                flight.request.id, engine=name, zone=slot.zone, model=call.model, amount=reserved
            )
        self._progress(flight, slot, call.model, "waiting")
        async with slot.limiter.slot(flight.request.agent, retry_after_s=slot.wait_s()):
            _refuse_closed(slot)
            self._progress(flight, slot, call.model, "called")
            meter = Meter(name, slot.zone, call, reserved_usd=reserved, costs=self._costs, clock=self._clock, role=role)
            if not further:
                self._retries.first()
            return await self._stream(flight, slot, meter, held=held)

    async def _stream(self, flight: Flight, slot: EngineSlot, meter: Meter, *, held: bool) -> Ending:
        flight.hold(held)
        slot.breaker.called()
        slot.quota.sent(meter.call.model, meter.call.input_tokens)
        counted, why = False, "internal"
        redaction = flight.plan.redaction if slot.name == "cloud" else None
        answer = Answer(flight, meter, redaction, clock=self._clock)
        try:
            async with aclosing(slot.engine.stream(meter.call)) as chunks:
                async for chunk in chunks:
                    if answer.silent and isinstance(chunk, Text) and chunk.text:
                        self._progress(flight, slot, meter.model, "streaming")
                    answer.take(chunk)
                    if answer.full:
                        break
                    if isinstance(chunk, AnsweredBy):
                        self._answered_by(flight, meter)
            end = answer.whole()
            counted = True
        except EngineError as error:
            counted = True
            self._failed(flight, slot, meter, error)
            raise
        except asyncio.CancelledError:
            why = flight.cut or "deadline"
            raise
        finally:
            if not counted:  # it was cut, or broke by a fault of our own: either way it may be billed
                slot.breaker.left()
                flight.tally.add(meter.left(why))
        redacted = () if redaction is None else (f"redacted {len(redaction.values)}",)
        ending = Ending(
            finish=end.finish,
            engine=slot.name,
            zone=slot.zone,
            model=meter.model,
            text=meter.text,
            calls=answer.calls,
            confidence=end.confidence,
            notes=(*cuts(flight.request, meter.call), *end.notes, *redacted),
        )
        attempt = self._answered(flight, slot, meter)
        if not end.context_cut:
            _learn(flight, slot, meter.call, attempt)
        return self._judged(ending, flight, end, attempt)

    def _failed(self, flight: Flight, slot: EngineSlot, meter: Meter, error: EngineError) -> None:
        slot.breaker.failed(error, cause=flight.fingerprint)
        slot.quota.refused(meter.call.model, error.quota)
        if error.kind == "busy":
            slot.limiter.busy()
        flight.tally.add(meter.failed(error))
        if slot.breaker.health == "down" or error.kind in ("key", "model", "daily-quota"):
            self._activity.alert(f"engine:{slot.name}", f"{slot.name}: {error}")

    def _answered(self, flight: Flight, slot: EngineSlot, meter: Meter) -> Attempt:
        """Learn from a call that ended as it should."""
        slot.breaker.answered()
        slot.limiter.answered()
        self._activity.clear(f"engine:{slot.name}")
        attempt, charged = meter.done()
        slot.quota.counted(meter.call.model, estimated=meter.call.input_tokens, reported=attempt.tokens.input)
        flight.tally.add((attempt, charged))
        slot.rates.measured(
            intent=flight.plan.classes.intent,
            output=attempt.tokens.output,
            first_token_s=None if meter.first_at is None else meter.first_at - meter.started,
            total_s=self._clock.monotonic() - meter.started,
            fresh_input=attempt.tokens.input - attempt.tokens.cached_input,
        )
        return attempt

    def _judged(self, ending: Ending, flight: Flight, end: Finished, attempt: Attempt) -> Ending:
        """Ends that look whole and are not: a prompt that was cut, a cap spent on thinking, a block."""
        if end.context_cut:
            seen, sent = attempt.tokens.input, flight.plan.classes.input_tokens
            line = f"{attempt.model} read only {seen} of about {sent} prompt tokens"
            remedy = "raise engines.local.context"
            self._activity.alert("context", f"{flight.request.agent}: {line}", remedy=remedy)
            error = EngineError(f"{line}: {remedy}", kind="context")
            return replace(ending, finish="error", notes=(*ending.notes, "context cut"), error=error)
        if end.finish == "blocked":
            return replace(ending, notes=(*ending.notes, f"blocked: {end.reason}"))
        if end.finish == "length" and not (ending.text or ending.calls or end.notes):
            return replace(ending, notes=(*ending.notes, "thought the whole cap"))
        return ending

    def _progress(self, flight: Flight, slot: EngineSlot, model: str, stage: Stage) -> None:
        self._activity.progressed(
            InFlight(
                id=flight.request.id,
                agent=flight.request.agent,
                engine=slot.name,
                zone=slot.zone,
                model=model,
                stage=stage,
                started_at=flight.started_at,
            )
        )


def _learn(flight: Flight, slot: EngineSlot, call: Call, attempt: Attempt) -> None:
    """What the engine counted, held against the estimate; where files are among it, they would tell of themselves."""
    plan = flight.plan
    if attempt.estimated or attempt.flag or plan.classes.media:
        return
    request, classes = uncorrected(slot, flight.request, plan.classes, plan.redaction)
    slot.ratios.learn(request.agent, call.model, estimated=classes.input_tokens, reported=attempt.tokens.input)


def _refuse_closed(slot: EngineSlot) -> None:
    """While a call waited for its place the operator may have stopped the cloud, or the engine gone down."""
    if slot.stopped:
        raise EngineError(f"{slot.name} is stopped: `claw act resume-cloud` starts it again", kind="unavailable")
    if not slot.breaker.usable():
        raise EngineError(
            slot.breaker.why or f"the {slot.name} engine is down",
            kind="unavailable",
            retry_after_s=slot.breaker.retry_after_s(),
        )


def _all(said: dict[EngineName, ClawError]) -> ClawError:
    """What a caller hears when every engine that was tried failed: each one's line, the last one's kind."""
    *_, last = said.values()
    if len(said) == 1:
        return _final(last)
    line = "; ".join(f"{name}: {error}" for name, error in said.items())
    kind = last.kind if isinstance(last, EngineError) else "unavailable"
    status = last.status if isinstance(last, EngineError) else None
    return _final(EngineError(line, kind=kind, retry_after_s=last.retry_after_s, status=status))


def _final(error: ClawError) -> ClawError:
    """A prompt that an engine fell over, and that had its second try here, is not to come back a third time."""
    if isinstance(error, EngineError) and error.status == 500:
        error.should_retry = False
    return error
