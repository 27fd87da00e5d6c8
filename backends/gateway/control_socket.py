"""The core's verbs on a Unix socket, which consoles and one-shot commands attach to; `core.wire` has the frames."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from msgspec import Struct

from backends import __version__
from backends.core import wire as frames
from backends.core.api import Core
from backends.core.remote import peer_uid
from backends.core.wire import (
    Act,
    Ask,
    Call,
    Explain,
    Frame,
    Hello,
    TakeReview,
    TakeSnapshot,
    TakeStatus,
    TakeTimeline,
    WatchEvents,
)
from backends.errors import ClawError
from backends.gateway.graceful_shutdown import CancelScope, GracefulShutdown, run_pending_callbacks
from backends.gateway.http_errors import ShuttingDown
from backends.gateway.unix_socket import bind, unlink_own
from backends.off_loop import off_loop
from backends.paths import Paths

log = logging.getLogger(__name__)


class ControlLimits(Struct, frozen=True, kw_only=True):
    """`call_s` for the whole line of a call, of at most `line_bytes`. A caller of `ask` that reads nothing for
    `write_s` is disconnected; a watcher may sleep.
    """

    call_s: float = 10.0
    write_s: float = 30.0
    line_bytes: int = frames.FRAME_BYTES


DEFAULT_LIMITS = ControlLimits()


@asynccontextmanager
async def listen_on(
    core: Core, paths: Paths, shutdown: GracefulShutdown | None = None, limits: ControlLimits = DEFAULT_LIMITS
) -> AsyncGenerator[None]:
    """Serve `core` on `paths.socket` while the block runs; the caller holds the core's lock.

    Raises ClawError where the socket cannot be made. Leaving the block ends the calls that still run.
    """
    listener = await asyncio.to_thread(bind, paths.socket)
    inode = (await asyncio.to_thread(paths.socket.lstat)).st_ino
    connections = _Connections(core, shutdown or GracefulShutdown(), limits)
    server = await asyncio.start_unix_server(connections.accept, sock=listener, limit=limits.line_bytes)
    try:
        yield
    finally:
        await run_pending_callbacks()
        server.close()
        await connections.close()
        await asyncio.to_thread(unlink_own, paths.socket, inode)
        await run_pending_callbacks()


async def replies(core: Core, call: Call) -> AsyncGenerator[Frame]:  # noqa: PLR0912 — one for each call
    """The frames that answer `call`, from the hello to the end or the error."""
    yield Frame(hello=Hello(protocol=frames.PROTOCOL, version=__version__, pid=os.getpid()))
    try:
        match call:
            case Ask(request=request):
                async with aclosing(core.ask(request)) as chunks:
                    async for chunk in chunks:
                        yield Frame(chunk=chunk)
            case WatchEvents():
                async with aclosing(core.events()) as events:
                    async for event in events:
                        yield Frame(event=event)
            case Explain(request=request):
                yield frames.result(await core.explain(request))
            case TakeSnapshot(at=at):
                yield frames.result(await core.snapshot(at))
            case TakeTimeline(since=since, until=until):
                yield frames.result(await core.timeline(since, until))
            case TakeStatus():
                yield frames.result(await core.status())
            case Act(action=action):
                yield frames.result(await core.act(action))
            case TakeReview():
                yield frames.result(await core.review())
    except ClawError as error:
        yield frames.failure(error)
    except Exception as fault:
        # A fault of our own, of any kind: the caller still gets an error, and the log the cause.
        log.exception("a call of %s failed: %s", type(call).__name__, type(fault).__name__)
        yield frames.failure(ClawError(f"internal error ({type(fault).__name__}): the core's log has the cause"))
    else:
        yield Frame(end=True)


def scope_for(call: Call, shutdown: GracefulShutdown) -> CancelScope:
    """A shutdown waits for an ask; other calls end with the core. Raises ShuttingDown for an ask that is too late."""
    return shutdown.scope(waits=isinstance(call, Ask), watches=isinstance(call, WatchEvents))


def line_of(frame: Frame) -> bytes:
    try:
        return frames.encode(frame)
    except ValueError:
        return frames.encode(frames.failure(ClawError("the answer cannot be sent: it is too long, or no valid text")))


class _Connections:
    """The connections of one socket."""

    def __init__(self, core: Core, shutdown: GracefulShutdown, limits: ControlLimits) -> None:
        self._limits = limits
        self._core = core
        self._shutdown = shutdown
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed or peer_uid(writer.get_extra_info("socket")) != os.geteuid():
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._hang_up(done, writer))

    def _hang_up(self, done: asyncio.Task[None], writer: asyncio.StreamWriter) -> None:
        """Also for a task that was cancelled before it began."""
        self._tasks.discard(done)
        if writer.transport.get_write_buffer_size():
            writer.transport.abort()
        else:
            writer.close()

    async def close(self) -> None:
        self._closed = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            try:
                async with asyncio.timeout(self._limits.call_s):
                    line = await reader.readline()
                    call = await off_loop(len(line), lambda: frames.decode_call(line))
                scope = scope_for(call, self._shutdown)
            except ClawError as error:
                await _send(writer, frames.failure(error), self._limits.write_s)
            else:
                await self._answer(call, scope, reader, writer)
        except (OSError, TimeoutError, ValueError):
            pass  # the caller disconnected, is too slow, or never ends its line: nobody reads an answer

    async def _answer(
        self, call: Call, scope: CancelScope, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        limit_s = self._limits.write_s if isinstance(call, Ask) else None
        watch = asyncio.get_running_loop().create_task(_cancel_when_disconnected(reader, scope))
        try:
            async with scope, aclosing(replies(self._core, call)) as answer:
                async for frame in answer:
                    await _send(writer, frame, limit_s)
            if scope.cause == "shutdown":
                await _send(
                    writer,
                    frames.failure(ShuttingDown("the core shut down before the answer ended")),
                    self._limits.write_s,
                )
            if scope.cause != "disconnected":
                async with asyncio.timeout(self._limits.write_s):
                    await _sent(writer)
        finally:
            watch.cancel()
            await asyncio.wait((watch,))


async def _cancel_when_disconnected(reader: asyncio.StreamReader, scope: CancelScope) -> None:
    try:
        while await reader.read(4096):
            pass
    except OSError:
        pass
    scope.cancel("disconnected")


async def _send(writer: asyncio.StreamWriter, frame: Frame, limit_s: float | None) -> None:
    writer.write(line_of(frame))
    async with asyncio.timeout(limit_s):
        await writer.drain()


async def _sent(writer: asyncio.StreamWriter) -> None:
    """Wait until the last byte is with the kernel."""
    writer.transport.set_write_buffer_limits(high=0)
    await writer.drain()
