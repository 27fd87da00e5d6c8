"""How the door closes: new requests are refused, running ones get their time, then each comes to an honest end."""

import asyncio
import contextlib
from types import TracebackType
from typing import Literal, Self

from backends.gateway.refusal import draining

END_S = 5.0  # for what was cut to write its row and say so

Cause = Literal["left", "drained"]


class Leash:
    """An `async with` block that others may end at once, without an error; `cause` then says why."""

    def __init__(self, drain: "Drain", *, waits: bool) -> None:
        self.cause: Cause | None = None
        self.waits = waits
        self._drain = drain
        self._scope = asyncio.timeout(None)

    def cut(self, cause: Cause) -> None:
        """End the block, from within its event loop; the first cause holds."""
        if self.cause is None and self in self._drain.leashes:
            self.cause = cause
            self._scope.reschedule(0)

    async def __aenter__(self) -> Self:
        await self._scope.__aenter__()
        self._drain.enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._drain.leave(self)
        try:
            await self._scope.__aexit__(kind, error, trace)
        except TimeoutError:
            return True
        return False


class Drain:
    """The requests that run, and whether more may start."""

    def __init__(self) -> None:
        self.closing = False
        self.leashes: set[Leash] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def leash(self, *, waits: bool = True) -> Leash:
        """For one request; a drain waits for it where `waits`, and refuses it (Draining) once `close` was called."""
        if waits and self.closing:
            raise draining()
        return Leash(self, waits=waits)

    def enter(self, leash: Leash) -> None:
        self.leashes.add(leash)
        if leash.waits:
            self._idle.clear()

    def leave(self, leash: Leash) -> None:
        self.leashes.discard(leash)
        if not any(each.waits for each in self.leashes):
            self._idle.set()

    async def close(self, grace_s: float) -> None:
        """Refuse new requests, wait up to `grace_s` seconds for running ones, then cut them and wait for their end."""
        self.closing = True
        try:
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        except TimeoutError:
            self.cut()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(END_S):
                    await self._idle.wait()

    def cut(self) -> None:
        """End every running request now, and refuse new ones."""
        self.closing = True
        for leash in tuple(self.leashes):
            leash.cut("drained")


async def turns() -> None:
    """Let the loop finish what it has begun: asyncio leaks a connection whose server closes while it is handed over."""
    for _ in range(4):
        await asyncio.sleep(0)
