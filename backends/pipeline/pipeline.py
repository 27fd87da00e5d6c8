"""The way of one request, in the order it goes.

    normalise → privacy → cache → classify → decide → build call → admit → engine → verify → settle → bus

`ask` is that list as far as admit; from the engine on it goes in the flight's own task (`flying`), which ends in its
row whoever still listens. Each stage is a file of its own beside this one; `planner` has those that read and choose.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from backends.cache.cache_key import exact_key
from backends.cache.response_cache import ResponseCache
from backends.cache.stored_answer import CacheHit, streamed
from backends.clock import Clock
from backends.errors import BudgetExceeded, BudgetHeld, ClawError, DeadlinePassed, LedgerError
from backends.ledger.store import Admission, Ledger
from backends.monitoring.activity import ActivityFeed
from backends.off_loop import HUGE, off_loop, size_of
from backends.pipeline.budget_release import BudgetRelease
from backends.pipeline.deadline import Deadline
from backends.pipeline.flight import Cut, Flight
from backends.pipeline.normalise import normalise
from backends.pipeline.plan import RoutePlan
from backends.pipeline.planner import RoutePlanner
from backends.pipeline.settlement import Recorder
from backends.pipeline.shadow_requests import Rechecks
from backends.pipeline.singleflight import Flights, Seat
from backends.privacy.redact import Redaction
from backends.settings.model import Settings
from backends.types import ZERO, Chunk, Classes, Delta, Done, Explanation, Request, Routed, Tokens, Verdict
from backends.upstream.locality import LocalityCheck
from backends.upstream.prefix_cache import prefixes
from backends.upstream.rate_limiter import RateLimiter

HELD_MARGIN_S = 0.05
"""What is left of the deadline for telling a caller that calls in flight held the money all the time."""

T = TypeVar("T")


class Pipeline:
    def __init__(
        self,
        settings: Settings,
        *,
        planner: RoutePlanner,
        cache: ResponseCache,
        ledger: Ledger,
        recorder: Recorder,
        activity: ActivityFeed,
        flights: Flights,
        proof: LocalityCheck,
        quota: RateLimiter,
        budget_release: BudgetRelease,
        moved: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._planner = planner
        self._cache = cache
        self._ledger = ledger
        self._recorder = recorder
        self._activity = activity
        self._flights = flights
        self._proof = proof
        self._quota = quota
        self._budget_release = budget_release
        self._moved = moved
        self._clock = clock
        self.rechecks = Rechecks(settings, cache=cache, ledger=ledger, ask=self.ask)

    def reconfigure(self, settings: Settings) -> None:
        """Go by other settings from the next request on."""
        self._settings = settings
        self.look_again()

    def look_again(self) -> None:
        """Whoever waits for money that calls in flight hold tries again: a limit or a switch is another now."""
        self._budget_release.notify()

    async def ask(self, request: Request) -> AsyncGenerator[Chunk]:
        """Yield Routed, Delta and Called, then one Done. Raises ClawError where the request was not admitted."""
        began, started, started_at = time.perf_counter(), self._clock.monotonic(), self._clock.now()
        try:
            request, verdict, redaction = await self._prepare(request, started)
            kept = self._planner.answerers(request)
            key = await off_loop(size_of(request), lambda: _shared_key(request, kept))
            async with self._in_time(request, started), self._flights.turn(key):
                if flight := self._flights.joinable(key):
                    answer = self._follow(flight, request, started, started_at)
                elif hit := await self._cache.lookup(request, model_class=kept):
                    answer = self._from_cache(request, verdict, hit, started, started_at)
                else:
                    flushes = self._cache.counts.flushes
                    classes, chain = await self._classify(request)

                    async def decide() -> RoutePlan:
                        return self._planner.decide(
                            request, verdict, classes, began, prefixes=chain, redaction=redaction
                        )

                    plan = await self._when_affordable(request, started, decide)
                    plan = plan.beside(self._cache.near_miss(request.id))
                    flight = Flight(request, plan, started_at=started_at, started=started, kept=kept, flushes=flushes)
                    await self._admit(flight)
                    self._flights.start(key, flight)
                    answer = self._lead(flight)
        except ClawError as error:
            self._activity.refuse(request, error)
            raise
        try:
            async for chunk in answer:
                yield chunk
        finally:
            await answer.aclose()

    async def explain(self, request: Request) -> Explanation:
        """The decision that `ask` would take now. Raises ClawError as it would."""
        began = time.perf_counter()
        request, verdict, redaction = await self._prepare(request, self._clock.monotonic())
        classes, chain = await self._classify(request)
        plan = self._planner.decide(request, verdict, classes, began, prefixes=chain, redaction=redaction)
        return plan.explanation

    # ---- the stages before any engine ---------------------------------------------------------------------------

    async def _prepare(self, request: Request, started: float) -> tuple[Request, Verdict, Redaction | None]:
        """Normalise and pass the privacy gate, whose word is final: what it calls sensitive stays so on every path.

        Raises DeadlinePassed where the gate takes longer, as it may for megabytes; its thread then ends by itself.
        """
        size, settings = size_of(request), self._settings
        request = await off_loop(size, lambda: normalise(request, settings))
        async with self._in_time(request, started):
            size = await off_loop(size, lambda: size_of(request, HUGE))
            verdict, redaction = await off_loop(size, lambda: self._planner.inspect(request), heavy=True)
            await off_loop(size, lambda: self._recorder.remember(request))
            if verdict.sensitive:
                await self._proof.renew()
        return replace(request, sensitive=verdict.sensitive), verdict, redaction

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

    def _left_s(self, request: Request, started: float, heard_at: float | None = None) -> float:
        return Deadline.of(request, started).left_s(self._clock.monotonic(), heard_at)

    async def _when_affordable(self, request: Request, started: float, attempt: Callable[[], Awaitable[T]]) -> T:
        """What `attempt` returns; where calls in flight hold the money for it, tried again as each of them ends.

        Raises BudgetHeld where they hold it until the deadline.
        """
        while True:
            settled = self._budget_release.count
            try:
                return await attempt()
            except BudgetHeld as held:
                left_s = self._left_s(request, started) - HELD_MARGIN_S
                try:
                    async with asyncio.timeout(left_s):
                        await self._budget_release.wait_past(settled)
                except TimeoutError:
                    raise held from None

    async def _classify(self, request: Request) -> tuple[Classes, tuple[int, ...]]:
        """What the text says, and the hashes of its beginnings."""
        return await off_loop(size_of(request), lambda: (self._planner.classify(request), prefixes(request)))

    async def _admit(self, flight: Flight) -> None:
        """Count it among its agent's of the minute, then reserve. Raises RateLimited, BudgetExceeded, LedgerError."""
        request = flight.request
        self._quota.admit(request.id, request.agent, flight.plan.classes.input_tokens)
        try:
            await self._book(flight)
        except (ClawError, asyncio.CancelledError):
            self._quota.settle(request.id, request.agent, Tokens())
            raise
        self._moved()
        self._activity.decided(flight.request, flight.plan.explanation)

    async def _book(self, flight: Flight) -> None:
        """Reserve the worst case in the ledger; without a row only a local call may go on, where settings allow it."""
        try:
            await self._reserve_or_replan(flight)
        except LedgerError as error:
            self._activity.alert("ledger", str(error))
            if self._settings.ledger.on_unwritable in ("refuse", "serve"):
                raise
            self._replan(flight, no_cloud="without a ledger row no cloud call is made")
        except asyncio.CancelledError:
            # The reservation may stand by now: a flight that is cut before it calls anybody settles it in its own task.
            if flight.booked:
                flight.stop("cancelled" if self._left_s(flight.request, flight.started) else "deadline")
                self._flights.start(None, flight)
            raise

    async def _reserve_or_replan(self, flight: Flight) -> None:
        """Where another call took the room meanwhile, decide once more. Raises BudgetExceeded and LedgerError."""
        try:
            await self._reserve(flight)
        except BudgetExceeded:
            await self._when_affordable(flight.request, flight.started, lambda: self._reserve_anew(flight))

    async def _reserve_anew(self, flight: Flight) -> None:
        """Raises BudgetHeld where yet another call was quicker."""
        self._replan(flight)
        await self._reserve(flight)

    def _replan(self, flight: Flight, *, no_cloud: str | None = None) -> None:
        plan = flight.plan
        again = self._planner.decide(
            flight.request,
            plan.verdict,
            plan.classes,
            time.perf_counter(),
            prefixes=plan.prefixes,
            redaction=plan.redaction,
            no_cloud=no_cloud,
        )
        flight.replan(again)

    async def _reserve(self, flight: Flight) -> None:
        request, plan = flight.request, flight.plan
        flight.fingerprint = self._recorder.prompt_hash(request)
        admission = Admission(
            id=request.id,
            agent=request.agent,
            started_at=flight.started_at,
            source=request.source,
            engine=plan.decision.engine,
            zone=plan.decision.zone,
            model=plan.decision.model,
            intent=plan.classes.intent,
            complexity=plan.classes.complexity,
            sensitive=plan.verdict.sensitive,
            prompt_hash=flight.fingerprint,
            reserved_usd=plan.candidates[plan.decision.engine].worst_usd,
            input_tokens=plan.classes.input_tokens,
        )
        flight.booked = True
        try:
            await self._ledger.admit(admission)
        except ClawError:
            flight.booked = False
            raise

    # ---- who hears the answer -----------------------------------------------------------------------------------

    async def _lead(self, flight: Flight) -> AsyncGenerator[Chunk]:
        """Hear one's own flight; leaving it early is written into its row."""
        async with Seat(flight, leads=True) as seat:
            async for chunk in self._hear(flight, flight.request, flight.started):
                yield chunk
            if not flight.over:
                await seat.leave("deadline")
            yield Done(flight.landed() or self._recorder.late(flight))

    async def _follow(
        self, flight: Flight, request: Request, started: float, started_at: datetime
    ) -> AsyncGenerator[Chunk]:
        """Share another's call in flight: a row of its own, at no cost."""
        self._cache.counts.count_shared_flight()
        explanation = self._recorder.shared_explanation(flight, request)
        self._activity.decided(request, explanation)
        ending: Cut | None = "cancelled"
        async with Seat(flight, leads=False):
            try:
                yield Routed(id=request.id, explanation=explanation)
                async for chunk in self._hear(flight, request, started):
                    if not isinstance(chunk, Routed):
                        yield chunk
                ending = None if flight.over else "deadline"
            finally:
                outcome = self._recorder.shared(flight, request, started, started_at, ending)
                outcome = await self._recorder.settle(outcome, request)
            self._cache.counts.count_saving(outcome.baseline_usd - outcome.cost_usd)
            yield Done(outcome)

    async def _hear(self, flight: Flight, request: Request, started: float) -> AsyncGenerator[Chunk]:
        """The flight's chunks until it is over or this request's deadline has passed."""
        heard = 0
        while True:
            while heard < len(flight.chunks):
                heard += 1
                yield flight.chunks[heard - 1]
            if flight.over:
                return
            progress_at = flight.progress_at
            try:
                async with asyncio.timeout(self._left_s(request, started, max(started, progress_at))):
                    await flight.news(heard)
            except TimeoutError:
                whole_is_late = request.timeout_s is not None and self._left_s(request, started, math.inf) <= 0
                if whole_is_late or flight.progress_at == progress_at:
                    return

    async def _from_cache(
        self, request: Request, verdict: Verdict, hit: CacheHit, started: float, started_at: datetime
    ) -> AsyncGenerator[Chunk]:
        outcome, explanation = self._recorder.cached(request, verdict, hit, started, started_at)
        self._activity.decided(request, explanation)
        ending = replace(outcome, finish="cancelled", baseline_usd=ZERO)
        try:
            yield Routed(id=request.id, explanation=explanation)
            pace, left_s = self._settings.cache.pace_tps, 0.8 * self._left_s(request, started)
            async with aclosing(streamed(hit.stored.text, tokens_per_s=pace, within_s=left_s)) as pieces:
                async for piece in pieces:
                    yield Delta(piece)
            ending = outcome
        finally:
            outcome = await self._recorder.settle(ending, request)
        self._cache.counts.count_saving(outcome.baseline_usd - outcome.cost_usd)
        self.rechecks.consider(request, hit)
        yield Done(outcome)


def _shared_key(request: Request, kept: str) -> bytes | None:
    """The name under which identical requests share a flight; None where sharing is not wanted or not safe."""
    if request.sensitive or not request.cache or request.refresh or request.tools:
        return None
    return exact_key(request, model_class=kept)
