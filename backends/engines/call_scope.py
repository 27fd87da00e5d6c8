"""The scope of one upstream call: its time limits, and every response that it opened, closed when the call ends.

An SDK's generator that is dropped half-way leaves its response open until it is garbage collected. A `CallScope`
closes the response at once, also when its reader is cancelled while it holds a chunk.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
import httpx
import msgspec

from backends.engines.base import SendState
from backends.engines.endpoint import CONNECT_S, Endpoint
from backends.engines.framing import FRAME_LIMIT, FrameTooLong, Framing
from backends.errors import EngineError

ERROR_BODY_LIMIT = 256 * 1024  # bytes of an error's body that are worth reading

ExtraFields = Mapping[str, msgspec.Raw | dict[str, msgspec.Raw]]
"""Fields of a JSON body, already encoded. Those of an inner object are merged into the object that is there."""

UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, RecursionError)
"""What the SDKs raise for JSON of the wrong shape. The message may quote the body, so it is not passed on."""

T = TypeVar("T")

current_scope: ContextVar["CallScope"] = ContextVar("current_scope")


class CallScope:
    """One call: at most `first_byte_s` to its first byte, `idle_s` between the next ones.

    Requests are made within `receive`. With a `framing`, a good response's body comes in whole frames.
    `extra_fields` are added to the JSON body that the SDK sends.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        first_byte_s: float,
        idle_s: float,
        framing: Callable[[], Framing] | None = None,
        send_state: SendState | None = None,
        extra_fields: ExtraFields | None = None,
    ) -> None:
        self.extra_fields = extra_fields
        self.endpoint = endpoint
        self.framing = framing
        self.send_state = send_state or SendState()
        self.send_state.sent = False
        self.received = False
        self.longest_s = max(first_byte_s, idle_s) + CONNECT_S  # the transport's own limit, a backstop under `receive`
        self._first_byte_s = first_byte_s
        self._first_byte_by = 0.0
        self._idle_s = idle_s
        self._bodies: list[ResponseBody] = []

    async def __aenter__(self) -> Self:
        self._first_byte_by = asyncio.get_running_loop().time() + self._first_byte_s
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for body in self._bodies:
            await body.aclose()

    async def receive(self, awaitable: Awaitable[T]) -> T:
        """Await the engine's next piece. Raises EngineError where it comes too late or cannot be read."""
        # Set for this await only: a generator runs in its reader's context, where nothing of ours may stay behind.
        token = current_scope.set(self)
        timer = asyncio.timeout(self._idle_s) if self.received else asyncio.timeout_at(self._first_byte_by)
        try:
            async with timer:
                return await awaitable
        except TimeoutError:
            raise self._timeout_error() if timer.expired() else self.endpoint.cut_off("broke the connection") from None
        except UNREADABLE:
            raise self.endpoint.protocol_error("sent something that cannot be read") from None
        finally:
            current_scope.reset(token)

    def attach(self, response: httpx.Response) -> "ResponseBody":
        """The response's body, which is closed with the scope."""
        body = ResponseBody(response, self)
        self._bodies.append(body)
        return body

    def _timeout_error(self) -> EngineError:
        if self.received:
            return self.endpoint.timed_out(f"fell silent for {self._idle_s:g} s")
        if self.send_state.sent:
            return self.endpoint.timed_out(f"sent no byte within {self._first_byte_s:g} s")
        return self.endpoint.unavailable(f"cannot be reached (no connection within {self._first_byte_s:g} s)")


class ResponseBody(httpx.AsyncByteStream):
    """A response's bytes as they come. Each frame is limited in size; without frames, the whole body is."""

    def __init__(self, response: httpx.Response, scope: CallScope) -> None:
        self._failed = response.status_code >= 400
        self._response = response
        self._scope = scope
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        framing = _Unframed(self._failed) if self._failed or not self._scope.framing else self._scope.framing()
        endpoint = self._scope.endpoint
        try:
            async for chunk in self._response.aiter_raw():
                self._scope.received = True
                frames = framing.feed(chunk)
                if frames:
                    yield b"".join(map(framing.wrap, frames))
        except (httpx.TransportError, aiohttp.ClientError):
            raise endpoint.cut_off("broke the connection") from None
        except FrameTooLong:
            raise endpoint.protocol_error("sent more than 8 MiB in one piece") from None
        if rest := framing.rest():
            if not _is_json(rest):
                raise endpoint.cut_off("stopped in the middle of a frame")
            yield framing.wrap(rest)

    async def aclose(self) -> None:
        """Close the socket, unless the body was read to its end. Closing twice is harmless."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._response.aclose()
        except httpx.TransportError:
            return  # the connection is broken already


class _Unframed:
    """No frames: bytes pass as they come. An error's body is cut at its limit; a longer good body is an error."""

    def __init__(self, failed: bool) -> None:
        self._failed = failed
        self._remaining = ERROR_BODY_LIMIT if failed else FRAME_LIMIT

    def feed(self, data: bytes) -> list[bytes]:
        if len(data) > self._remaining and not self._failed:
            raise FrameTooLong
        data = data[: self._remaining]
        self._remaining -= len(data)
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
