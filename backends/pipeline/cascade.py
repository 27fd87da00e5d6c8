"""The cascade: a local answer is withheld until it is checked, and a better engine answers where a check fails.

Nothing of a withheld answer is heard before its check, so that what a caller hears comes from one attempt. An answer
that failed and cannot be replaced (sensitive, an absolute policy, no budget, no cloud, no time) is given all the same,
marked "unverified" and never cached; only where a tool had to be called and none was, or one is called that was not
offered, it is an error. Checking never costs a caller the answer: the cloud's is withheld until it is whole, and where
it fails or comes too late the local one is given.

A second sample and an escalation are not retries: they follow an engine that answered, so the retry budget, which
prevents a storm of calls in an outage, does not count them. There is at most one of each in a request, and each is
bounded by its own reservation and by the deadline.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec.structs import replace

from backends.clock import Clock
from backends.errors import ClawError, EngineError
from backends.monitoring.activity import ActivityFeed
from backends.pipeline.active_request import ActiveRequest, Ending
from backends.pipeline.deadline import Deadline
from backends.pipeline.engine_call import USUAL_OUTPUT, ignored
from backends.pipeline.plan import CheckPlan
from backends.settings.model import Settings
from backends.types import CLOUD, LOCAL, Called, Chunk, Delta, EngineName, Message, Reason, Role, Verify
from backends.upstream.engine_slot import EngineSlot
from backends.verification import CheckedAnswer, CheckResult, Depth, overall, repaired, run_checks
from backends.verification.short_answers.short_answer import agrees, short_answer

if TYPE_CHECKING:
    from backends.verification.short_answers.score import Score

DELIVERY_S = 0.3
"""What is kept of the deadline for giving the answer, once everything else has ended."""

REPAIRED = "tool call repaired"

IN_A_THREAD_FROM = 4_000
"""Characters of an answer from which its checks run in a thread."""


class MakeAttempt(Protocol):
    """One more upstream call for a request, as the dispatcher makes it."""

    async def __call__(
        self,
        active: ActiveRequest,
        name: EngineName,
        *,
        further: bool,
        withhold: bool,
        role: Role = "answer",
        told: tuple[Message, ...] = (),
    ) -> Ending: ...


class Cascade:
    def __init__(
        self,
        settings: Settings,
        slots: Mapping[EngineName, EngineSlot],
        *,
        activity: ActivityFeed,
        clock: Clock,
        score: "Score | None",
    ) -> None:
        """`score` is None where no agent's settings ask for more than checks of the form."""
        self._settings = settings
        self._slots = slots
        self._activity = activity
        self._clock = clock
        self._score = score

    def reconfigure(self, settings: Settings) -> None:
        """Use other settings from the next request on."""
        self._settings = settings

    def plan(self, active: ActiveRequest) -> CheckPlan:
        """How a local answer is to be checked: from the decision alone, before any call."""
        depth = self._depth(active)
        if depth == "none":
            return CheckPlan()
        why_not, must_call = _stays(active), active.request.must_call
        return CheckPlan(
            depth=depth,
            may_escalate=not why_not,
            withhold=must_call or not why_not or depth == "calls",
            until_text=depth == "calls" and not must_call,
            why_not=why_not,
        )

    async def verify(self, active: ActiveRequest, ending: Ending, attempt: MakeAttempt) -> Ending:
        """Check a whole answer of a local engine, and publish it, a better engine's, or it with a mark.

        Any other ending is returned as it is. `attempt` makes one more upstream call.
        """
        checks = active.checks
        if checks.depth == "none" or ending.zone != LOCAL or ending.finish not in ("stop", "length"):
            return ending
        withheld, heard = active.take_withheld(), active.spoke
        result = overall(await self._results(active, ending))
        if result.status == "unknown" and checks.depth == "all" and checks.may_escalate:
            result = await self._second_sample(active, ending, attempt)
        if not heard and _is_wrong_call(ending, result):
            ending, withheld, result = await self._repaired(active, ending, withheld, result, attempt)
        if result.status != "fail":
            self._publish(active, withheld)
            return replace(ending, verified=True if result.status == "pass" else None)
        why_not = checks.why_not or ("heard already" if heard else "")
        if not why_not:
            slot = self._better(active, ending)
            better = slot if isinstance(slot, str) else await self._escalated(active, ending, slot, result, attempt)
            if isinstance(better, Ending):
                return better
            why_not = better
        if active.request.must_call and not heard and not ending.calls:
            return _uncalled(ending, why_not)
        if not heard and not _all_offered(active, ending):
            return _not_offered(ending, why_not)
        self._publish(active, withheld)
        return replace(ending, verified=False, notes=(*ending.notes, f"unverified: {result.reason} ({why_not})"))

    def _depth(self, active: ActiveRequest) -> Literal["none"] | Depth:
        request, decision = active.request, active.plan.decision
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

    async def _results(self, active: ActiveRequest, ending: Ending) -> list[CheckResult]:
        answer = _checked(active, ending)
        depth = active.checks.depth
        if depth == "none":
            return []
        score = self._score if depth == "all" else None
        if len(ending.text) < IN_A_THREAD_FROM:
            return run_checks(answer, score, depth)
        return await asyncio.to_thread(run_checks, answer, score, depth)

    async def _second_sample(self, active: ActiveRequest, ending: Ending, attempt: MakeAttempt) -> CheckResult:
        """Ask the local engine again, where its short answer can be compared."""
        prompt = active.request.ask
        first = None if ending.calls else short_answer(prompt, ending.text)
        if first is None:
            return overall(())
        sample = attempt(active, ending.engine, further=True, withhold=True, role="verification")
        again = await self._in_time(active, sample)
        active.take_withheld()
        return agrees(first, short_answer(prompt, again.text) if isinstance(again, Ending) else None)

    # ---- repair ----------------------------------------------------------------------------------------------

    async def _repaired(
        self, active: ActiveRequest, ending: Ending, withheld: list[Chunk], failed: CheckResult, attempt: MakeAttempt
    ) -> tuple[Ending, list[Chunk], CheckResult]:
        """A wrong tool call put right: by its form, else by the same engine, which is told what is wrong and asked once
        more. With the answer's chunks and its result; as they were where neither helps.
        """
        if mended := await self._mended(active, ending, failed):
            return mended
        told = _told(ending, failed)
        again = await self._in_time(
            active, attempt(active, ending.engine, further=True, withhold=True, role="repair", told=told)
        )
        chunks = active.take_withheld()
        if not isinstance(again, Ending) or again.finish != "stop":
            return ending, withheld, failed
        result = overall(await self._results(active, again))
        if again.calls and result.status != "fail":
            return replace(again, notes=(*again.notes, f"{REPAIRED} by asking again: {failed.reason}")), chunks, result
        return await self._mended(active, again, result) or (ending, withheld, failed)

    async def _mended(
        self, active: ActiveRequest, ending: Ending, failed: CheckResult
    ) -> tuple[Ending, list[Chunk], CheckResult] | None:
        """The answer whose calls are right but for their form, in the right one; None where that is not all."""
        if ending.finish == "length":
            return None
        answer = _checked(active, ending)
        size = len(ending.text) + sum(len(call.arguments) for call in ending.calls)
        mended = repaired(answer) if size < IN_A_THREAD_FROM else await asyncio.to_thread(repaired, answer)
        if mended is None:
            return None
        better = replace(
            ending, text=mended.text, calls=mended.calls, notes=(*ending.notes, f"{REPAIRED}: {failed.reason}")
        )
        result = overall(await self._results(active, better))
        chunks: list[Chunk] = [Delta(mended.text)] if mended.text.strip() else []
        return None if result.status == "fail" else (better, [*chunks, Called(mended.calls)], result)

    # ---- escalation ------------------------------------------------------------------------------------------

    def _better(self, active: ActiveRequest, ending: Ending) -> EngineSlot | str:
        """The engine to ask in place of the one that answered, or in a phrase why none may be asked now."""
        why_not = ""
        for name in _candidates(active, ending.engine):
            slot = self._slots[name]
            if not (why := self._cannot(active, slot)):
                return slot
            why_not = why_not or why
        return why_not or "no better engine is left"

    def _cannot(self, active: ActiveRequest, slot: EngineSlot) -> str:
        """Why an engine may not be asked now; "" where it may."""
        if slot.barred:
            return f"{slot.name} is {slot.barred}"
        if (why_not := slot.why_not()) is not None:
            return f"{slot.name}: {why_not}"
        output = slot.throughput.expected_output(active.plan.classes.intent, USUAL_OUTPUT[slot.zone])
        expected_s = slot.throughput.latency_s(output=output, wait_s=slot.wait_s()) or 0.0
        return "no time left" if expected_s >= self._left_s(active) else ""

    async def _escalated(
        self,
        active: ActiveRequest,
        ending: Ending,
        slot: EngineSlot,
        failed: CheckResult,
        attempt: MakeAttempt,
    ) -> Ending | str:
        """The better engine's answer, or why there is none. Its cost is reserved before the call."""
        before = active.plan
        self._reroute(active, slot.name, failed.reason)
        found = await self._in_time(active, attempt(active, slot.name, further=True, withhold=True))
        withheld = active.take_withheld()
        answered = isinstance(found, Ending) and bool(found.calls or (found.text and not active.request.must_call))
        if (
            isinstance(found, Ending)
            and found.finish in ("stop", "length")
            and answered
            and _all_offered(active, found)
        ):
            self._publish(active, withheld)
            return replace(found, notes=(*found.notes, f"escalated: {failed.reason}"))
        why_not = f"{slot.name}: {found}" if isinstance(found, str) else f"{slot.name}: {found.finish}"
        active.plan = before
        self._reroute(active, ending.engine, f"unverified, {why_not}")
        return why_not

    async def _in_time(self, active: ActiveRequest, call: Awaitable[Ending]) -> Ending | str:
        """The call's ending, or in a phrase why it has none. It leaves time for publishing the answer there is."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._left_s(active)) as timer:

                def extend() -> None:
                    if not timer.expired():
                        timer.reschedule(loop.time() + self._left_s(active))

                active.on_progress = extend
                return await call
        except ClawError as error:
            return error.kind
        except TimeoutError:
            if not timer.expired():
                raise
            return "no time left"
        finally:
            active.on_progress = None

    def _left_s(self, active: ActiveRequest) -> float:
        deadline = Deadline.of(active.request, active.started)
        return max(0.0, deadline.left_s(self._clock.monotonic(), active.progress_at) - DELIVERY_S)

    def _reroute(self, active: ActiveRequest, engine: EngineName, detail: str) -> None:
        old = active.plan.explanation
        reason = Reason(rule="verify", detail=detail)
        explanation = replace(
            old,
            engine=engine,
            zone=self._slots[engine].zone,
            model=active.plan.candidates[engine].call.model,
            reasons=(reason, *old.reasons),
            ignored=ignored(active.request, active.plan.candidates[engine].call, self._slots[engine]),
        )
        active.update_explanation(explanation)
        self._activity.decided(active.request, explanation)

    def _publish(self, active: ActiveRequest, withheld: list[Chunk]) -> None:
        """Publish what was withheld; callers hear the first of it now."""
        if withheld:
            active.first_at = self._clock.monotonic()
        for chunk in withheld:
            active.publish(chunk)


def _is_wrong_call(ending: Ending, result: CheckResult) -> bool:
    """Is it a tool call, or meant as one, that cannot be given as it is? One repair may follow."""
    of_calls = result.check == "written-calls" or (result.check in ("format", "required-call") and bool(ending.calls))
    return result.status == "fail" and of_calls


def _checked(active: ActiveRequest, ending: Ending) -> CheckedAnswer:
    cap, usual = active.request.sampling.max_tokens, USUAL_OUTPUT[LOCAL]
    weighed = active.plan.decision.weighed
    return CheckedAnswer(
        request=active.request,
        prompt=active.request.ask,
        text=ending.text,
        calls=ending.calls,
        cut=ending.finish == "length",
        cap_raised=cap is None or cap > usual,
        confidence=ending.confidence,
        allowed=weighed.allowed if weighed is not None else None,
    )


def _told(ending: Ending, failed: CheckResult) -> tuple[Message, ...]:
    """What a model hears of its wrong call: each call with an error for its result."""
    line = f"Error: {failed.reason}. Nothing was done. Call the tool again, with its name and arguments as declared."
    said = Message(role="assistant", text=ending.text, tool_calls=ending.calls)
    if not ending.calls:
        return said, Message(role="user", text=line)
    results = (Message(role="tool", text=line, tool_call_id=call.id, name=call.name) for call in ending.calls)
    return said, *results


def _uncalled(ending: Ending, why_not: str) -> Ending:
    """The end where a tool had to be called and none was: the text in its place is no answer."""
    line = f"{ending.model} called no tool, though tool_choice asks for one ({why_not}): ask again, or ask auto"
    error = EngineError(line, kind="empty")
    return replace(ending, finish="error", error=error, text="", notes=(*ending.notes, "unverified: no tool is called"))


def _all_offered(active: ActiveRequest, ending: Ending) -> bool:
    return all(call.name in active.request.offered_tools for call in ending.calls)


def _not_offered(ending: Ending, why_not: str) -> Ending:
    """The end where a tool was called that nobody offered: the caller has nothing to run for it."""
    line = f"{ending.model} called a tool that was not offered ({why_not}): ask again, or ask another model"
    note = "unverified: a tool is called that was not offered"
    error = EngineError(line, kind="empty")
    return replace(ending, finish="error", error=error, text="", notes=(*ending.notes, note))


def _candidates(active: ActiveRequest, engine: EngineName) -> tuple[EngineName, ...]:
    """The engines that may take over and are expected to answer better: the cloud's, or a more able one.

    A sensitive prompt stays at home, also where placeholders would let it leave.
    """
    ways = {way.engine: way for way in active.plan.decision.alternatives}
    if active.plan.verdict.sensitive:
        ways = {name: way for name, way in ways.items() if way.zone == LOCAL or name == engine}
    own = active.plan.decision.quality if engine == active.plan.decision.engine else ways[engine].quality
    return tuple(
        name
        for name in active.plan.decision.failover
        if name in ways and name != engine and (ways[name].zone == CLOUD or (ways[name].quality or 0.0) > (own or 0.0))
    )


def _stays(active: ActiveRequest) -> str:
    """Why a failed answer would stay the only one, in a phrase; "" where a better engine may take over."""
    plan = active.plan
    if plan.decision.zone != LOCAL:
        return f"{plan.decision.engine} was asked first"
    if _candidates(active, plan.decision.engine):
        return ""
    if plan.verdict.sensitive:
        return "sensitive, so it stays here"
    ways = plan.decision.alternatives
    ruled_out = next((way for way in ways if way.ruled_out_by and way.zone == CLOUD), None)
    return f"cloud is ruled out: {ruled_out.ruled_out_by if ruled_out is not None else 'budget'}"
