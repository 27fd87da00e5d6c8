"""The core's verbs over a running core's socket, or over its gateway's address.

One connection a call: closing a generator closes its connection, and that ends the call in the core.
"""

import asyncio
import os
import socket
import stat
import struct
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from backends.core import wire as frames
from backends.core.wire import Call, Frame, Hello
from backends.errors import Unreachable, WrongUse
from backends.events import Event
from backends.paths import SUN_PATH_MAX, Paths
from backends.types import Acted, Action, Chunk, Done, Explanation, Request, Review, Snapshot, Status, Timeline

CONNECT_S = 2.0
"""A core on this machine accepts at once, one behind a tunnel soon."""

TOKEN_VARIABLE = "CLAW_CONTROL_TOKEN"  # noqa: S105 — the variable's name

T = TypeVar("T")


def is_running(paths: Paths) -> bool:
    """Whether a core listens on this home's socket. Takes no longer than the kernel needs to say so."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(CONNECT_S)
        try:
            probe.connect(str(paths.socket))
        except OSError:
            return False
    return True


class RemoteCore:
    """Implements `backends.core.api.Core`. `where` is a socket's path, or an address as http://127.0.0.1:8787.

    Every verb raises Unreachable where no core answers or where the connection breaks, and otherwise what the core
    itself raised. An address needs the core's control token: from CLAW_CONTROL_TOKEN, else from this home's file.
    A socket must belong to the user `uid`, by default this process's own; a line has at most `frame_bytes`.
    """

    def __init__(
        self,
        where: str | Path,
        *,
        token: str | None = None,
        frame_bytes: int = frames.FRAME_BYTES,
        uid: int | None = None,
    ) -> None:
        self.where = str(where)
        self._token = token
        self._frame_bytes = frame_bytes
        self._uid = os.geteuid() if uid is None else uid

    async def ask(self, request: Request) -> AsyncGenerator[Chunk]:
        async with aclosing(self._frames(frames.Ask(request=request))) as answer:
            async for frame in answer:
                if frame.chunk is not None:
                    yield frame.chunk
                    if isinstance(frame.chunk, Done):
                        return
        raise Unreachable("the core went away before the answer ended: its ledger tells what came of it")

    async def explain(self, request: Request) -> Explanation:
        return await self._result(frames.Explain(request=request), Explanation)

    async def snapshot(self, at: datetime | None = None) -> Snapshot:
        return await self._result(frames.TakeSnapshot(at=at), Snapshot)

    async def timeline(self, since: datetime, until: datetime) -> Timeline:
        return await self._result(frames.TakeTimeline(since=since, until=until), Timeline)

    async def status(self) -> Status:
        return await self._result(frames.TakeStatus(), Status)

    async def events(self) -> AsyncGenerator[Event]:
        async with aclosing(self._frames(frames.WatchEvents())) as answer:
            async for frame in answer:
                if frame.event is not None:
                    yield frame.event

    async def act(self, action: Action) -> Acted:
        return await self._result(frames.Act(action=action), Acted)

    async def review(self) -> Review:
        return await self._result(frames.TakeReview(), Review)

    async def ping(self) -> Hello:
        """The core's version and process."""
        async with aclosing(self._frames(frames.Ping())) as answer:
            async for frame in answer:
                if frame.hello is not None:
                    return frame.hello
        raise Unreachable(f"{self.where} hung up: is it a core of claw?")

    async def _result(self, call: Call, kind: type[T]) -> T:
        async with aclosing(self._frames(call)) as answer:
            async for frame in answer:
                if frame.result:
                    try:
                        return msgspec.json.decode(frame.result, type=kind)
                    except msgspec.DecodeError:
                        raise Unreachable(
                            "the core's answer is unknown here: run both from one version of claw"
                        ) from None
        raise Unreachable("the core went away before it answered: look at its log")

    async def _frames(self, call: Call) -> AsyncGenerator[Frame]:
        """Frames up to the end. Raises what the core raised, and Unreachable where the connection closes before it."""
        try:
            line = frames.encode(call, limit=self._frame_bytes)
        except ValueError:
            raise WrongUse(f"the request is larger than {self._frame_bytes} bytes: shorten it") from None
        over = self._over_http if self.where.startswith(("http://", "https://")) else self._over_socket
        async with aclosing(over(line)) as lines:
            async for answer in lines:
                frame = frames.decode_frame(answer)
                if frame.error is not None:
                    raise frames.restore_error(frame.error)
                if frame.end:
                    return
                yield frame
        raise Unreachable(f"the core at {self.where} went away in the middle of a call")

    async def _over_socket(self, line: bytes) -> AsyncGenerator[bytes]:
        reader, writer = await self._connect()
        try:
            writer.write(line)
            while answer := await reader.readline():
                yield answer
        except (OSError, ValueError):
            return  # reset, or a line beyond the limit: the caller sees that the end frame is missing
        finally:
            writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        path = self.where
        if len(os.fsencode(path)) > SUN_PATH_MAX:
            raise Unreachable(f"the socket's path is longer than {SUN_PATH_MAX} bytes: set CLAW_HOME to a shorter one")
        try:
            async with asyncio.timeout(CONNECT_S):
                if not await asyncio.to_thread(_is_socket, path):
                    raise Unreachable(f"{path} is not a socket: no core of claw made it")
                reader, writer = await asyncio.open_unix_connection(path, limit=self._frame_bytes)
        except (FileNotFoundError, ConnectionRefusedError):
            raise Unreachable(f"no core listens on {path}: start one with `claw serve`") from None
        except (OSError, TimeoutError) as error:
            raise Unreachable(f"the core on {path} cannot be reached ({type(error).__name__}): is it yours?") from None
        if peer_uid(writer.get_extra_info("socket")) != self._uid:
            writer.transport.abort()
            raise Unreachable(f"{path} belongs to another user: nothing was sent to it")
        return reader, writer

    async def _over_http(self, line: bytes) -> AsyncGenerator[bytes]:
        import aiohttp

        url = self.where.rstrip("/") + "/claw/control"
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {await self._find_token()}"}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False, read_bufsize=self._frame_bytes) as session,
                session.post(url, data=line, headers=headers, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise Unreachable(_refusal(self.where, response.status))
                while answer := await response.content.readline():
                    yield answer
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            raise Unreachable(
                f"no core answers at {self.where} ({type(error).__name__}): is `claw serve` running, the tunnel open?"
            ) from None

    async def _find_token(self) -> str:
        if token := self._token or os.environ.get(TOKEN_VARIABLE):
            return token
        path = Paths.find().control_token
        try:
            return (await asyncio.to_thread(path.read_text, encoding="ascii")).strip()
        except (OSError, ValueError):
            raise Unreachable(
                f"attaching by an address needs the core's token: set {TOKEN_VARIABLE} to what its {path.name} holds"
            ) from None


def peer_uid(peer: socket.socket) -> int:
    """The user at a Unix socket's other end, as the kernel reports it."""
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(uid)


def _is_socket(path: str) -> bool:
    return stat.S_ISSOCK(Path(path).lstat().st_mode)


def _refusal(where: str, status: int) -> str:
    if status == 401:
        return f"{where} does not know the token: set {TOKEN_VARIABLE} to what its control.token holds"
    if status == 421:
        port = urlsplit(where).port
        return f"{where} refuses this port: forward the one it listens on, as `ssh -L {port}:127.0.0.1:{port}`"
    return f"{where} answers with {status}: is it a core of claw?"
