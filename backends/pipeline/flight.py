"""One answer on its way, and everybody who waits for it.

Identical requests in flight share one upstream call. Its chunks are kept until it is over (an answer is bounded by
its output cap), so that each listener reads at its own pace and a slow one never holds up the engine. Whoever leaves
leaves the others alone; the call ends when the last one has left.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from backends.errors import ClawError
from backends.pipeline.plan import RoutePlan
from backends.types import (
    Called,
    Chunk,
    Delta,
    EngineName,
    Explanation,
    Finish,
    Outcome,
    Request,
    Routed,
    ToolCall,
    Zone,
)
from backends.upstream.usage_meter import RequestUsage

Cut = Literal["cancelled", "deadline", "closing"]


class FlightLost(ClawError):
    """The task of a flight ended without a row: a fault of our own, told to its callers and logged."""


class Ending(Struct, frozen=True, kw_only=True):
    """How the upstream part of a flight ended. `error` is set where no engine answered whole.

    `verified` is what a check said of the answer, None where none could tell; `confidence` as in engines' Finished.
    """

    finish: Finish
    engine: EngineName
    zone: Zone
    model: str
    notes: tuple[str, ...] = ()
    error: ClawError | None = None
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    confidence: float | None = None
    verified: bool | None = None


class Flight:
    """`request` is the leader's: the one that started it, and whose ledger row carries the cost.

    `ending` stays None where the upstream call was cut; then `cut` says why. `first_at` is when the first part of an
    answer was heard, however that ended, `progress_at` when an engine last gave a sign of life, in seconds of
    clock.monotonic. `fingerprint` names its prompt. `kept` is the class of models that the cache keeps its answer
    under, `flushes` how often the cache had been flushed when it started. `booked` is True once its reservation may
    stand.
    """

    def __init__(
        self,
        request: Request,
        plan: RoutePlan,
        *,
        started_at: datetime,
        started: float,
        kept: str = "",
        flushes: int = 0,
    ) -> None:
        self.request = request
        self.plan = plan
        self.started_at = started_at
        self.started = started
        self.kept = kept
        self.flushes = flushes
        self.first_at: float | None = None
        self.progress_at = started
        self.fingerprint = ""
        self.booked = False
        self.chunks: list[Chunk] = [Routed(id=request.id, explanation=plan.explanation)]
        self.tally = RequestUsage()
        self.ending: Ending | None = None
        self.outcome: Outcome | None = None
        self.listeners = 0
        self.cut: Cut | None = None
        self.leader_left: Cut | None = None
        self.failed_replicas: set[tuple[EngineName, int]] = set()
        self.task: asyncio.Task[None] | None = None
        self.upstream: asyncio.Task[Any] | None = None
        self._news = asyncio.Event()
        self.closely = False  # is the local engine to be asked how sure it is?
        self.lightly = False  # is its text to be heard as soon as it is no tool call?
        self._held: list[Chunk] | None = None
        self.on_progress: Callable[[], None] | None = None

    @property
    def holds(self) -> bool:
        """Is what an answer says being kept back?"""
        return self._held is not None

    @property
    def over(self) -> bool:
        return self.outcome is not None or (self.task is not None and self.task.done())

    @property
    def spoke(self) -> bool:
        """Has any part of an answer been heard? From then on no other engine may take over."""
        return any(isinstance(chunk, Delta | Called) for chunk in self.chunks)

    def progressed(self, now: float) -> None:
        """An engine said something, whether or not anybody may hear it yet."""
        self.progress_at = now
        if self.on_progress is not None:
            self.on_progress()

    def tell(self, chunk: Chunk) -> None:
        if self._held is not None and isinstance(chunk, Delta | Called):
            self._held.append(chunk)
            return
        self.chunks.append(chunk)
        self._wake()

    def hold(self, held: bool) -> None:
        """Keep what an answer says back from now on, or no longer; what was kept back so far is dropped."""
        self._held = [] if held else None

    def taken(self) -> list[Chunk]:
        """What was kept back, which is no more; from now on nothing is."""
        held, self._held = self._held or [], None
        return held

    def release(self) -> None:
        """Let what was kept back be heard, and all that follows."""
        for chunk in self.taken():
            self.tell(chunk)

    def land(self, outcome: Outcome) -> None:
        """The end: the row is committed, listeners may hear it."""
        self.outcome = outcome
        self._wake()

    def stop(self, why: Cut) -> None:
        """End the upstream call now; the row is still written."""
        if not self.over and self.cut is None:
            self.cut = why
            if self.upstream is not None:
                self.upstream.cancel()

    async def news(self, heard: int) -> None:
        """Wait until there are more than `heard` chunks, or the end."""
        while len(self.chunks) <= heard and not self.over:
            await self._news.wait()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def landed(self) -> Outcome | None:
        """The outcome; None while still in the air. Raises FlightLost where the task ended without one."""
        if self.outcome is None and self.task is not None and self.task.done():
            raise FlightLost("the answer was lost by a fault of claw's own: see the log, and ask again")
        return self.outcome

    def update_explanation(self, explanation: Explanation) -> None:
        """Another explanation is in force from now on: who listens hears it."""
        self.plan = replace(self.plan, explanation=explanation)
        self.tell(Routed(id=self.request.id, explanation=explanation))

    def replan(self, plan: RoutePlan) -> None:
        """Take another decision before the flight has started."""
        self.plan = plan
        self.chunks = [Routed(id=self.request.id, explanation=plan.explanation)]

    def crashed(self) -> None:
        """The task is gone without an end: let listeners find out."""
        self._wake()
