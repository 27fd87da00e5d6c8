"""Flights in the air: who owns their tasks, who may join, and what happens when a seat is left."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from types import TracebackType

from backends.pipeline.flight import Cut, Flight

CLOSING_S = 0.2  # how long one who leaves waits for the upstream call to be closed and its row to be written

log = logging.getLogger(__name__)


class Flights:
    """`fly` runs one flight to its committed row; it is called in a task of its own."""

    def __init__(self, fly: Callable[[Flight], Coroutine[None, None, None]]) -> None:
        self._fly = fly
        self._shared: dict[bytes, Flight] = {}
        self._turns: dict[bytes, _Turn] = {}
        self._all: dict[str, Flight] = {}

    @asynccontextmanager
    async def turn(self, key: bytes | None) -> AsyncGenerator[None]:
        """Of identical requests one at a time finds out whether to join a flight or to start one."""
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

    def joinable(self, key: bytes | None) -> Flight | None:
        flight = self._shared.get(key) if key is not None else None
        return flight if flight is not None and flight.cut is None and not flight.over else None

    def start(self, key: bytes | None, flight: Flight) -> None:
        self._all[flight.request.id] = flight
        if key is not None:
            self._shared.setdefault(key, flight)
        flight.task = asyncio.create_task(self._fly(flight), name=f"flight {flight.request.id}")
        flight.task.add_done_callback(lambda task: self._ended(key, flight, task))

    def cancel(self, id: str) -> bool:
        """End a call by its request's id; False where none of that id is in the air."""
        if (flight := self._all.get(id)) is None:
            return False
        flight.stop("cancelled")
        return True

    async def drain(self, seconds: float) -> None:
        """Wait for all to land, and end those that have not by then; their rows are written either way."""
        if tasks := self._tasks():
            await asyncio.wait(tasks, timeout=seconds)
        for flight in list(self._all.values()):
            flight.stop("closing")
        if tasks := self._tasks():
            await asyncio.wait(tasks)

    def _tasks(self) -> set[asyncio.Task[None]]:
        return {flight.task for flight in self._all.values() if flight.task is not None}

    def _ended(self, key: bytes | None, flight: Flight, task: asyncio.Task[None]) -> None:
        self._all.pop(flight.request.id, None)
        if key is not None and self._shared.get(key) is flight:
            del self._shared[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("flight %s broke by a fault of claw's own", flight.request.id, exc_info=error)
        flight.crashed()


class _Turn:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.wanted = 0


class Seat:
    """A place among a flight's listeners. Leaving the last one ends the call."""

    def __init__(self, flight: Flight, *, leads: bool) -> None:
        self._flight = flight
        self._leads = leads
        self._left = False

    async def __aenter__(self) -> "Seat":
        self._flight.listeners += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._left:
            await self.leave("cancelled")

    async def leave(self, why: Cut) -> None:
        """Go before the end; once the flight is over this only gives the place back."""
        flight, self._left = self._flight, True
        flight.listeners -= 1
        if flight.over:
            return
        if self._leads:
            flight.leader_left = why
        if flight.listeners == 0:
            flight.stop(why)
            if flight.task is not None:
                await asyncio.wait({flight.task}, timeout=CLOSING_S)
