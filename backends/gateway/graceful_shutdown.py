"""Graceful shutdown: new requests are refused, running ones get time to end, then each is cancelled and says so."""

import asyncio
import contextlib
from types import TracebackType
from typing import Literal, Self

from backends.gateway.http_errors import shutting_down

END_S = 5.0  # for cancelled requests to write their rows and send their error

Cause = Literal["disconnected", "shutdown"]


class CancelScope:
    """An `async with` block that others can cancel, without an error outside it; `cause` then says why. One that
    `watches` is a console's, which stays as long as the console does.
    """

    def __init__(self, shutdown: "GracefulShutdown", *, waits: bool, watches: bool = False) -> None:
        self.cause: Cause | None = None
        self.waits = waits
        self.watches = watches
        self._shutdown = shutdown
        self._timeout = asyncio.timeout(None)

    def cancel(self, cause: Cause) -> None:
        """End the block, from within its event loop; the first cause is kept."""
        if self.cause is None and self in self._shutdown.scopes:
            self.cause = cause
            self._timeout.reschedule(0)

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._shutdown.enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._shutdown.leave(self)
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            return True
        return False


class GracefulShutdown:
    """The running requests, and whether more may start. `closing` is true from the first call that ends them."""

    def __init__(self) -> None:
        self.closing = False
        self.scopes: set[CancelScope] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def scope(self, *, waits: bool = True, watches: bool = False) -> CancelScope:
        """A scope for one request; `drain` waits for it where `waits`, and once it began raises ShuttingDown."""
        if waits and self.closing:
            raise shutting_down()
        return CancelScope(self, waits=waits, watches=watches)

    def watchers(self) -> int:
        """How many consoles are attached."""
        return sum(scope.watches for scope in self.scopes)

    def enter(self, scope: CancelScope) -> None:
        self.scopes.add(scope)
        if scope.waits:
            self._idle.clear()

    def leave(self, scope: CancelScope) -> None:
        self.scopes.discard(scope)
        if not any(each.waits for each in self.scopes):
            self._idle.set()

    async def drain(self, grace_s: float) -> None:
        """Refuse new requests, wait up to `grace_s` seconds for running ones, then cancel the others."""
        self.closing = True
        try:
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        except TimeoutError:
            self.cancel_all()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(END_S):
                    await self._idle.wait()

    def cancel_all(self) -> None:
        """End every running request now, and refuse new ones."""
        self.closing = True
        for scope in tuple(self.scopes):
            scope.cancel("shutdown")


async def run_pending_callbacks() -> None:
    """Let the event loop accept what it has begun to: asyncio leaks a connection whose server closes meanwhile."""
    for _ in range(4):
        await asyncio.sleep(0)
