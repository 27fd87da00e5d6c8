"""The console's calls to the core: each a task of the connection's group, its chunks paced for a terminal."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from datetime import datetime

from textual.message import Message

from backends.core.api import Core
from backends.errors import ClawError
from backends.types import Action, Chunk, Delta, Request, Snapshot
from console.messages import (
    ActionFailed,
    ActionSucceeded,
    AnswerFailed,
    ChunkArrived,
    ReviewLoaded,
    RoutePreviewed,
    TimelineLoaded,
)

PERIOD_S = 0.05
"""Least time between two messages of one turn's text."""

ANSWER_LOST = "The core went away before the answer ended. Its ledger has the result."
ACTION_LOST = "The core went away before it answered. Check the result once it is back."

Post = Callable[[Message], object]


class CoreCalls:
    """The running calls to one core. Every task belongs to `group`, which awaits it. A past moment is handed to
    `moment_found`.
    """

    def __init__(
        self,
        core: Core,
        group: asyncio.TaskGroup,
        post: Post,
        drained: Callable[[], bool],
        moment_found: Callable[[Snapshot], object],
    ) -> None:
        self._core = core
        self._group = group
        self._post = post
        self._drained = drained
        self._moment_found = moment_found
        self._moment: datetime | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    def ask(self, turn: str, request: Request) -> None:
        self._start(f"ask {turn}", self._ask(turn, request))

    def cancel(self, turn: str) -> None:
        """End a turn; it posts no more messages."""
        if task := self._tasks.get(f"ask {turn}"):
            task.cancel()

    def preview(self, turn: str, request: Request) -> None:
        """A newer preview cancels the one before."""
        if task := self._tasks.get("preview"):
            task.cancel()
        self._start("preview", self._preview(turn, request))

    def review(self) -> None:
        """One at a time: reading the ledger may take a while."""
        if "review" not in self._tasks:
            self._start("review", self._review())

    def timeline(self, since: datetime, until: datetime) -> None:
        """A newer one cancels the one before."""
        if task := self._tasks.get("timeline"):
            task.cancel()
        self._start("timeline", self._timeline(since, until))

    def look_back(self, at: datetime) -> None:
        """One at a time; of the moments that are asked for meanwhile the last one is next."""
        self._moment = at
        if "look back" not in self._tasks:
            self._start("look back", self._look_back())

    def act(self, action: Action) -> None:
        self._start(f"act {id(action)}", self._act(action))

    def close(self) -> None:
        """The core is gone: cancel every call; turns and actions post that they failed."""
        self._closed = True
        for task in self._tasks.values():
            task.cancel()

    def _start(self, name: str, work: Coroutine[object, object, None]) -> None:
        task = self._group.create_task(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._forget(name, done))

    def _forget(self, name: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is task:
            del self._tasks[name]

    async def _ask(self, turn: str, request: Request) -> None:
        paced = PacedChunks(turn, self._post, self._drained)
        try:
            async with aclosing(self._core.ask(request)) as chunks:
                async for chunk in chunks:
                    paced.put(chunk)
            paced.flush()
        except (ClawError, OSError) as error:
            paced.flush()
            self._post(AnswerFailed(turn, str(error)))
        except asyncio.CancelledError:
            if self._closed:
                paced.flush()
                self._post(AnswerFailed(turn, ANSWER_LOST))
            raise
        finally:
            paced.close()

    async def _preview(self, turn: str, request: Request) -> None:
        try:
            explained = await self._core.explain(request)
            self._post(
                RoutePreviewed(turn, line=explained.error)
                if explained.error
                else RoutePreviewed(turn, explanation=explained)
            )
        except (ClawError, OSError) as error:
            self._post(RoutePreviewed(turn, line=str(error)))

    async def _review(self) -> None:
        try:
            self._post(ReviewLoaded(review=await self._core.review()))
        except (ClawError, OSError) as error:
            self._post(ReviewLoaded(line=str(error)))

    async def _timeline(self, since: datetime, until: datetime) -> None:
        try:
            self._post(TimelineLoaded(timeline=await self._core.timeline(since, until)))
        except (ClawError, OSError) as error:
            self._post(TimelineLoaded(line=str(error)))

    async def _look_back(self) -> None:
        while (at := self._moment) is not None:
            self._moment = None
            try:
                self._moment_found(await self._core.snapshot(at))
            except (ClawError, OSError) as error:
                self._post(ActionFailed(f"That moment cannot be shown: {error}"))

    async def _act(self, action: Action) -> None:
        try:
            self._post(ActionSucceeded(await self._core.act(action)))
        except (ClawError, OSError) as error:
            self._post(ActionFailed(str(error)))
        except asyncio.CancelledError:
            self._post(ActionFailed(ACTION_LOST))
            raise


class PacedChunks:
    """A turn's chunks as messages: text that comes faster than `PERIOD_S` is joined."""

    def __init__(self, turn: str, post: Post, drained: Callable[[], bool]) -> None:
        self._turn = turn
        self._post = post
        self._drained = drained
        self._loop = asyncio.get_running_loop()
        self._text: list[str] = []
        self._sent_at = float("-inf")
        self._due: asyncio.TimerHandle | None = None

    def put(self, chunk: Chunk) -> None:
        if not isinstance(chunk, Delta):
            self.flush()
            self._post(ChunkArrived(self._turn, chunk))
            return
        self._text.append(chunk.text)
        if self._due is None:
            wait = max(0.0, self._sent_at + PERIOD_S - self._loop.time())
            self._due = self._loop.call_later(wait, self._tick)

    def flush(self) -> None:
        """Post the text that waits."""
        self.close()
        if self._text:
            self._post(ChunkArrived(self._turn, Delta("".join(self._text))))
            self._text.clear()
            self._sent_at = self._loop.time()

    def close(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _tick(self) -> None:
        self._due = None
        if self._drained():
            self.flush()
        else:
            self._due = self._loop.call_later(PERIOD_S, self._tick)
