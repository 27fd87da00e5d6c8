"""The concurrency limit of one engine: so many calls at once, and a bounded queue.

Calls that somebody watches come before the others, in a queue that is as long again: agents that flood an engine keep
nobody waiting for more than one of their calls. Each of both queues is in order of arrival.

It adapts to the engine: a "busy" takes one place away, a run of answers gives it back. The queue's depth, by agent, is
the only one that is known for Ollama, which reports none.
"""

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from backends.errors import ClawError, QueueFull

REGROW_AFTER = 8  # answers in a row before a lost place is used again
TOLD_AFTER_S = 0.5
"""Least time between two words to a waiting call about its place in the queue."""

Moved = Callable[[int], None]
"""Is told a call's place in the queue; 1 is the next to run. Whoever asks to be told is watching."""


def stays_here() -> bool:
    """Of a call that no other engine would take."""
    return False


@dataclass(eq=False)
class Waiter:
    """A call in the queue. `since` is when it came and `until` how long its caller waits, in monotonic seconds. `told`
    is the last place that `moved` was told, 0 before the first. `may_go` says whether another engine would take it now.
    """

    agent: str
    turn: asyncio.Future[None]
    since: float
    until: float = math.inf
    moved: Moved | None = None
    told: int = 0
    may_go: Callable[[], bool] = stays_here

    @property
    def watched(self) -> bool:
        return self.moved is not None


class ConcurrencyLimiter:
    def __init__(
        self,
        engine: str,
        *,
        parallel: int,
        queue_limit: int,
        changed: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
        told_after_s: float = TOLD_AFTER_S,
    ) -> None:
        self._engine = engine
        self._most = parallel
        self._queue_limit = queue_limit
        self._changed = changed
        self._queue: deque[Waiter] = deque()
        self._telling: asyncio.TimerHandle | None = None
        self._monotonic = monotonic
        self._told_after_s = told_after_s
        self._answers = 0
        self._began: dict[object, float] = {}
        self.parallel = parallel
        self.in_flight = 0

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def before(self, *, watched: bool) -> int:
        """How many that wait would come before one more call."""
        if not watched:
            return len(self._queue)
        return next((place for place, waiter in enumerate(self._queue) if not waiter.watched), len(self._queue))

    def full(self, *, watched: bool = False) -> bool:
        """Would one more call be refused?"""
        waiting = self.before(watched=True)
        return (waiting if watched else len(self._queue) - waiting) >= self._queue_limit

    def room(self, agent: str, among: int) -> int:
        """How many more calls of `agent` it would take, that nobody watches, where `among` agents share the queue."""
        unwatched = len(self._queue) - self.before(watched=True)
        free = self._queue_limit - unwatched
        if free <= 0:
            return 0
        if among > 1 and unwatched:
            mine = sum(waiter.agent == agent for waiter in self._queue)
            free = min(free, max(0, math.ceil(self._queue_limit / among) - mine))
        return free + max(0, self.parallel - self.in_flight)

    def running_s(self) -> float | None:
        """Seconds that every running call has taken already; None where none runs."""
        return self._monotonic() - max(self._began.values()) if self._began else None

    def oldest_wait_s(self) -> float | None:
        """For how long the first in the queue has waited; None where none waits."""
        return self._monotonic() - self._queue[0].since if self._queue else None

    def late(self, expected_s: Callable[[int], float | None]) -> int:
        """How many in the queue are expected to get their answer's first byte later than their callers wait for it.
        `expected_s` is how long that takes from now on with so many before it, None where nobody can tell.
        """
        now, count = self._monotonic(), 0
        for before, waiter in enumerate(self._queue):
            expected = expected_s(before)
            count += expected is not None and now + expected > waiter.until
        return count

    def waiting_by_agent(self) -> dict[str, int]:
        return dict(Counter(waiter.agent for waiter in self._queue))

    @asynccontextmanager
    async def place(
        self,
        agent: str,
        *,
        retry_after_s: float | None = None,
        until: float = math.inf,
        moved: Moved | None = None,
        may_go: Callable[[], bool] = stays_here,
    ) -> AsyncIterator[None]:
        """Hold one place. Raises QueueFull at once where too many wait already, and what `send_away` is given.

        `until` is how long its caller waits, in monotonic seconds. `moved` is told the call's place in the queue, at
        once and when it changes, at most twice a second. `may_go` says whether another engine would take the call.
        """
        turn = asyncio.get_running_loop().create_future()
        await self._take(Waiter(agent, turn, self._monotonic(), until, moved, may_go=may_go), retry_after_s)
        place = object()
        self._began[place] = self._monotonic()
        try:
            yield
        finally:
            del self._began[place]
            self.in_flight -= 1
            self._hand_on()
            self._changed()

    async def _take(self, waiter: Waiter, retry_after_s: float | None) -> None:
        if self.in_flight < self.parallel and not self._queue:
            self.in_flight += 1
            self._changed()
            return
        if self.full(watched=waiter.watched):
            raise QueueFull(
                f"the {self._engine} engine's queue of {self._queue_limit} is full: try again later",
                retry_after_s=retry_after_s or 1.0,
            )
        place, turn = self.before(watched=waiter.watched), waiter.turn
        waiter.told = place + 1
        self._queue.insert(place, waiter)
        self._changed()
        if waiter.moved is not None:
            waiter.moved(waiter.told)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # The place was handed over at the moment of leaving.
                self.in_flight -= 1
                self._hand_on()
            elif waiter in self._queue:
                self._queue.remove(waiter)
                self._tell_soon()
            self._changed()
            raise

    def send_away(self, error: ClawError) -> int:
        """End the waiting of every call that another engine would take, with `error`; returns how many these are.

        The others keep their order and get their turns here.
        """
        going = [waiter for waiter in self._queue if not waiter.turn.done() and waiter.may_go()]
        for waiter in going:
            self._queue.remove(waiter)
            waiter.turn.set_exception(error)
        if going:
            self._tell_soon()
            self._changed()
        return len(going)

    def _hand_on(self) -> None:
        while self._queue and self.in_flight < self.parallel:
            waiter = self._queue.popleft()
            if not waiter.turn.done():
                self.in_flight += 1
                waiter.turn.set_result(None)
        self._tell_soon()

    def _tell_soon(self) -> None:
        """Places have changed: tell whoever asked to know, unless that is due already."""
        if self._telling is None and any(waiter.moved is not None for waiter in self._queue):
            self._telling = asyncio.get_running_loop().call_later(self._told_after_s, self._tell)

    def _tell(self) -> None:
        self._telling = None
        for position, waiter in enumerate(tuple(self._queue), start=1):
            if waiter.moved is not None and position != waiter.told and not waiter.turn.done():
                waiter.told = position
                waiter.moved(position)

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

    def restore(self) -> None:
        """What the engine reported before says nothing any more: use all places again."""
        self._answers, self.parallel = 0, self._most
        self._hand_on()

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
