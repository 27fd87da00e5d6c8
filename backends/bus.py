"""Events from the core to whoever watches. Publishing never waits and never fails."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from backends.events import SAMPLES, EngineSampled, Event, Resync, RuntimeSampled, SessionSampled

BACKLOG = 4096
"""Lifecycle events that a watcher may fall behind before it must resync: about a minute of heavy traffic."""


class Bus:
    def __init__(self) -> None:
        self._watchers: set[_Watcher] = set()

    @property
    def watchers(self) -> int:
        """How many are watching."""
        return len(self._watchers)

    def publish(self, event: Event) -> None:
        for watcher in self._watchers:
            watcher.put(event)

    async def events(self) -> AsyncGenerator[Event]:
        """Yield events published from the first `anext` on, until closed."""
        watcher = _Watcher()
        self._watchers.add(watcher)
        try:
            while True:
                yield await watcher.get()
        finally:
            self._watchers.discard(watcher)


class _Watcher:
    """Lifecycle events in order, then the newest sample of each kind."""

    def __init__(self) -> None:
        self._lifecycle: deque[Event] = deque()
        self._samples: dict[object, Event] = {}
        self._filled = asyncio.Event()

    def put(self, event: Event) -> None:
        if isinstance(event, SAMPLES):
            kind = _kind(event)
            self._samples.pop(kind, None)
            self._samples[kind] = event
        elif len(self._lifecycle) >= BACKLOG:
            self._lifecycle.clear()
            self._samples.clear()
            self._lifecycle.append(Resync())
        else:
            self._lifecycle.append(event)
        self._filled.set()

    async def get(self) -> Event:
        while not self._lifecycle and not self._samples:
            self._filled.clear()
            await self._filled.wait()
        if self._lifecycle:
            return self._lifecycle.popleft()
        return self._samples.pop(next(iter(self._samples)))


def _kind(sample: Event) -> object:
    """What a newer sample replaces: one of its type, of the same engine or session where it is about one."""
    match sample:
        case EngineSampled(engine=state):
            return EngineSampled, state.name
        case RuntimeSampled(engine=name):
            return RuntimeSampled, name
        case SessionSampled(session=session):
            return SessionSampled, session.agent, session.id
    return type(sample)
