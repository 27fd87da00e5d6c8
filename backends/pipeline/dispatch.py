"""Dispatch: the engines in turn, each with a place in its queue; another takes over only before the first token."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from decimal import Decimal
from functools import partial
from typing import Literal

from msgspec.structs import replace

from backends.clock import Clock
from backends.engines.base import AnsweredBy, Call, Finished, Text
from backends.engines.quoted_prompt import leave_out_prompt
from backends.errors import ClawError, EngineError, QueueFull
from backends.ledger.store import Ledger
from backends.monitoring.alerts import CONTEXT_CUT
from backends.monitoring.monitoring import Monitoring
from backends.off_loop import off_loop
from backends.pipeline.active_request import ActiveRequest, Ending
from backends.pipeline.answer import Answer
from backends.pipeline.deadline import Deadline
from backends.pipeline.engine_call import cuts, followed_by, ignored
from backends.routing.decide.choose import redacted_detail
from backends.types import CLOUD, LOCAL, Attempt, EngineName, InFlight, Message, Reason, Role
from backends.upstream.concurrency_limiter import stays_here
from backends.upstream.costs import Costs
from backends.upstream.engine_slot import EngineSlot
from backends.upstream.prefix_cache import session_key
from backends.upstream.replicas import Replica, UnreadPrompt
from backends.upstream.retry_budget import RetryBudget
from backends.upstream.usage_meter import UsageMeter

RETRY_PAUSE_S = (0.2, 0.8)
SAMPLE_TEMPERATURE = 0.7
"""Of a second sample: at 0 it would only repeat the first."""

BEYOND_WINDOW = 1.05
"""How many times its window a local engine is taken to have counted where it says that a prompt is longer."""

Stage = Literal["waiting", "called", "streaming"]

SAME_ENGINE = frozenset({"unavailable", "empty"})
"""Kinds of error after which the same engine is asked once more."""

OTHER_REPLICA = frozenset({"model", "busy", "timeout", "cut", "protocol"})
"""Kinds of error after which another replica of the same engine is asked."""

REFUSES_REQUEST = frozenset({"rejected", "context"})
"""Kinds of error that concern this one request: an engine that takes it over is logged, for the operator to see why."""

log = logging.getLogger(__name__)


class Dispatcher:
    def __init__(
        self,
        slots: Mapping[EngineName, EngineSlot],
        *,
        ledger: Ledger,
        costs: Costs,
        monitoring: Monitoring,
        clock: Clock,
    ) -> None:
        self._slots = slots
        self._ledger = ledger
        self._costs = costs
        self._activity = monitoring.activity
        self._alerts = monitoring.alerts
        self._clock = clock
        self._retries = RetryBudget(clock)

    async def dispatch(self, active: ActiveRequest) -> Ending:
        """Ask the decided engine, then what may take over. Where all fail, the Ending holds their error.

        A local engine's answer is withheld where the request's check plan asks for it.
        """
        name = active.plan.decision.engine
        tried: list[EngineName] = []
        errors: dict[EngineName, ClawError] = {}
        drained: EngineName | None = None
        while True:
            slot = self._slots[name]
            tried.append(name)
            withhold = active.checks.withhold and slot.zone == LOCAL
            try:
                may_go = partial(self._may_go, active, slot, tuple(tried)) if drained is None else stays_here
                return await self.attempt(active, name, further=len(tried) > 1, withhold=withhold, may_go=may_go)
            except ClawError as error:
                errors[name] = error
                following = None if active.spoke else self._next(active, slot, error, tried)
                if error.kind == "drained":
                    drained = name
                elif following is None and not active.spoke and drained is not None:
                    following, drained = drained, ""  # nobody took over: it waits where it was, and moves no more
                if following is None:
                    model = active.plan.candidates[name].call.model
                    return Ending(finish="error", engine=name, zone=slot.zone, model=model, error=_joined(errors))
                if following != name:
                    self._reroute(active, following, error)
                elif not _has_fresh_replica(active, slot):
                    await asyncio.sleep(random.uniform(*RETRY_PAUSE_S))  # noqa: S311 — jitter, not a secret
                name = following

    async def attempt(
        self,
        active: ActiveRequest,
        name: EngineName,
        *,
        further: bool,
        withhold: bool,
        role: Role = "answer",
        told: tuple[Message, ...] = (),
        may_go: Callable[[], bool] = stays_here,
    ) -> Ending:
        """One upstream call, once the engine has a place for it. A `further` one makes a reservation of its own.

        `told` are messages behind the request's own, for an engine that does not bill. `may_go` says whether another
        engine would take it while it waits for this one.
        Raises ClawError where the engine does not answer.
        """
        slot, candidate = self._slots[name], active.plan.candidates[name]
        call, reserved_usd = candidate.call, candidate.worst_usd
        if active.checks.depth == "all" and slot.zone == LOCAL:
            call = replace(call, logprobs=True)
        if role == "verification":
            call = replace(call, temperature=SAMPLE_TEMPERATURE, seed=None)
        if told:
            call = followed_by(call, told, window=candidate.profile.can.context)
        if further:
            await self._reserve(active, slot, call.model, reserved_usd)
        self._progress(active, slot, call.model, "waiting")
        moved = None
        if active.request.watched:  # of others each step in the queue is not news
            moved = partial(self._progress, active, slot, call.model, "waiting")
        prefer = candidate.prefix.replica if candidate.prefix is not None else None
        failed = _failed_replicas(active, slot)
        proved = call.model if slot.zone == LOCAL and active.plan.verdict.sensitive else None
        until = self._clock.monotonic() + Deadline.of(active.request, active.started).left_s(self._clock.monotonic())
        async with slot.place(
            active.request.agent,
            prefer=prefer,
            avoid=failed,
            proved=proved,
            until=until,
            moved=moved,
            may_go=may_go,
        ) as replica:
            await replica.client.prepare()  # nothing slow is left between this check and the wire
            _refuse_closed(slot)
            self._progress(active, slot, call.model, "called")
            meter = UsageMeter(
                name, slot.zone, call, reserved_usd=reserved_usd, costs=self._costs, clock=self._clock, role=role
            )
            if not further:
                self._retries.record_first()
            self._ledger.sent(active.request.id, engine=name, model=call.model)
            active.withhold(withhold)
            return await self._stream(active, slot, replica, meter)

    async def _reserve(self, active: ActiveRequest, slot: EngineSlot, model: str, amount: Decimal) -> None:
        """Reserve for a further call. One that costs nothing needs no money, but what is settled after a crash knows of
        it by its reservation alone; where the ledger takes none, it goes on.
        """
        if not amount and not active.reserved:
            return
        try:
            await self._ledger.reserve(active.request.id, engine=slot.name, zone=slot.zone, model=model, amount=amount)
        except ClawError:
            if amount:
                raise

    # ---- after a failure ----------------------------------------------------------------------------------------

    def _may_go(self, active: ActiveRequest, slot: EngineSlot, tried: Sequence[EngineName]) -> bool:
        """Would another engine take over, were this one drained now?"""
        return not active.spoke and self._next(active, slot, EngineError("", kind="drained"), tried) is not None

    def _next(
        self, active: ActiveRequest, slot: EngineSlot, error: ClawError, tried: Sequence[EngineName]
    ) -> EngineName | None:
        """The engine to ask after `error`, None where the caller gets it.

        What takes over, another replica or another engine, is asked once a request, so an outage does not multiply
        calls, and each engine's breaker soon opens. Only asking the same server again takes from the retry budget.
        Where other calls took the money for one meanwhile, a cheaper or a local one may still answer.
        """
        if error.kind == "ledger":
            return None
        tries = tried.count(slot.name)
        if not slot.barred and slot.usable and error.kind in SAME_ENGINE | OTHER_REPLICA:
            if tries < len(slot.replicas) and _has_fresh_replica(active, slot):
                return slot.name
            if tries == 1 and error.kind in SAME_ENGINE and self._retries.take():
                return slot.name
        watched = active.request.watched
        others = (self._slots[other] for other in active.plan.decision.failover if other not in tried)
        other = next((each.name for each in others if not each.barred and not each.why_not(watched=watched)), None)
        if other is not None and error.kind in REFUSES_REQUEST:
            log.warning("%s went on to %s: %s", active.request.id, other, error)
        return other

    def _reroute(self, active: ActiveRequest, engine: EngineName, error: ClawError) -> None:
        old = active.plan.explanation
        reasons = [Reason(rule="failover", detail=f"{old.engine}: {error.kind}")]
        if self._slots[engine].zone == CLOUD and active.plan.redaction is not None:
            reasons.append(Reason(rule="privacy", detail=redacted_detail(active.plan.verdict)))
        explanation = replace(
            old,
            engine=engine,
            zone=self._slots[engine].zone,
            model=active.plan.candidates[engine].call.model,
            reasons=(*reasons, *old.reasons),
            ignored=ignored(active.request, active.plan.candidates[engine].call, self._slots[engine]),
        )
        active.update_explanation(explanation)
        self._activity.decided(active.request, explanation)

    def _answered_by(self, active: ActiveRequest, meter: UsageMeter) -> None:
        """Tell subscribers, before the first word, that another model answers than the one that was asked for."""
        old = active.plan.explanation
        if meter.model in (meter.call.model, old.model) or active.spoke or meter.role != "answer":
            return
        reason = Reason(rule="model", detail=f"{meter.call.model} is answered by {meter.model}")
        explanation = replace(old, model=meter.model, reasons=(reason, *old.reasons))
        active.update_explanation(explanation)
        self._activity.decided(active.request, explanation)

    # ---- one call -----------------------------------------------------------------------------------------------

    async def _stream(self, active: ActiveRequest, slot: EngineSlot, replica: Replica, meter: UsageMeter) -> Ending:
        replica.breaker.called()
        slot.quota.sent(meter.call.model, meter.call.input_tokens)
        counted, why = False, "internal"
        unread_tokens, first_bytes, now = (
            active.plan.candidates[slot.name].unread,
            slot.first_bytes,
            self._clock.monotonic,
        )
        unheard = first_bytes.sent(active.request.agent, now(), slot.first_token_s(unread_tokens))
        unread = UnreadPrompt(replica, unread_tokens)
        redaction = active.plan.redaction if slot.zone == CLOUD else None
        answer, writing = Answer(active, meter, redaction, clock=self._clock), None
        try:
            async with aclosing(replica.client.stream(meter.call)) as chunks:
                async for chunk in chunks:
                    unread.read()
                    first_bytes.heard(unheard, now())
                    if isinstance(chunk, Text):
                        writing = slot.writing.wrote(writing, chunk.text, now())
                    if not answer.started and isinstance(chunk, Text) and chunk.text:
                        self._progress(active, slot, meter.model, "streaming")
                    answer.add(chunk)
                    if answer.full:
                        break
                    if isinstance(chunk, AnsweredBy):
                        self._answered_by(active, meter)
            end = answer.finish()
            counted = True
        except EngineError as error:
            await off_loop(meter.call.size, partial(leave_out_prompt, error, meter.call))
            counted = True
            self._failed(active, slot, replica, meter, error)
            raise
        except asyncio.CancelledError:
            why = active.cut or "deadline"
            raise
        finally:
            unread.read()
            if not counted:  # it was stopped, or failed by a fault of our own: either way it may be billed
                replica.breaker.abandoned()
                if active.deserted:
                    slot.left(unheard)
                active.usage.add(meter.abandoned(why))
            first_bytes.gone(unheard)
            slot.writing.ended(writing, now())
        candidate = active.plan.candidates[slot.name]
        ending = Ending(
            finish=end.finish,
            engine=slot.name,
            zone=slot.zone,
            model=meter.model,
            text=meter.text,
            calls=answer.calls,
            confidence=end.confidence,
            notes=(*cuts(active.request, meter.call), *candidate.notes, *end.notes, *answer.redaction_notes),
        )
        attempt = self._answered(active, slot, replica, meter, end)
        return self._with_notes(ending, active, end, attempt)

    def _failed(
        self, active: ActiveRequest, slot: EngineSlot, replica: Replica, meter: UsageMeter, error: EngineError
    ) -> None:
        active.failed_replicas.add((slot.name, replica.index))
        slow = error.kind == "timeout" and not meter.first_at and slot.zone == LOCAL
        excused = slow and slot.throughput.explains(meter.call.first_byte_s, replica.unread_tokens)
        took_s = self._clock.monotonic() - meter.started
        replica.breaker.failed(error, cause=active.prompt_hash, excused=excused, took_s=took_s)
        slot.quota.refused(meter.call.model, error.quota)
        slot.failed(error, took_s)
        if error.kind == "context" and error.status == 400:
            _learn_excess(active, slot, meter.call)
        active.usage.add(meter.failed(error))
        if error.kind == "model":
            slot.refused_model(meter.call.model, str(error))

    def _answered(
        self, active: ActiveRequest, slot: EngineSlot, replica: Replica, meter: UsageMeter, end: Finished
    ) -> Attempt:
        """Learn from a call that ended as it should."""
        replica.breaker.answered()
        slot.limiter.answered()
        slot.answered(meter.call.model)
        attempt, charged = meter.completed()
        slot.quota.counted(meter.call.model, estimated=meter.call.input_tokens, reported=attempt.tokens.input)
        active.usage.add((attempt, charged), cached_known=meter.cached_known)
        warm = active.plan.candidates[slot.name].prefix is not None
        fresh = slot.throughput.prefill.learn(attempt.tokens, end.prefill_s, warm=warm)
        slot.throughput.record(
            intent=active.plan.classes.intent,
            output=attempt.tokens.output,
            first_token_s=None if meter.first_at is None else meter.first_at - meter.started,
            total_s=self._clock.monotonic() - meter.started,
            fresh_input=fresh,
            prefill_s=end.prefill_s,
            load_s=end.load_s,
        )
        if not end.context_cut:
            self._alerts.clear(CONTEXT_CUT, agent=active.request.agent)
            cached = None if end.read_explicit else attempt.tokens.input - fresh
            _learn(active, slot, replica, meter.call, attempt, cached=cached)
        return attempt

    def _with_notes(self, ending: Ending, active: ActiveRequest, end: Finished, attempt: Attempt) -> Ending:
        """Mark endings that look whole and are not: a prompt that was cut, a cap spent on thinking, a block."""
        if end.context_cut:
            read, sent = attempt.tokens.input, active.plan.classes.input_tokens
            line = f"{attempt.model} read only {read} of about {sent} prompt tokens"
            remedy = f"raise engines.{attempt.engine}.context"
            self._alerts.show(CONTEXT_CUT, agent=active.request.agent, problem=line, remedy=remedy)
            error = EngineError(f"{line}: {remedy}", kind="context")
            return replace(ending, finish="error", notes=(*ending.notes, "context cut"), error=error)
        if end.finish == "blocked":
            return replace(ending, notes=(*ending.notes, f"blocked: {end.reason}"))
        if end.finish == "length" and not (ending.text or ending.calls or end.notes):
            return replace(ending, notes=(*ending.notes, "thought the whole cap"))
        return ending

    def _progress(
        self, active: ActiveRequest, slot: EngineSlot, model: str, stage: Stage, position: int | None = None
    ) -> None:
        self._activity.progressed(
            InFlight(
                id=active.request.id,
                agent=active.request.agent,
                engine=slot.name,
                zone=slot.zone,
                model=model,
                stage=stage,
                started_at=active.started_at,
                position=position,
            )
        )


def _learn(
    active: ActiveRequest, slot: EngineSlot, replica: Replica, call: Call, attempt: Attempt, *, cached: int | None
) -> None:
    """Learn from what the engine has read and counted. With files the count says nothing of the text's estimate."""
    plan, tokens = active.plan, attempt.tokens
    known = not (attempt.estimated or attempt.flag or attempt.model_asked)
    slot.remember_prompt(
        call,
        plan.prefixes,
        replica,
        tokens=tokens.input,
        cached=cached,
        counted=known and (slot.zone == LOCAL or plan.redaction is None),
        session=session_key(active.request),
    )
    if attempt.estimated or attempt.flag or attempt.role == "repair" or plan.classes.media:
        return
    estimated = plan.candidates[slot.name].estimated_tokens
    slot.ratios.learn(active.request.agent, call.model, estimated=estimated, reported=tokens.input)


def _learn_excess(active: ActiveRequest, slot: EngineSlot, call: Call) -> None:
    """The engine counts more than its window where we counted less: the agent's next prompt is counted as it does."""
    candidate = active.plan.candidates[slot.name]
    beyond = round(BEYOND_WINDOW * candidate.profile.can.context)
    if slot.zone == LOCAL and beyond > call.input_tokens:
        slot.ratios.learn(active.request.agent, call.model, estimated=candidate.estimated_tokens, reported=beyond)


def _failed_replicas(active: ActiveRequest, slot: EngineSlot) -> frozenset[int]:
    return frozenset(index for engine, index in active.failed_replicas if engine == slot.name)


def _has_fresh_replica(active: ActiveRequest, slot: EngineSlot) -> bool:
    """Is there a replica that may be called and has not failed this request?"""
    failed = _failed_replicas(active, slot)
    return any(replica.usable and replica.index not in failed for replica in slot.replicas)


def _refuse_closed(slot: EngineSlot) -> None:
    """While a call waited for its place, the operator may have stopped the cloud, or the engine may have gone down."""
    if slot.stopped:
        raise EngineError(f"{slot.name} is stopped: `claw act resume-cloud` starts it again", kind="unavailable")
    if not slot.usable:
        raise EngineError(
            slot.breaker.why or f"the {slot.name} engine is down",
            kind="unavailable",
            retry_after_s=slot.breaker.retry_after_s(),
        )


def _joined(errors: dict[EngineName, ClawError]) -> ClawError:
    """The error of a request for which every engine that was tried failed: each one's line, the last one's kind."""
    *_, last = errors.values()
    if len(errors) == 1:
        return _final(last)
    line = "; ".join(f"{name}: {error}" for name, error in errors.items())
    if all(isinstance(error, QueueFull) for error in errors.values()):
        return QueueFull(line, retry_after_s=last.retry_after_s)
    short = "; ".join(f"{name}: {_short(error)}" for name, error in errors.items())
    kind = last.kind if isinstance(last, EngineError) else "unavailable"
    status = last.status if isinstance(last, EngineError) else None
    return _final(EngineError(line, kind=kind, retry_after_s=last.retry_after_s, status=status, short=short))


def _short(error: ClawError) -> str:
    return error.short if isinstance(error, EngineError) else error.kind


def _final(error: ClawError) -> ClawError:
    """A prompt that an engine failed on, and that had its second try here, should not come back a third time."""
    if isinstance(error, EngineError) and error.status == 500:
        error.should_retry = False
    return error
