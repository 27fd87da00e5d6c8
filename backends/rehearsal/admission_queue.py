"""The queue of a twin: some calls run, the next ones wait in order, the rest are refused."""

import asyncio
from collections import deque
from types import TracebackType


class QueueIsFull(Exception):
    """The queue is full."""


class AdmissionQueue:
    """An async context for one call. `limit` calls run at once, `queue_limit` (None: any number) wait."""

    def __init__(self, limit: int, queue_limit: int | None) -> None:
        self.running = 0
        self._limit = limit
        self._queue_limit = queue_limit
        self._waiters: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiters)

    def resize(self, limit: int, queue_limit: int | None) -> None:
        """Set new limits for new and waiting calls; running calls go on."""
        self._limit, self._queue_limit = limit, queue_limit
        self._admit()

    async def __aenter__(self) -> None:
        if self.running < self._limit:
            self.running += 1
            return
        if self._queue_limit is not None and len(self._waiters) >= self._queue_limit:
            raise QueueIsFull
        turn = asyncio.get_running_loop().create_future()
        self._waiters.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            else:
                self._waiters.remove(turn)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        self.running -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiters and self.running < self._limit:
            self._waiters.popleft().set_result(None)
            self.running += 1
