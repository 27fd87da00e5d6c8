"""One call's hold on the wire: its time limits, and every response opened for it, closed when the call ends.

An SDK's generators, dropped half-way, leave their response open until they are collected. A `CallScope` closes it at
once, also when its reader is cancelled while it holds a chunk.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
import httpx
import msgspec

from backends.engines.base import Wire
from backends.engines.framing import FRAME_LIMIT, FrameTooLong, Framing
from backends.engines.peer import CONNECT_S, Peer
from backends.errors import EngineError

ERROR_BODY_LIMIT = 256 * 1024  # bytes of an error's body that are worth reading

Beside = Mapping[str, msgspec.Raw | dict[str, msgspec.Raw]]
"""Fields of a JSON body, ready to be sent; those of an inner object are added to what it has."""

UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, RecursionError)
"""What the SDKs raise over JSON of the wrong shape; the message may quote it, so it goes no further."""

T = TypeVar("T")

current_scope: ContextVar["CallScope"] = ContextVar("current_scope")


class CallScope:
    """One call: at most `first_byte_s` to its first byte, `idle_s` between the next ones.

    Requests are made within `hear`; a good response's body comes in whole frames where there is a `framing`.
    `beside` are fields of its JSON body that pass by the SDK.
    """

    def __init__(
        self,
        peer: Peer,
        *,
        first_byte_s: float,
        idle_s: float,
        framing: Callable[[], Framing] | None = None,
        wire: Wire | None = None,
        beside: Beside | None = None,
    ) -> None:
        self.beside = beside
        self.peer = peer
        self.framing = framing
        self.wire = wire or Wire()
        self.wire.sent = False
        self.heard = False
        self.longest_s = max(first_byte_s, idle_s) + CONNECT_S  # the transport's own limit, a backstop under `hear`
        self._first_byte_s = first_byte_s
        self._first_byte_by = 0.0
        self._idle_s = idle_s
        self._bodies: list[Body] = []

    async def __aenter__(self) -> Self:
        self._first_byte_by = asyncio.get_running_loop().time() + self._first_byte_s
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for body in self._bodies:
            await body.aclose()

    async def hear(self, word: Awaitable[T]) -> T:
        """Await the engine's next word. Raises EngineError where it comes too late or cannot be read."""
        # Set for this await only: a generator runs in its reader's context, where nothing of ours may stay behind.
        token = current_scope.set(self)
        timer = asyncio.timeout(self._idle_s) if self.heard else asyncio.timeout_at(self._first_byte_by)
        try:
            async with timer:
                return await word
        except TimeoutError:
            raise self._late() if timer.expired() else self.peer.broken("broke the connection") from None
        except UNREADABLE:
            raise self.peer.strange("sent something that cannot be read") from None
        finally:
            current_scope.reset(token)

    def hold(self, response: httpx.Response) -> "Body":
        """The response's body, to be closed with the scope."""
        body = Body(response, self)
        self._bodies.append(body)
        return body

    def _late(self) -> EngineError:
        if self.heard:
            return self.peer.late(f"fell silent for {self._idle_s:g} s")
        if self.wire.sent:
            return self.peer.late(f"sent no byte within {self._first_byte_s:g} s")
        return self.peer.absent(f"cannot be reached (no connection within {self._first_byte_s:g} s)")


class Body(httpx.AsyncByteStream):
    """A response's bytes as they come, bound in size: by frame, else as a whole."""

    def __init__(self, response: httpx.Response, scope: CallScope) -> None:
        self._failed = response.status_code >= 400
        self._response = response
        self._scope = scope
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        framing = _Whole(self._failed) if self._failed or not self._scope.framing else self._scope.framing()
        peer = self._scope.peer
        try:
            async for chunk in self._response.aiter_raw():
                self._scope.heard = True
                frames = framing.feed(chunk)
                if frames:
                    yield b"".join(map(framing.wrap, frames))
        except (httpx.TransportError, aiohttp.ClientError):
            raise peer.broken("broke the connection") from None
        except FrameTooLong:
            raise peer.strange("sent more than 8 MiB in one piece") from None
        if rest := framing.rest():
            if not _is_json(rest):
                raise peer.broken("stopped in the middle of a word")
            yield framing.wrap(rest)

    async def aclose(self) -> None:
        """Close the socket, unless the body was read to its end. Closing twice is nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._response.aclose()
        except httpx.TransportError:
            return  # broken already, and closed with that


class _Whole:
    """No frames: bytes pass as they come. Of an error's body, what is too much is dropped."""

    def __init__(self, failed: bool) -> None:
        self._failed = failed
        self._left = ERROR_BODY_LIMIT if failed else FRAME_LIMIT

    def feed(self, data: bytes) -> list[bytes]:
        if len(data) > self._left and not self._failed:
            raise FrameTooLong
        data = data[: self._left]
        self._left -= len(data)
        return [data] if data else []

    def rest(self) -> bytes:
        return b""

    def wrap(self, frame: bytes) -> bytes:
        return frame


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True
