"""Single flight: identical requests that arrive while one of them runs share its answer.

Also the owner of all running requests' tasks, whether they are shared or not: cancelled by id, drained at the end.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any

from backends.pipeline.active_request import ActiveRequest, Cut

CLOSING_S = 0.2
"""How long a subscriber that leaves waits for the upstream call to be closed and its row to be written."""

log = logging.getLogger(__name__)


class SingleFlight:
    """All running requests, by id, and those that can be shared, by key."""

    def __init__(self) -> None:
        self._shared: dict[bytes, ActiveRequest] = {}
        self._turns: dict[bytes, _Turn] = {}
        self._running: dict[str, ActiveRequest] = {}

    @asynccontextmanager
    async def turn(self, key: bytes | None) -> AsyncGenerator[None]:
        """Identical requests decide one after the other whether to join a run or to start one."""
        if key is None:
            yield
            return
        turn = self._turns.setdefault(key, _Turn())
        turn.wanted += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.wanted -= 1
            if not turn.wanted:
                del self._turns[key]

    def find(self, key: bytes | None) -> ActiveRequest | None:
        """The run that a request of this key may join, or None."""
        active = self._shared.get(key) if key is not None else None
        return active if active is not None and active.cut is None and not active.ended else None

    def start(self, key: bytes | None, active: ActiveRequest, work: Coroutine[Any, Any, None]) -> None:
        """Run `work`, which ends with the request's committed row, in a task of its own. A `key` lets others join."""
        self._running[active.request.id] = active
        if key is not None:
            self._shared.setdefault(key, active)
        active.task = asyncio.create_task(work, name=f"request {active.request.id}")
        active.task.add_done_callback(lambda task: self._ended(key, active, task))

    def cancel(self, id: str) -> bool:
        """End a running request; False where no request of this id runs."""
        if (active := self._running.get(id)) is None:
            return False
        active.stop("cancelled")
        return True

    def cancel_agent(self, agent: str) -> int:
        """End all running requests of an agent; returns how many. A run that others wait for, too, goes on for them."""
        runs = [active for active in self._running.values() if active.subscribers[agent]]
        for active in runs:
            if active.subscribers[agent] == active.subscribers.total():
                active.stop("cancelled")
            else:
                active.dismiss(agent)
        return sum(active.subscribers[agent] for active in runs)

    async def drain(self, seconds: float) -> None:
        """Wait for all requests to end, and stop those that have not by then; their rows are written either way."""
        if tasks := self._tasks():
            await asyncio.wait(tasks, timeout=seconds)
        for active in list(self._running.values()):
            active.stop("closing")
        if tasks := self._tasks():
            await asyncio.wait(tasks)

    def _tasks(self) -> set[asyncio.Task[None]]:
        return {active.task for active in self._running.values() if active.task is not None}

    def _ended(self, key: bytes | None, active: ActiveRequest, task: asyncio.Task[None]) -> None:
        self._running.pop(active.request.id, None)
        if key is not None and self._shared.get(key) is active:
            del self._shared[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("request %s failed by a fault of claw's own", active.request.id, exc_info=error)
        active.task_ended()


class _Turn:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.wanted = 0


class Subscriber:
    """One caller that waits for a run's answer. When the last one leaves, the run is stopped."""

    def __init__(self, active: ActiveRequest, agent: str, *, leads: bool) -> None:
        self._active = active
        self._agent = agent
        self._leads = leads
        self._gone = False

    async def __aenter__(self) -> "Subscriber":
        self._active.subscribers[self._agent] += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._gone:
            await self.leave("cancelled")

    async def leave(self, why: Cut) -> None:
        """Stop waiting. The last one to leave before the end stops the run."""
        active, self._gone = self._active, True
        active.subscribers[self._agent] -= 1
        if active.ended:
            return
        if self._leads:
            active.leader_cut = why
        if not active.subscribers.total():
            active.stop(why)
            if active.task is not None:
                await asyncio.wait({active.task}, timeout=CLOSING_S)
