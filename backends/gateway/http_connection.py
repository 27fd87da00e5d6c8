"""One HTTP connection: uvicorn's httptools protocol with the bounds that uvicorn leaves open.

uvicorn bounds neither the time nor the size of a request's head, nor the time a reader may take, and answers a
malformed request in plain text. Here each is bounded; a request that can be framed in two ways is refused, and the
connection closed.
"""

import asyncio
import http
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from backends.errors import ClawError, status_of
from backends.gateway.http_errors import HttpError, body_of, headers_of
from backends.gateway.http_limits import HttpLimits
from backends.identity import new_id

OFFER = frozenset((b"upgrade", b"http2-settings"))  # fields that belong to an offer of another protocol


class HttpConnection(HttpToolsProtocol):
    """`on_lost`, which a handler sets while it answers, is called when the peer disconnects; then `gone` is done."""

    on_lost: Callable[[], None] | None = None

    def __init__(self, config: Config, state: ServerState, loop: asyncio.AbstractEventLoop, limits: HttpLimits) -> None:
        super().__init__(config, state, {}, loop)
        self._limits = limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._refusal: ClawError | None = None
        self._shut = False
        self._in_head = False
        self._head_bytes = 0
        self.gone: asyncio.Future[None] = self.loop.create_future()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        transport.set_write_buffer_limits(high=self._limits.buffered_bytes)
        if len(self.connections) > self._limits.connections:
            self.refuse(HttpError(503, "busy", "too many connections: close idle ones, or try again soon"))
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        super().connection_lost(exc)
        self.gone.set_result(None)
        self._unset_keepalive_if_required()
        if self.on_lost is not None:
            self.on_lost()

    def data_received(self, data: bytes) -> None:
        if self._shut:
            return
        self._unset_keepalive_if_required()
        if self.cycle is None or self.cycle.response_complete:
            self._await_head()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._ignore_offer(data[offer.args[0] :])
        except httptools.HttpParserError:
            if not self._shut:
                self.refuse(self._refusal or HttpError(400, "framing", "not a well-formed HTTP/1.1 request"))
        else:
            if self._in_head:
                self._head_bytes += len(data)
                if self._head_bytes > self._limits.head_bytes:
                    self.refuse(self._head_too_large())

    def _ignore_offer(self, rest: bytes) -> None:
        """Read the request again as if it had offered no other protocol, which RFC 9110 (7.8) lets a server do.

        The parser takes all that follows such an offer for that protocol's, the body too.
        """
        if self._shut:
            return
        head = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        for name, value in self.headers:
            if name == b"connection":
                kept = [each.strip() for each in value.split(b",") if each.strip().lower() not in OFFER]
                head.append(b"connection: " + (b", ".join(kept) or b"keep-alive"))
            elif name not in OFFER:
                head.append(name + b": " + value)
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join(head) + b"\r\n\r\n" + rest)

    def refuse(self, error: ClawError, request_id: str | None = None) -> None:
        """Answer with `error` and close, whatever else was sent; one that was already being answered is only closed."""
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete
        if answering:
            cycle.disconnected = True
            cycle.message_event.set()
        self._shut = True
        if answering and cycle.response_started:
            self.transport.abort()
            return
        self.transport.write(_response(error, request_id or new_id()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._arm("linger", self._limits.linger_s, self.transport.abort)

    # ---- the parser's callbacks

    def on_message_begin(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            # Requests behind an unanswered one are not read, so that a disconnected caller is always noticed.
            self._shut = True
            self.cycle.keep_alive = False
            self._stop_parsing()
        self._disarm("sent")
        super().on_message_begin()
        self.scope["state"]["connection"] = self
        self._in_head = True
        self._head_bytes = 0
        self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            self._stop_parsing(HttpError(400, "framing", "trailers after the body are refused"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._disarm("head")
        if fault := self._fault():
            self._stop_parsing(fault)
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _fault(self) -> HttpError | None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._limits.head_bytes or len(self.headers) > self._limits.head_fields:
            return self._head_too_large()
        if not self.url.startswith(b"/") or self.url.startswith(b"//"):
            return HttpError(421, "misdirected", "the request target must be a path, without a host in it")
        if b"#" in self.url:
            return HttpError(400, "framing", "the request target has a fragment")
        fields = dict(self.headers)
        if fields.get(b"transfer-encoding", b"chunked").lower() != b"chunked" or (
            b"transfer-encoding" in fields and self.parser.get_http_version() != "1.1"
        ):
            return HttpError(400, "framing", "only `Transfer-Encoding: chunked` of HTTP/1.1 is understood")
        return None

    def _head_too_large(self) -> HttpError:
        line = f"more than {self._limits.head_bytes} bytes or {self._limits.head_fields} fields of headers"
        return HttpError(431, "headers_too_large", line)

    def _stop_parsing(self, refusal: ClawError | None = None) -> None:
        """Leave the parser from within one of its callbacks."""
        self._refusal = refusal
        raise _Stopped

    # ---- time

    def pause_writing(self) -> None:
        super().pause_writing()
        self._arm("write", self._limits.write_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._disarm("write")

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            self._arm("sent", self._limits.write_s, self._abort_unsent)

    def _abort_unsent(self) -> None:
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            self.transport.abort()

    def _await_head(self) -> None:
        if "head" not in self._timers:
            self._arm("head", self._limits.head_s, self._head_late)

    def _head_late(self) -> None:
        if self._in_head:
            line = f"the request's headers took longer than {self._limits.head_s:.0f} s"
            self.refuse(HttpError(408, "too_slow", line))
        else:
            self.transport.abort()

    def _arm(self, name: str, seconds: float, act: Callable[[], Any]) -> None:
        self._disarm(name)
        self._timers[name] = self.loop.call_later(seconds, act)

    def _disarm(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()


class _Stopped(Exception):
    """Raised through the parser, which turns it into an HttpParserError."""


def _response(error: ClawError, request_id: str) -> bytes:
    status, body = status_of(error), body_of(error)
    head = [
        b"HTTP/1.1 %d %s" % (status, http.HTTPStatus(status).phrase.encode()),
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        b"connection: close",
        b"x-claw-request-id: " + request_id.encode(),
        b"x-request-id: " + request_id.encode(),
        *(name + b": " + value for name, value in headers_of(error)),
    ]
    return b"\r\n".join(head) + b"\r\n\r\n" + body
