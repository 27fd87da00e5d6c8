"""The concurrency limit of one engine: so many calls at once, and a bounded queue in order of arrival.

It adapts to the engine: a "busy" takes one place away, a run of answers gives it back. The queue's depth, by agent, is
the only one that is known for Ollama, which reports none.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from backends.errors import QueueFull

REGROW_AFTER = 8  # answers in a row before a lost place is used again


class ConcurrencyLimiter:
    def __init__(
        self,
        engine: str,
        *,
        parallel: int,
        queue_limit: int,
        changed: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._most = parallel
        self._queue_limit = queue_limit
        self._changed = changed
        self._queue: deque[tuple[str, asyncio.Future[None]]] = deque()
        self._monotonic = monotonic
        self._answers = 0
        self._began: dict[object, float] = {}
        self.parallel = parallel
        self.in_flight = 0

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def full(self) -> bool:
        """Would one more call be refused?"""
        return len(self._queue) >= self._queue_limit

    def running_s(self) -> float | None:
        """Seconds that every running call has taken already; None where none runs."""
        return self._monotonic() - max(self._began.values()) if self._began else None

    def waiting_by_agent(self) -> dict[str, int]:
        return dict(Counter(agent for agent, _ in self._queue))

    @asynccontextmanager
    async def place(self, agent: str, *, retry_after_s: float | None = None) -> AsyncIterator[None]:
        """Hold one place. Raises QueueFull at once where too many wait already."""
        await self._take(agent, retry_after_s)
        place = object()
        self._began[place] = self._monotonic()
        try:
            yield
        finally:
            del self._began[place]
            self.in_flight -= 1
            self._hand_on()
            self._changed()

    async def _take(self, agent: str, retry_after_s: float | None) -> None:
        if self.in_flight < self.parallel and not self._queue:
            self.in_flight += 1
            self._changed()
            return
        if self.full:
            raise QueueFull(
                f"the {self._engine} engine's queue of {self._queue_limit} is full: try again later",
                retry_after_s=retry_after_s or 1.0,
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((agent, turn))
        self._changed()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # The place was handed over at the moment of leaving.
                self.in_flight -= 1
                self._hand_on()
            elif (agent, turn) in self._queue:
                self._queue.remove((agent, turn))
            self._changed()
            raise

    def _hand_on(self) -> None:
        while self._queue and self.in_flight < self.parallel:
            _, turn = self._queue.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

    def limit_to(self, parallel: int) -> None:
        """Change the most calls at once; those that run go on."""
        if parallel == self._most:
            return
        self.parallel = parallel if parallel > self._most else min(parallel, self.parallel)
        self._most = parallel
        self._hand_on()

    def busy(self) -> None:
        """The engine reported that it is full: use one place less."""
        self._answers = 0
        self.parallel = max(1, min(self.parallel, self.in_flight) - 1)
        self._changed()

    def answered(self) -> None:
        """The engine answered: after a run of these a lost place is used again."""
        if self.parallel >= self._most:
            return
        self._answers += 1
        if self._answers >= REGROW_AFTER:
            self._answers = 0
            self.parallel += 1
            self._hand_on()
            self._changed()
