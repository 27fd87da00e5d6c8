"""Load shedding: how many of the agents' requests are prepared at once, which wait for that, and which are refused.

Until it is routed, a request costs milliseconds of the event loop: its JSON is parsed, its envelope read, the privacy
gate passed. To refuse it before that costs a small part. A core that is asked for more than it can do would otherwise
be late for everybody, and busy with requests that nobody waits for any more.

Agents take turns, so that one that floods the core delays its own requests, not those of others.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

from backends.errors import QueueFull

PREPARED = 4
"""Requests that are prepared at once: enough to share the ledger's commits, few enough that the loop turns quickly."""

WAITING = 1_024
"""Requests that may wait to be prepared: agents send dozens at a time."""

LATE_S = 2.0
"""The longest wait that is expected of anyone: beyond it agents of which requests wait already are refused."""

TICK_S, TURN_S = 0.003, 0.002
"""While some wait, others begin at a tick, and only where the loop is no later than this: what has begun goes first."""

EACH_S, SMOOTHING = 0.002, 0.05
"""Seconds between two beginnings while some wait: as taken at first, and how much of each new one counts."""

HELD_S = 0.25
"""What takes longer than this waits for something else than the processor, and lets the next one begin."""

AGENTS, RECENT_S = 64, 5.0
"""Engines' queues are shared among the agents, at most so many, that asked within this time."""

RETRY_AFTER_S = 1.0

Room = Callable[[str, int], int | None]
"""How many more requests of an agent the engines' queues would take, where so many agents share them; None for any."""


class Preparation:
    """One request that is being prepared. `routed` is called once it is, or has ended; twice does no harm."""

    def __init__(self, shedder: "LoadShedder") -> None:
        self._shedder = shedder
        self._held = self._unrouted = True
        self._timer = asyncio.get_running_loop().call_later(HELD_S, self._let_next)

    def routed(self) -> None:
        if self._unrouted:
            self._unrouted = False
            self._shedder.unrouted -= 1
        self._timer.cancel()
        self._let_next()

    def _let_next(self) -> None:
        if self._held:
            self._held = False
            self._shedder.preparing -= 1


class LoadShedder:
    """`preparing` requests have a place, `unrouted` ones also wait for one, or have held theirs for too long.

    All memory is bounded: WAITING requests, one more for each of AGENTS of which none waits, and their names.
    """

    def __init__(self, room: Room | None = None) -> None:
        self._room = room or _any
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._waiting = 0
        self._ticking = False
        self._began, self._each_s = 0.0, EACH_S
        self._asked: OrderedDict[str, float] = OrderedDict()
        self.preparing = 0
        self.unrouted = 0

    def check(self, agent: str) -> None:
        """Raises QueueFull where one more request of `agent` would be refused."""
        room = self._room(agent, self._among(agent))
        if room is not None and room <= self.unrouted:
            raise QueueFull("every engine's queue is full: try again later", retry_after_s=RETRY_AFTER_S)
        late = self._waiting >= WAITING or self._waiting * self._each_s > LATE_S
        if late and (agent in self._queues or len(self._queues) >= AGENTS):
            raise QueueFull("more requests came than the core can prepare: try again", retry_after_s=RETRY_AFTER_S)

    async def take(self, agent: str) -> Preparation:
        """A place for a request of `agent`, at its turn. Raises QueueFull at once where too many wait."""
        self.check(agent)
        self.unrouted += 1
        if self.preparing < PREPARED and not self._waiting:
            self.preparing += 1
            return Preparation(self)
        try:
            await self._turn(agent)
        except asyncio.CancelledError:
            self.unrouted -= 1
            raise
        return Preparation(self)

    async def _turn(self, agent: str) -> None:
        turn = self._loop.create_future()
        self._queues.setdefault(agent, deque()).append(turn)
        self._waiting += 1
        if not self._ticking:
            self._ticking, self._began = True, self._now()
            self._tick_at(self._began + TICK_S)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.preparing -= 1  # the place was handed over at the moment of leaving
            else:
                self._forget(agent, turn)
            raise

    def _tick_at(self, due: float) -> None:
        self._loop.call_at(due, self._tick, due)

    def _tick(self, due: float) -> None:
        """Let the next ones begin, unless the loop is late."""
        now = self._now()
        if now - due <= TURN_S:
            while self._queues and self.preparing < PREPARED:
                self._begin_next(now)
        self._ticking = bool(self._queues)
        if self._ticking:
            self._tick_at(now + TICK_S)

    def _begin_next(self, now: float) -> None:
        """The agent whose turn it is gets a place, and is the last one then."""
        agent, queue = self._queues.popitem(last=False)
        turn = queue.popleft()
        if queue:
            self._queues[agent] = queue
        self._waiting -= 1
        self.preparing += 1
        began, self._began = self._began, now
        self._each_s += SMOOTHING * (now - began - self._each_s)
        turn.set_result(None)

    def _forget(self, agent: str, turn: asyncio.Future[None]) -> None:
        queue = self._queues[agent]
        queue.remove(turn)
        self._waiting -= 1
        if not queue:
            del self._queues[agent]

    def _among(self, agent: str) -> int:
        """How many agents asked lately, this one too."""
        asked, now = self._asked, self._now()
        asked[agent] = now
        asked.move_to_end(agent)
        while len(asked) > AGENTS or next(iter(asked.values())) < now - RECENT_S:
            asked.popitem(last=False)
        return len(asked)


def _any(agent: str, among: int) -> None:
    """Of engines without a limit."""
