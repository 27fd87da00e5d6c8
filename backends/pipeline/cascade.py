"""The cascade: a local answer is kept back until its checks have spoken, and a better engine answers where one fails.

Nothing of a kept-back answer is heard before its check, so that what a caller hears comes from one attempt. An answer
that failed and cannot go further (sensitive, an absolute policy, no budget, no cloud, no time) is given all the same,
marked "unverified" and never cached; only where a tool had to be called and none was, it is an error. Checking never
costs a caller the answer: the cloud's is kept back until it is whole, and where it fails or comes too late the local
one is given.

A second sample and an escalation are no retries: they follow an engine that answered, so the retry budget, which keeps
an outage from being answered with a storm, does not count them. Each is bounded by its own reservation, the deadline
and there being one of it a request.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from backends.clock import Clock
from backends.errors import ClawError, EngineError
from backends.monitoring.activity import ActivityFeed
from backends.pipeline.deadline import Deadline
from backends.pipeline.engine_call import USUAL_OUTPUT, ignored
from backends.pipeline.flight import Ending, Flight
from backends.routing.classify.classifier import instruction
from backends.settings.model import Settings
from backends.types import CLOUD, LOCAL, Chunk, EngineName, Reason, Role, Verify
from backends.upstream.engine_slot import EngineSlot
from backends.verification import CheckedAnswer, CheckResult, Depth, Score, overall, run_checks
from backends.verification.short_answers.short_answer import agrees, short_answer

HANDING_OVER_S = 0.3
"""What is left of the deadline for giving the answer, once everything else has ended."""

IN_A_THREAD_FROM = 4_000
"""Characters of an answer from which its checks are not run on the loop."""


class Watch(Struct, frozen=True, kw_only=True):
    """What is to be done with a flight's local answer, also where local takes over.

    `may_escalate`: another engine's may be given instead. `holds` keeps it back until it is checked, `lightly` only
    until it shows that its text is no tool call.
    """

    depth: Literal["none"] | Depth = "none"
    may_escalate: bool = False
    holds: bool = False
    lightly: bool = False
    why_not: str = ""


class Attempt(Protocol):
    """One more upstream call of a flight, as Answering makes it."""

    async def __call__(
        self, flight: Flight, name: EngineName, *, further: bool, held: bool, role: Role = "answer"
    ) -> Ending: ...


class Cascade:
    def __init__(
        self,
        settings: Settings,
        slots: Mapping[EngineName, EngineSlot],
        *,
        activity: ActivityFeed,
        clock: Clock,
        score: Score | None,
    ) -> None:
        """`score` may be None where no agent's answers are looked at more closely than for their form."""
        self._settings = settings
        self._slots = slots
        self._activity = activity
        self._clock = clock
        self._score = score

    def reconfigure(self, settings: Settings) -> None:
        """Go by other settings from the next request on."""
        self._settings = settings

    def watch(self, flight: Flight) -> Watch:
        """From the decision alone, before any call."""
        depth = self._depth(flight)
        if depth == "none":
            return Watch()
        why_not, must = _stays(flight), flight.request.must_call
        return Watch(
            depth=depth,
            may_escalate=not why_not,
            holds=must or not why_not,
            lightly=depth == "calls" and not must,
            why_not=why_not,
        )

    async def settle(
        self,
        flight: Flight,
        watch: Watch,
        ending: Ending,
        attempt: Attempt,
    ) -> Ending:
        """Check a whole answer of a local engine, and give it, a better engine's, or it with a mark."""
        held, heard = flight.taken(), flight.spoke
        result = overall(await self._results(flight, watch, ending))
        if result.status == "unknown" and watch.depth == "all" and watch.may_escalate:
            result = await self._second_sample(flight, ending, attempt)
        if result.status != "fail":
            self._give(flight, held)
            return replace(ending, verified=True if result.status == "pass" else None)
        why_not = watch.why_not or ("heard already" if heard else "")
        if not why_not:
            slot = self._better(flight, ending)
            better = slot if isinstance(slot, str) else await self._escalated(flight, ending, slot, result, attempt)
            if isinstance(better, Ending):
                return better
            why_not = better
        if flight.request.must_call and not heard and not ending.calls:
            return _uncalled(ending, why_not)
        self._give(flight, held)
        return replace(ending, verified=False, notes=(*ending.notes, f"unverified: {result.reason} ({why_not})"))

    def _depth(self, flight: Flight) -> Literal["none"] | Depth:
        request, decision = flight.request, flight.plan.decision
        mode: Verify = self._settings.rules(request.agent, request.rules).verify or self._settings.router.verify
        if mode == "off" or decision.zone != LOCAL:
            return "required-call" if request.must_call else "none"
        weighed = decision.weighed
        doubtful = weighed is not None and weighed.doubtful
        if self._score is not None and (mode == "always" or (mode == "doubtful" and doubtful)):
            return "all"
        if request.response_format.kind != "text":
            return "format"
        return "calls" if request.tools and request.tool_choice != "none" else "none"

    # ---- checking -----------------------------------------------------------------------------------------------

    async def _results(self, flight: Flight, watch: Watch, ending: Ending) -> list[CheckResult]:
        cap, usual = flight.request.sampling.max_tokens, USUAL_OUTPUT[LOCAL]
        weighed = flight.plan.decision.weighed
        answer = CheckedAnswer(
            request=flight.request,
            prompt=instruction(flight.request),
            text=ending.text,
            calls=ending.calls,
            cut=ending.finish == "length",
            cap_raised=cap is None or cap > usual,
            confidence=ending.confidence,
            allowed=weighed.allowed if weighed is not None else None,
        )
        if watch.depth == "none":
            return []
        score = self._score if watch.depth == "all" else None
        if len(ending.text) < IN_A_THREAD_FROM:
            return run_checks(answer, score, watch.depth)
        return await asyncio.to_thread(run_checks, answer, score, watch.depth)

    async def _second_sample(self, flight: Flight, ending: Ending, attempt: Attempt) -> CheckResult:
        """Ask the local engine again, where its short answer can be compared."""
        prompt = instruction(flight.request)
        first = None if ending.calls else short_answer(prompt, ending.text)
        if first is None:
            return overall(())
        sample = attempt(flight, ending.engine, further=True, held=True, role="verification")
        again = await self._in_time(flight, sample)
        flight.taken()
        return agrees(first, short_answer(prompt, again.text) if isinstance(again, Ending) else None)

    # ---- going further ------------------------------------------------------------------------------------------

    def _better(self, flight: Flight, ending: Ending) -> EngineSlot | str:
        """The engine to ask in place of the one that answered, or in a phrase why none may be asked by now."""
        why_not = ""
        for name in _candidates(flight, ending.engine):
            slot = self._slots[name]
            if not (why := self._cannot(flight, slot)):
                return slot
            why_not = why_not or why
        return why_not or "no better engine is left"

    def _cannot(self, flight: Flight, slot: EngineSlot) -> str:
        """Why an engine may not be asked by now; "" where it may."""
        if slot.stopped:
            return f"{slot.name} is stopped"
        if (why_not := slot.why_not()) is not None:
            return f"{slot.name}: {why_not}"
        output = slot.throughput.expected_output(flight.plan.classes.intent, USUAL_OUTPUT[slot.zone])
        expected_s = slot.throughput.latency_s(output=output, wait_s=slot.wait_s()) or 0.0
        return "no time left" if expected_s >= self._left_s(flight) else ""

    async def _escalated(
        self,
        flight: Flight,
        ending: Ending,
        slot: EngineSlot,
        failed: CheckResult,
        attempt: Attempt,
    ) -> Ending | str:
        """The better engine's answer, or why there is none. It is reserved for before the call, as any further
        attempt.
        """
        before = flight.plan
        self._reroute(flight, slot.name, failed.reason)
        found = await self._in_time(flight, attempt(flight, slot.name, further=True, held=True))
        held = flight.taken()
        said = isinstance(found, Ending) and bool(found.calls or (found.text and not flight.request.must_call))
        if isinstance(found, Ending) and found.finish in ("stop", "length") and said:
            self._give(flight, held)
            return replace(found, notes=(*found.notes, f"escalated: {failed.reason}"))
        why_not = f"{slot.name}: {found}" if isinstance(found, str) else f"{slot.name}: {found.finish}"
        flight.plan = before
        self._reroute(flight, ending.engine, f"unverified, {why_not}")
        return why_not

    async def _in_time(self, flight: Flight, call: Awaitable[Ending]) -> Ending | str:
        """The call's ending, or in a phrase why it has none. It leaves time for giving what is there already."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._left_s(flight)) as timer:

                def again() -> None:
                    if not timer.expired():
                        timer.reschedule(loop.time() + self._left_s(flight))

                flight.on_progress = again
                return await call
        except ClawError as error:
            return error.kind
        except TimeoutError:
            if not timer.expired():
                raise
            return "no time left"
        finally:
            flight.on_progress = None

    def _left_s(self, flight: Flight) -> float:
        deadline = Deadline.of(flight.request, flight.started)
        return max(0.0, deadline.left_s(self._clock.monotonic(), flight.progress_at) - HANDING_OVER_S)

    def _reroute(self, flight: Flight, engine: EngineName, detail: str) -> None:
        old = flight.plan.explanation
        reason = Reason(rule="verify", detail=detail)
        explanation = replace(
            old,
            engine=engine,
            zone=self._slots[engine].zone,
            model=flight.plan.candidates[engine].call.model,
            reasons=(reason, *old.reasons),
            ignored=ignored(flight.request, flight.plan.candidates[engine].call, self._slots[engine]),
        )
        flight.update_explanation(explanation)
        self._activity.decided(flight.request, explanation)

    def _give(self, flight: Flight, held: list[Chunk]) -> None:
        """Let what was kept back be heard; the first of it is heard now."""
        if held:
            flight.first_at = self._clock.monotonic()
        for chunk in held:
            flight.tell(chunk)


def _uncalled(ending: Ending, why_not: str) -> Ending:
    """The end where a tool had to be called and none was: what was said instead is no answer."""
    line = f"{ending.model} called no tool, though tool_choice asks for one ({why_not}): ask again, or ask auto"
    error = EngineError(line, kind="empty")
    return replace(ending, finish="error", error=error, text="", notes=(*ending.notes, "unverified: no tool is called"))


def _candidates(flight: Flight, engine: EngineName) -> tuple[EngineName, ...]:
    """The engines that may take over and are expected to answer better: the cloud's, or a more able one."""
    ways = {way.engine: way for way in flight.plan.decision.alternatives}
    own = flight.plan.decision.quality if engine == flight.plan.decision.engine else ways[engine].quality
    return tuple(
        name
        for name in flight.plan.decision.failover
        if name != engine and (ways[name].zone == CLOUD or (ways[name].quality or 0.0) > (own or 0.0))
    )


def _stays(flight: Flight) -> str:
    """Why a failed answer would stay the only one, in a phrase; "" where a better engine may take over."""
    plan = flight.plan
    if plan.decision.zone != LOCAL:
        return f"{plan.decision.engine} was asked first"
    if plan.verdict.sensitive and not any(way.zone == LOCAL for way in plan.decision.alternatives):
        return "sensitive, so it stays here"
    if _candidates(flight, plan.decision.engine):
        return ""
    ways = plan.decision.alternatives
    ruled_out = next((way for way in ways if way.ruled_out_by and way.zone == CLOUD), None)
    if plan.verdict.sensitive:
        return "sensitive, so it stays here"
    return f"cloud is ruled out: {ruled_out.ruled_out_by if ruled_out is not None else 'budget'}"
