"""Admission and the engines' turn: reserve, take a place, stream, and fail over only before the first token was
heard.
"""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
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
from backends.pipeline.engine_call import cuts, ignored
from backends.pipeline.flight import Ending, Flight
from backends.routing.decide.choose import redacted_detail
from backends.types import CLOUD, LOCAL, Attempt, EngineName, InFlight, Reason, Role
from backends.upstream.costs import Costs
from backends.upstream.engine_slot import EngineSlot
from backends.upstream.replicas import Replica
from backends.upstream.retry_budget import RetryBudget
from backends.upstream.usage_meter import UsageMeter

RETRY_PAUSE_S = (0.2, 0.8)
SAMPLE_TEMPERATURE = 0.7  # of a second sample: at 0 it would only repeat the first
Stage = Literal["waiting", "called", "streaming"]

AGAIN = frozenset({"unavailable", "empty"})
"""Kinds after which the same engine is asked once more."""

ELSEWHERE = frozenset({"model", "busy", "timeout", "cut", "protocol"})
"""Kinds after which another replica of the same engine is."""

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
        """Try the decided engine, then what may take over, then check what a local one said.

        A ClawError on the way is an Ending too.
        """
        watch = self._cascade.watch(flight) if self._cascade is not None else Watch()
        flight.closely, flight.lightly = watch.depth == "all", watch.lightly
        ending = await self._tried(flight, held=watch.holds)
        whole = ending.zone == LOCAL and ending.finish in ("stop", "length") and watch.depth != "none"
        if self._cascade is None or not whole:
            return ending
        return await self._cascade.settle(flight, watch, ending, self._attempt)

    async def _tried(self, flight: Flight, *, held: bool) -> Ending:
        """`held` keeps back what an engine at home says."""
        name = flight.plan.decision.engine
        tried: list[EngineName] = []
        said: dict[EngineName, ClawError] = {}
        while True:
            slot = self._slots[name]
            tried.append(name)
            try:
                return await self._attempt(flight, name, further=len(tried) > 1, held=held and slot.zone == LOCAL)
            except ClawError as error:
                said[name] = error
                following = None if flight.spoke else self._next(flight, slot, error, tried)
                if following is None:
                    model = flight.plan.candidates[name].call.model
                    return Ending(finish="error", engine=name, zone=slot.zone, model=model, error=_all(said))
                if following != name:
                    self._reroute(flight, following, error)
                elif not self._fresh_replica(flight, slot):
                    await asyncio.sleep(random.uniform(*RETRY_PAUSE_S))  # noqa: S311 — jitter, not a secret
                name = following

    def _next(
        self, flight: Flight, slot: EngineSlot, error: ClawError, tried: Sequence[EngineName]
    ) -> EngineName | None:
        """The engine to try after `error`, or None where the caller must hear of it.

        What takes over, another replica or another engine, is asked once a request, so that an outage multiplies no
        calls, and each engine's breaker soon spares it the first. Only asking the same server again takes from the
        retry budget.
        """
        if error.kind in ("budget", "capacity", "ledger"):
            return None
        tries = tried.count(slot.name)
        if not slot.stopped and slot.usable and error.kind in AGAIN | ELSEWHERE:
            if tries < len(slot.replicas) and self._fresh_replica(flight, slot):
                return slot.name
            if tries == 1 and error.kind in AGAIN and self._retries.again():
                return slot.name
        others = (self._slots[other] for other in flight.plan.decision.failover if other not in tried)
        other = next((each.name for each in others if not each.stopped and not each.why_not()), None)
        if other is not None and error.kind in NOT_ITS_LOAD:
            log.warning("%s went on to %s: %s", flight.request.id, other, error)
        return other

    @staticmethod
    def _fresh_replica(flight: Flight, slot: EngineSlot) -> bool:
        """Is there one that may be called and has not failed this request?"""
        failed = _failed_replicas(flight, slot)
        return any(replica.usable and replica.index not in failed for replica in slot.replicas)

    def _reroute(self, flight: Flight, engine: EngineName, error: ClawError) -> None:
        old = flight.plan.explanation
        reasons = [Reason(rule="failover", detail=f"{old.engine}: {error.kind}")]
        if self._slots[engine].zone == CLOUD and flight.plan.redaction is not None:
            reasons.append(Reason(rule="privacy", detail=redacted_detail(flight.plan.verdict)))
        explanation = replace(
            old,
            engine=engine,
            zone=self._slots[engine].zone,
            model=flight.plan.candidates[engine].call.model,
            reasons=(*reasons, *old.reasons),
            ignored=ignored(flight.request, flight.plan.candidates[engine].call, self._slots[engine]),
        )
        flight.update_explanation(explanation)
        self._activity.decided(flight.request, explanation)

    def _answered_by(self, flight: Flight, meter: UsageMeter) -> None:
        """Tell who listens, before the first word, that another model answers than the one asked for."""
        old = flight.plan.explanation
        if meter.model in (meter.call.model, old.model) or flight.spoke or meter.role != "answer":
            return
        reason = Reason(rule="model", detail=f"{meter.call.model} is answered by {meter.model}")
        explanation = replace(old, model=meter.model, reasons=(reason, *old.reasons))
        flight.update_explanation(explanation)
        self._activity.decided(flight.request, explanation)

    async def _attempt(
        self, flight: Flight, name: EngineName, *, further: bool, held: bool, role: Role = "answer"
    ) -> Ending:
        slot, candidate = self._slots[name], flight.plan.candidates[name]
        call, reserved = candidate.call, candidate.worst_usd
        if flight.closely and slot.zone == LOCAL:
            call = replace(call, logprobs=True)
        if role == "verification":
            call = replace(call, temperature=SAMPLE_TEMPERATURE, seed=None)
        if further and reserved:
            await self._ledger.reserve(
                flight.request.id, engine=name, zone=slot.zone, model=call.model, amount=reserved
            )
        self._progress(flight, slot, call.model, "waiting")
        prefer = candidate.prefix.replica if candidate.prefix is not None else None
        failed = _failed_replicas(flight, slot)
        home = call.model if slot.zone == LOCAL and flight.plan.verdict.sensitive else None
        async with slot.place(flight.request.agent, prefer=prefer, avoid=failed, proved=home) as replica:
            _refuse_closed(slot)
            self._progress(flight, slot, call.model, "called")
            meter = UsageMeter(
                name, slot.zone, call, reserved_usd=reserved, costs=self._costs, clock=self._clock, role=role
            )
            if not further:
                self._retries.first()
            return await self._stream(flight, slot, replica, meter, held=held)

    async def _stream(
        self, flight: Flight, slot: EngineSlot, replica: Replica, meter: UsageMeter, *, held: bool
    ) -> Ending:
        flight.hold(held)
        replica.breaker.called()
        slot.quota.sent(meter.call.model, meter.call.input_tokens)
        counted, why = False, "internal"
        redaction = flight.plan.redaction if slot.zone == CLOUD else None
        answer = Answer(flight, meter, redaction, clock=self._clock)
        try:
            async with aclosing(replica.client.stream(meter.call)) as chunks:
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
            self._failed(flight, slot, replica, meter, error)
            raise
        except asyncio.CancelledError:
            why = flight.cut or "deadline"
            raise
        finally:
            if not counted:  # it was cut, or broke by a fault of our own: either way it may be billed
                replica.breaker.abandoned()
                flight.tally.add(meter.abandoned(why))
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
        attempt = self._answered(flight, slot, replica, meter)
        if not end.context_cut:
            _learn(flight, slot, replica, meter.call, attempt)
        return self._judged(ending, flight, end, attempt)

    def _failed(
        self, flight: Flight, slot: EngineSlot, replica: Replica, meter: UsageMeter, error: EngineError
    ) -> None:
        flight.failed_replicas.add((slot.name, replica.index))
        replica.breaker.failed(error, cause=flight.fingerprint)
        slot.quota.refused(meter.call.model, error.quota)
        if error.kind == "busy":
            slot.limiter.busy()
        flight.tally.add(meter.failed(error))
        if slot.replicas.down or error.kind in ("key", "model", "daily-quota"):
            self._activity.alert(f"engine:{slot.name}", f"{slot.name}: {error}")

    def _answered(self, flight: Flight, slot: EngineSlot, replica: Replica, meter: UsageMeter) -> Attempt:
        """Learn from a call that ended as it should."""
        replica.breaker.answered()
        slot.limiter.answered()
        self._activity.clear(f"engine:{slot.name}")
        attempt, charged = meter.completed()
        slot.quota.counted(meter.call.model, estimated=meter.call.input_tokens, reported=attempt.tokens.input)
        flight.tally.add((attempt, charged))
        slot.throughput.record(
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
            remedy = f"raise engines.{attempt.engine}.context"
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


def _learn(flight: Flight, slot: EngineSlot, replica: Replica, call: Call, attempt: Attempt) -> None:
    """What the engine has read, and counted, held against the estimate; where files are among it, they would tell of
    themselves.
    """
    plan, tokens = flight.plan, attempt.tokens
    slot.remember_prompt(call, plan.prefixes, replica, tokens=tokens.input, cached=tokens.cached_input)
    if attempt.estimated or attempt.flag or plan.classes.media:
        return
    estimated = plan.candidates[slot.name].estimated_tokens
    slot.ratios.learn(flight.request.agent, call.model, estimated=estimated, reported=tokens.input)


def _failed_replicas(flight: Flight, slot: EngineSlot) -> frozenset[int]:
    return frozenset(index for engine, index in flight.failed_replicas if engine == slot.name)


def _refuse_closed(slot: EngineSlot) -> None:
    """While a call waited for its place the operator may have stopped the cloud, or the engine gone down."""
    if slot.stopped:
        raise EngineError(f"{slot.name} is stopped: `claw act resume-cloud` starts it again", kind="unavailable")
    if not slot.usable:
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
