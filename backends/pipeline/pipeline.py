"""The way of one request, in the order in which it goes.

    normalise → read → privacy → cache → classify → plan → admit → dispatch → verify → settle → cache

`ask` contains the stages as far as admission. `_run` contains those behind it, in a task of its own, which ends with
the request's row whoever still listens. Each stage has a file of its own beside this one.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from backends.cache import lifetime
from backends.cache.cache_key import Keys, keys
from backends.cache.response_cache import ResponseCache
from backends.cache.stored_answer import CacheHit, streamed
from backends.clock import Clock
from backends.envelope.loop_detector import Loop
from backends.envelope.reader import EnvelopeReader
from backends.envelope.sessions import Sessions
from backends.errors import ClawError, DeadlinePassed
from backends.monitoring.activity import ActivityFeed
from backends.off_loop import HUGE, LARGE, off_loop, size_of
from backends.pipeline.active_request import ActiveRequest, Cut, Ending
from backends.pipeline.admission import AdmissionControl
from backends.pipeline.cascade import Cascade
from backends.pipeline.deadline import Deadline
from backends.pipeline.dispatch import Dispatcher
from backends.pipeline.normalise import normalise
from backends.pipeline.outcomes import Outcomes
from backends.pipeline.plan import RequestFacts, RoutePlan, not_admitted
from backends.pipeline.planner import RoutePlanner
from backends.pipeline.privacy_check import Judged, PrivacyCheck
from backends.pipeline.run_guard import RunGuard
from backends.pipeline.settlement import Settlement
from backends.pipeline.shadow_requests import ShadowRequests
from backends.pipeline.single_flight import SingleFlight, Subscriber
from backends.privacy.redact import Redaction
from backends.settings.model import Settings
from backends.types import ZERO, Chunk, Delta, Done, Explanation, Request, Routed, Verdict
from backends.upstream.locality import LocalityCheck
from backends.upstream.prefix_cache import prefixes

ASK_SHOWN = 200
"""Characters of the ask in an explanation. Only who asks for an explanation sees them: an ask may be private."""


class Stages(Struct, frozen=True, kw_only=True):
    """The parts that a request passes, in this order; the planner decides, the outcomes say how it ended."""

    reader: EnvelopeReader
    sessions: Sessions
    run_guard: RunGuard
    privacy: PrivacyCheck
    planner: RoutePlanner
    locality: LocalityCheck
    cache: ResponseCache
    admission: AdmissionControl
    dispatcher: Dispatcher
    cascade: Cascade
    outcomes: Outcomes
    settlement: Settlement
    shadow_requests: ShadowRequests


class Read(Struct, frozen=True, kw_only=True):
    """A request, normalised, with its envelope and its session, and the loop that it shows.

    `started` is in seconds of clock.monotonic, `size` in bytes as `size_of` counts them, to HUGE.
    """

    request: Request
    size: int
    loop: Loop | None
    started: float
    started_at: datetime


class Prepared(Struct, frozen=True, kw_only=True):
    """A request after its first stages: normalised, its envelope read, judged by the privacy gate. `started` and
    `size` are as in `Read`.
    """

    request: Request
    size: int
    judged: Judged
    prompt_hash: str
    started: float
    started_at: datetime

    @property
    def verdict(self) -> Verdict:
        return self.judged.verdict

    @property
    def redaction(self) -> Redaction | None:
        """The form in which a sensitive request may go to the cloud, None where it may not."""
        return self.judged.redaction


class Pipeline:
    def __init__(self, settings: Settings, stages: Stages, *, activity: ActivityFeed, clock: Clock) -> None:
        self._settings = settings
        self._stages = stages
        self._activity = activity
        self._clock = clock
        self._single_flight = SingleFlight()

    def reconfigure(self, settings: Settings) -> None:
        """Use other settings from the next request on."""
        self._settings = settings
        self._stages.privacy.reconfigure(settings)
        self._stages.planner.reconfigure(settings)
        self._stages.locality.reconfigure(settings)
        self._stages.cascade.reconfigure(settings)
        self._stages.run_guard.reconfigure(settings)
        self._stages.admission.reconfigure(settings)
        self.retry_waiting()

    def retry_waiting(self) -> None:
        """Requests that wait for money try again: a limit or a switch has changed."""
        self._stages.admission.retry_waiting()

    def room(self, agent: str, among: int) -> int | None:
        """How many more requests of `agent` its engines would take: see `RoutePlanner.room`."""
        return self._stages.planner.room(agent, among)

    def cancel(self, id: str) -> bool:
        """End a running request; False where no request of this id runs."""
        return self._single_flight.cancel(id)

    def cancel_agent(self, agent: str) -> int:
        """End all requests of an agent, those that run and those that wait for money; returns how many."""
        return self._single_flight.cancel_agent(agent) + self._stages.admission.cancel_agent(agent)

    async def drain(self, seconds: float) -> None:
        """Wait for running requests, then stop the rest; every row is written."""
        await self._stages.shadow_requests.close()
        await self._single_flight.drain(seconds)

    async def ask(self, request: Request) -> AsyncGenerator[Chunk]:
        """Yield Routed, Delta and Called, then one Done. Raises ClawError where the request was not admitted."""
        began = time.perf_counter()
        cache, planner = self._stages.cache, self._stages.planner
        try:
            read = await self._read(request)
            self._stages.run_guard.admit(read.request, read.loop)
            prepared = await self._prepare(read)
            self._stages.privacy.count(prepared.request, prepared.judged)
            request, started = prepared.request, prepared.started
            answerers = planner.answerers(request)
            with_tools = self._settings.rules(request.agent, request.rules).cache_with_tools
            own = await off_loop(prepared.size, lambda: _own_keys(request, answerers, with_tools=with_tools))
            key = None if own is None else own.exact
            async with self._in_time(request, started), self._single_flight.turn(key):
                if active := self._single_flight.find(key):
                    answer = self._follow(active, prepared)
                elif hit := await cache.lookup(request, model_class=answerers, own=own):
                    answer = self._from_cache(prepared, hit)
                else:
                    flushes = cache.counts.flushes
                    facts = await self._classify(prepared)

                    async def decide() -> RoutePlan:
                        return planner.decide(facts, began)

                    plan = await self._stages.admission.when_affordable(request, started, decide)
                    plan = plan.with_near_miss(cache.near_miss(request.id))
                    active = ActiveRequest(
                        request,
                        plan,
                        started_at=prepared.started_at,
                        started=started,
                        prompt_hash=prepared.prompt_hash,
                        model_class=answerers,
                        flushes=flushes,
                    )
                    await self._admit(active)
                    planner.remember(plan)
                    self._single_flight.start(key, active, self._run(active))
                    answer = self._lead(active)
        except ClawError as error:
            self._activity.refused(request.id, request.agent, error)
            raise
        try:
            async for chunk in answer:
                yield chunk
        finally:
            await answer.aclose()

    async def _run(self, active: ActiveRequest) -> None:
        """From the engine to the committed row and the cache.

        The engines are asked in a task that can be stopped; however it ends, the row is written. A fault of claw's own
        is settled, too, and raised. Nobody waits for the cache, nor loses an answer by its fault.
        """
        settlement = self._stages.settlement
        self._stages.sessions.begin(active.request)
        active.upstream = upstream = asyncio.create_task(self._answer(active))
        if active.cut is not None:
            upstream.cancel()
        try:
            active.ending = await upstream
        except asyncio.CancelledError:
            if active.cut is None:
                active.cut = "closing"
                upstream.cancel()
                await asyncio.wait({upstream})
                raise
        finally:
            outcome = await settlement.settle_run(active)
            active.complete(outcome)
        await settlement.cache_answer(active, outcome)

    async def _answer(self, active: ActiveRequest) -> Ending:
        """Dispatch, then verify what a local engine answered."""
        dispatcher, cascade = self._stages.dispatcher, self._stages.cascade
        active.checks = cascade.plan(active)
        ending = await dispatcher.dispatch(active)
        return await cascade.verify(active, ending, dispatcher.attempt)

    async def explain(self, request: Request) -> Explanation:
        """The decision that `ask` would take now; where it would refuse, with the status and the line of its error.

        Raises WrongUse for what is no request, and DeadlinePassed where it is not read in time.
        """
        began = time.perf_counter()
        read = await self._read(request)
        prepared = await self._prepare(read)
        facts = await self._classify(prepared)
        explanation = self._stages.planner.explain(facts, began)
        try:
            self._stages.run_guard.check(read.request, read.loop)
            if not explanation.error:
                self._stages.admission.check(prepared.request, facts.classes)
        except ClawError as error:
            explanation = not_admitted(explanation, error)
        return replace(explanation, ask=prepared.request.ask[:ASK_SHOWN])

    # ---- the stages before any engine ---------------------------------------------------------------------------

    async def _read(self, request: Request) -> Read:
        """Normalise, and read the envelope."""
        started, started_at = self._clock.monotonic(), self._clock.now()
        size = size_of(request)
        request, size, loop = await off_loop(size, lambda: self._parts(normalise(request, self._settings), size))
        return Read(request=request, size=size, loop=loop, started=started, started_at=started_at)

    def _parts(self, request: Request, size: int) -> tuple[Request, int, Loop | None]:
        """The request with its envelope and the session that it belongs to, its size, and the loop that it shows."""
        request = replace(request, envelope=self._stages.reader.read(request))
        request = self._stages.sessions.named(request)
        size = size if size < LARGE else size_of(request, HUGE)
        return request, size, self._stages.run_guard.loop(request)

    async def _prepare(self, read: Read) -> Prepared:
        """Pass the privacy gate. Its verdict is final: what is sensitive stays so on every path.

        Raises DeadlinePassed where the gate takes longer, as it may for megabytes; its thread then ends by itself.
        """
        stages, request = self._stages, read.request
        async with self._in_time(request, read.started):
            judged = await stages.privacy.judge(request, read.size)
            prompt_hash = await off_loop(read.size, lambda: stages.settlement.hash_prompt(request))
            if judged.verdict.sensitive:
                await stages.locality.renew()
            await stages.planner.learn_windows(request)
        return Prepared(
            request=replace(request, sensitive=judged.verdict.sensitive),
            size=read.size,
            judged=judged,
            prompt_hash=prompt_hash,
            started=read.started,
            started_at=read.started_at,
        )

    async def _classify(self, prepared: Prepared) -> RequestFacts:
        """What the text says, and with it all that the plan is made from."""
        request, planner = prepared.request, self._stages.planner
        model = await planner.classifier()
        classes, chain = await off_loop(prepared.size, lambda: (planner.classify(request, model), prefixes(request)))
        return RequestFacts(
            request=request,
            verdict=prepared.verdict,
            classes=classes,
            prefixes=chain,
            size=prepared.size,
            redaction=prepared.redaction,
            session=self._stages.sessions.view(request),
        )

    async def _admit(self, active: ActiveRequest) -> None:
        """Raises RateLimited, BudgetExceeded, LedgerError."""
        try:
            await self._stages.admission.admit(active)
        except asyncio.CancelledError:
            # The reservation may stand by now. The run is stopped before it calls any engine, and settles it.
            if active.reserved:
                active.stop("cancelled" if self._left_s(active.request, active.started) else "deadline")
                self._single_flight.start(None, active, self._run(active))
            raise

    @asynccontextmanager
    async def _in_time(self, request: Request, started: float) -> AsyncGenerator[None]:
        """Bound the stages before any engine. Raises DeadlinePassed."""
        try:
            async with asyncio.timeout(self._left_s(request, started)) as timer:
                yield
        except TimeoutError:
            if not timer.expired():
                raise
            raise DeadlinePassed("the deadline passed before any engine was asked: allow more time") from None

    def _left_s(self, request: Request, started: float, progress_at: float | None = None) -> float:
        return Deadline.of(request, started).left_s(self._clock.monotonic(), progress_at)

    # ---- what the caller hears ----------------------------------------------------------------------------------

    async def _lead(self, active: ActiveRequest) -> AsyncGenerator[Chunk]:
        """The chunks of one's own run. Leaving it early is written into its row."""
        agent = active.request.agent
        async with Subscriber(active, agent, leads=True) as subscriber:
            async for chunk in self._chunks(active, active.request, active.started):
                yield chunk
            if not active.ended:
                await subscriber.leave("cancelled" if agent in active.dismissed else "deadline")
            yield Done(active.completed() or self._stages.outcomes.of_late_leader(active))

    async def _follow(self, active: ActiveRequest, prepared: Prepared) -> AsyncGenerator[Chunk]:
        """The chunks of another's run, with a row of one's own, at no cost."""
        stages, request, started = self._stages, prepared.request, prepared.started
        explanation = stages.outcomes.shared_explanation(active, request)
        self._activity.decided(request, explanation)
        cut: Cut | None = "cancelled"
        async with Subscriber(active, request.agent, leads=False):
            try:
                yield Routed(id=request.id, explanation=explanation)
                async for chunk in self._chunks(active, request, started):
                    if not isinstance(chunk, Routed):
                        yield chunk
                if active.ended or request.agent not in active.dismissed:
                    cut = None if active.ended else "deadline"
            finally:
                outcome = stages.outcomes.of_follower(active, request, started, prepared.started_at, cut)
                outcome = await stages.settlement.settle(outcome, request, prompt_hash=prepared.prompt_hash)
                stages.cache.counts.count_shared_flight(outcome)
            yield Done(outcome)

    async def _chunks(self, active: ActiveRequest, request: Request, started: float) -> AsyncGenerator[Chunk]:
        """The run's chunks until it has ended or this request's deadline has passed."""
        count = 0
        while True:
            while count < len(active.chunks):
                count += 1
                yield active.chunks[count - 1]
            if active.ended or request.agent in active.dismissed:
                return
            progress_at = active.progress_at
            try:
                async with asyncio.timeout(self._left_s(request, started, max(started, progress_at))):
                    await active.wait_past(count, request.agent)
            except TimeoutError:
                whole_is_late = request.timeout_s is not None and self._left_s(request, started, math.inf) <= 0
                if whole_is_late or active.progress_at == progress_at:
                    return

    async def _from_cache(self, prepared: Prepared, hit: CacheHit) -> AsyncGenerator[Chunk]:
        """A stored answer, in pieces, with a row of its own."""
        stages, request, started = self._stages, prepared.request, prepared.started
        whole, explanation = stages.outcomes.of_hit(request, prepared.verdict, hit, started, prepared.started_at)
        self._activity.decided(request, explanation)
        if hit.stored.tokens.input:
            chain = await off_loop(prepared.size, lambda: prefixes(request))
            whole = stages.outcomes.beside_cloud_alone(whole, request, chain, hit.stored.tokens)
        outcome = replace(whole, finish="cancelled", baseline_usd=ZERO, cached_baseline_usd=ZERO)
        try:
            yield Routed(id=request.id, explanation=explanation)
            pace, left_s = self._settings.cache.pace_tps, 0.8 * self._left_s(request, started)
            async with aclosing(streamed(hit.stored.text, tokens_per_s=pace, within_s=left_s)) as pieces:
                async for piece in pieces:
                    yield Delta(piece)
            outcome = whole
        finally:
            outcome = await stages.settlement.settle(outcome, request, prompt_hash=prepared.prompt_hash)
        stages.cache.counts.count_saving(outcome.baseline_usd - outcome.cost_usd)
        stages.shadow_requests.consider(request, hit, self.ask)
        yield Done(outcome)


def _own_keys(request: Request, answerers: str, *, with_tools: bool) -> Keys | None:
    """The keys under which identical requests share a run and an answer; None where that is not wanted or not safe."""
    if request.refresh or not lifetime.may_use(request, with_tools=with_tools):
        return None
    return keys(request, model_class=answerers)
