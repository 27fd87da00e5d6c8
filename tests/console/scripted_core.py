"""A Core that plays what a test gives it: a snapshot, events put one by one, and answers to the verbs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from backends.core.api import Core
from backends.errors import ClawError, Unreachable
from backends.events import Event
from backends.types import Acted, Action, Chunk, Explanation, Request, Review, Snapshot, Status, Timeline

END = None


class ScriptedCore:
    """`emit` events; `answer` is what every ask yields; `gate`, when given, holds an ask before its last chunk."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.current = snapshot
        self.snapshots = 0
        self.past: Snapshot | None = None
        self.moments: list[datetime] = []
        self.past_timeline: Timeline | None = None
        self.timelines: list[tuple[datetime, datetime]] = []
        self.answer: list[Chunk] = []
        self.refusal: ClawError | None = None
        self.explanation: Explanation | None = None
        self.reviewed: Review | None = None
        self.gate: asyncio.Event | None = None
        self.asked: list[Request] = []
        self.ended: list[str] = []
        self.explained: list[Request] = []
        self.acted: list[Action] = []
        self._queues: set[asyncio.Queue[Event | None]] = set()

    @property
    def watchers(self) -> int:
        return len(self._queues)

    def emit(self, *events: Event) -> None:
        for queue in self._queues:
            for event in events:
                queue.put_nowait(event)

    def vanish(self) -> None:
        """End every watcher, as when a core dies."""
        for queue in self._queues:
            queue.put_nowait(END)

    async def ask(self, request: Request) -> AsyncGenerator[Chunk]:
        self.asked.append(request)
        try:
            if self.refusal is not None:
                raise self.refusal
            for index, chunk in enumerate(self.answer):
                if self.gate is not None and index == len(self.answer) - 1:
                    await self.gate.wait()
                yield chunk
        finally:
            self.ended.append(request.id)

    async def explain(self, request: Request) -> Explanation:
        self.explained.append(request)
        if self.explanation is None:
            raise self.refusal or Unreachable("no explanation")
        return self.explanation

    async def snapshot(self, at: datetime | None = None) -> Snapshot:
        if at is not None:
            self.moments.append(at)
            if self.past is None:
                raise self.refusal or Unreachable("no past")
            return replace(self.past, at=at)
        self.snapshots += 1
        return self.current

    async def status(self) -> Status:
        raise NotImplementedError

    async def timeline(self, since: datetime, until: datetime) -> Timeline:
        self.timelines.append((since, until))
        if self.past_timeline is None:
            raise self.refusal or Unreachable("no timeline")
        return self.past_timeline

    async def events(self) -> AsyncGenerator[Event]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._queues.add(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
            raise Unreachable("the core went away")
        finally:
            self._queues.discard(queue)

    async def review(self) -> Review:
        if self.reviewed is None:
            raise self.refusal or Unreachable("no review")
        return self.reviewed

    async def act(self, action: Action) -> Acted:
        if self.refusal is not None:
            raise self.refusal
        self.acted.append(action)
        return Acted(at=self.current.at, action=action, detail=f"{action.verb} done")


class Opened(Struct, frozen=True, kw_only=True):
    core: Core
    mode: Literal["attached", "embedded"] = "embedded"
    where: str = "this process"


class Opener:
    """Opens `core` as often as asked; raises `error` instead while there is one."""

    def __init__(self, core: ScriptedCore, *, mode: Literal["attached", "embedded"] = "embedded") -> None:
        self.core = core
        self.mode = mode
        self.error: Exception | None = None
        self.opened = 0
        self.closed = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[Opened]:
        if self.error is not None:
            raise self.error
        self.opened += 1
        try:
            yield Opened(core=self.core, mode=self.mode)
        finally:
            self.closed += 1
