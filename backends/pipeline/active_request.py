"""One admitted request that runs, and everybody who waits for its answer.

Identical requests share one run. Its chunks are kept until it has ended (an answer is bounded by its output cap), so
that each subscriber reads at its own pace and a slow one never delays the engine. A subscriber that leaves does not
affect the others; the run is stopped when the last one has left.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from backends.errors import ClawError
from backends.pipeline.plan import CheckPlan, RoutePlan
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
"""Why a run was stopped before its end."""


class AnswerLost(ClawError):
    """A run ended without a row: a fault of claw's own, reported to its callers and logged."""


class Ending(Struct, frozen=True, kw_only=True):
    """How the engines' part of a run ended. `error` is set where no engine answered whole.

    `verified` is the result of the checks, None where they could not tell; `confidence` is as in an engine's Finished.
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


class ActiveRequest:
    """`request` is the leader's: the one that started the run, and whose ledger row carries the cost.

    `ending` stays None where the run was stopped; `cut` then says why, and `leader_cut` why the leader left before the
    end. `first_at` is when the first part of an answer was heard, `progress_at` when an engine last sent anything, both
    in seconds of clock.monotonic. `subscribers` are counted by agent; those of agents that are `dismissed` leave.
    `model_class` is what the cache stores its answer under, `flushes` how often the cache had been flushed when it
    started. `reserved` is True once its reservation may stand in the ledger.
    """

    def __init__(
        self,
        request: Request,
        plan: RoutePlan,
        *,
        started_at: datetime,
        started: float,
        prompt_hash: str,
        model_class: str,
        flushes: int,
    ) -> None:
        self.request = request
        self.plan = plan
        self.started_at = started_at
        self.started = started
        self.prompt_hash = prompt_hash
        self.model_class = model_class
        self.flushes = flushes
        self.checks = CheckPlan()
        self.reserved = False
        self.first_at: float | None = None
        self.progress_at = started
        self.on_progress: Callable[[], None] | None = None
        self.chunks: list[Chunk] = [Routed(id=request.id, explanation=plan.explanation)]
        self.usage = RequestUsage()
        self.ending: Ending | None = None
        self.outcome: Outcome | None = None
        self.subscribers: Counter[str] = Counter()
        self.dismissed: set[str] = set()
        self.cut: Cut | None = None
        self.leader_cut: Cut | None = None
        self.failed_replicas: set[tuple[EngineName, int]] = set()
        self.task: asyncio.Task[None] | None = None
        self.upstream: asyncio.Task[Any] | None = None
        self._changed = asyncio.Event()
        self._withheld: list[Chunk] | None = None

    @property
    def withholding(self) -> bool:
        """Is the answer being kept from the subscribers for now?"""
        return self._withheld is not None

    @property
    def ended(self) -> bool:
        return self.outcome is not None or (self.task is not None and self.task.done())

    @property
    def deserted(self) -> bool:
        """Did those who waited for it leave by themselves, or their time run out? Nobody at the chat counts: there an
        answer is also stopped because it is not wanted any more.
        """
        return self.cut == "deadline" or (self.request.source != "chat" and not self.subscribers.total())

    @property
    def spoke(self) -> bool:
        """Has any part of an answer been heard? From then on no other engine may take over."""
        return any(isinstance(chunk, Delta | Called) for chunk in self.chunks)

    def progressed(self, now: float) -> None:
        """An engine sent something, whether or not anybody may hear it yet."""
        self.progress_at = now
        if self.on_progress is not None:
            self.on_progress()

    def publish(self, chunk: Chunk) -> None:
        """Give a chunk to the subscribers, or keep it for now where the answer is withheld."""
        if self._withheld is not None and isinstance(chunk, Delta | Called):
            self._withheld.append(chunk)
            return
        self.chunks.append(chunk)
        self._wake()

    def withhold(self, on: bool) -> None:
        """Keep the answer from the subscribers from now on, or no longer; what was withheld so far is dropped."""
        self._withheld = [] if on else None

    def take_withheld(self) -> list[Chunk]:
        """Stop withholding, and return what was withheld."""
        withheld, self._withheld = self._withheld or [], None
        return withheld

    def release(self) -> None:
        """Stop withholding, and publish what was withheld."""
        for chunk in self.take_withheld():
            self.publish(chunk)

    def complete(self, outcome: Outcome) -> None:
        """The end: the row is committed, and subscribers may hear of it."""
        self.outcome = outcome
        self._wake()

    def completed(self) -> Outcome | None:
        """The outcome, None while it still runs. Raises AnswerLost where it ended without one."""
        if self.outcome is None and self.task is not None and self.task.done():
            raise AnswerLost("the answer was lost by a fault of claw's own: see the log, and ask again")
        return self.outcome

    def stop(self, why: Cut) -> None:
        """End the upstream call now; the row is still written."""
        if not self.ended and self.cut is None:
            self.cut = why
            if self.upstream is not None:
                self.upstream.cancel()

    def dismiss(self, agent: str) -> None:
        """Have the subscribers of this agent leave; the run goes on for the others."""
        self.dismissed.add(agent)
        self._wake()

    def task_ended(self) -> None:
        """Wake the subscribers, also where the task has ended without an outcome."""
        self._wake()

    async def wait_past(self, chunks: int, agent: str) -> None:
        """Wait until there are more than so many chunks, or the end, or this agent is dismissed."""
        while len(self.chunks) <= chunks and not self.ended and agent not in self.dismissed:
            await self._changed.wait()

    def update_explanation(self, explanation: Explanation) -> None:
        """Another explanation is in force from now on, and the subscribers are told."""
        self.plan = replace(self.plan, explanation=explanation)
        self.publish(Routed(id=self.request.id, explanation=explanation))

    def replan(self, plan: RoutePlan) -> None:
        """Take another decision before the run has started."""
        self.plan = plan
        self.chunks = [Routed(id=self.request.id, explanation=plan.explanation)]

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
