"""Admission: a request counts against its agent's rate limits, and its worst case is reserved in the ledger."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from backends.clock import Clock
from backends.errors import BudgetExceeded, BudgetHeld, Cancelled, ClawError, LedgerError
from backends.ledger.store import Admission, Ledger
from backends.monitoring.alerts import LEDGER_FAILED
from backends.monitoring.monitoring import Monitoring
from backends.pipeline.active_request import ActiveRequest
from backends.pipeline.deadline import Deadline
from backends.pipeline.planner import RoutePlanner
from backends.settings.model import Settings
from backends.types import Classes, Outcome, Request, Tokens
from backends.upstream.rate_limiter import RateLimiter

HELD_MARGIN_S = 0.05
"""What is kept of the deadline for telling a caller that calls in flight held the money all the time."""

T = TypeVar("T")


class AdmissionControl:
    def __init__(
        self,
        settings: Settings,
        *,
        planner: RoutePlanner,
        ledger: Ledger,
        rate_limiter: RateLimiter,
        monitoring: Monitoring,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._planner = planner
        self._ledger = ledger
        self._rate_limiter = rate_limiter
        self._monitoring = monitoring
        self._clock = clock
        self._releases = 0
        self._released = asyncio.Event()
        self._waiting: dict[str, str] = {}

    def reconfigure(self, settings: Settings) -> None:
        """Use other settings from the next request on."""
        self._settings = settings
        self._rate_limiter.reconfigure(settings.agents)

    async def admit(self, active: ActiveRequest) -> None:
        """Count the request and reserve for it. Raises RateLimited, BudgetExceeded, LedgerError.

        Where it is cancelled meanwhile, its reservation may stand in the ledger: see `ActiveRequest.reserved`.
        """
        request = active.request
        self._rate_limiter.admit(request.id, request.agent, active.plan.classes.input_tokens)
        try:
            await self._reserve_or_stay_local(active)
        except (ClawError, asyncio.CancelledError):
            self._rate_limiter.settle(request.id, request.agent, Tokens())
            raise
        self._monitoring.stats.schedule()
        self._monitoring.activity.decided(request, active.plan.explanation)

    def check(self, request: Request, classes: Classes) -> None:
        """Raise as `admit` would for a request that is not sent. Counts and reserves nothing."""
        self._rate_limiter.check(request.agent, classes.input_tokens)

    def settle(self, outcome: Outcome) -> None:
        """A request has ended: what it used counts in place of what was estimated."""
        self._rate_limiter.settle(outcome.id, outcome.agent, outcome.tokens)

    async def when_affordable(self, request: Request, started: float, attempt: Callable[[], Awaitable[T]]) -> T:
        """What `attempt` returns. Where calls in flight hold the money for it, it is tried again as each of them ends.

        Raises BudgetHeld where they hold it until the deadline, and Cancelled where the operator ends it meanwhile.
        """
        while True:
            releases = self._releases
            try:
                return await attempt()
            except BudgetHeld as held:
                left_s = Deadline.of(request, started).left_s(self._clock.monotonic()) - HELD_MARGIN_S
                self._waiting[request.id] = request.agent
                try:
                    async with asyncio.timeout(left_s):
                        while self._releases <= releases:
                            await self._released.wait()
                except TimeoutError:
                    raise held from None
                finally:
                    still = self._waiting.pop(request.id, None)
                if still is None:
                    raise Cancelled("the operator cancelled it while it waited for its budget") from None

    def cancel_agent(self, agent: str) -> int:
        """End the requests of an agent that wait for money; returns how many."""
        ids = [id for id, waits in self._waiting.items() if waits == agent]
        for id in ids:
            del self._waiting[id]
        self.retry_waiting()
        return len(ids)

    def retry_waiting(self) -> None:
        """Requests that wait for money try again: a reservation was released, or a limit or a switch has changed."""
        self._releases += 1
        released, self._released = self._released, asyncio.Event()
        released.set()

    async def _reserve_or_stay_local(self, active: ActiveRequest) -> None:
        """Without a ledger row only a local call may go on, where the settings allow it."""
        try:
            await self._reserve_or_replan(active)
        except LedgerError as error:
            self._monitoring.alerts.show(LEDGER_FAILED, since=active.started_at, error=error)
            if self._settings.ledger.on_unwritable in ("refuse", "serve"):
                raise
            self._replan(active, no_cloud="without a ledger row no cloud call is made")

    async def _reserve_or_replan(self, active: ActiveRequest) -> None:
        """Where another call took the money meanwhile, decide once more. Raises BudgetExceeded and LedgerError."""

        async def decide_anew() -> None:
            self._replan(active)
            await self._reserve(active)  # BudgetHeld where yet another call was quicker

        try:
            await self._reserve(active)
        except BudgetExceeded:
            await self.when_affordable(active.request, active.started, decide_anew)

    def _replan(self, active: ActiveRequest, *, no_cloud: str | None = None) -> None:
        again = self._planner.decide(active.plan.facts, time.perf_counter(), no_cloud=no_cloud)
        active.replan(again)

    async def _reserve(self, active: ActiveRequest) -> None:
        request, plan = active.request, active.plan
        admission = Admission(
            id=request.id,
            agent=request.agent,
            started_at=active.started_at,
            source=request.source,
            engine=plan.decision.engine,
            zone=plan.decision.zone,
            model=plan.decision.model,
            intent=plan.classes.intent,
            complexity=plan.classes.complexity,
            sensitive=plan.verdict.sensitive,
            prompt_hash=active.prompt_hash,
            reserved_usd=plan.candidates[plan.decision.engine].worst_usd,
            input_tokens=plan.classes.input_tokens,
            session=request.session,
            run=request.run,
        )
        active.reserved = True
        try:
            await self._ledger.admit(admission)
        except ClawError:
            active.reserved = False
            raise
