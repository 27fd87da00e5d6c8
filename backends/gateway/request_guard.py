"""Checks on a request's headers, before its key and its body are read, then its body within bounds.

A web page must never reach the core: an unknown Host or Origin is refused, and only JSON is read, which no page can
send to another origin without a preflight. No CORS header is ever sent.
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from backends.errors import TooLarge
from backends.gateway.http_errors import HttpError
from backends.gateway.http_limits import DEFAULT_LIMITS, HttpLimits
from backends.off_loop import LARGE, off_loop

Receive = Callable[[], Awaitable[Any]]

GZIP = (b"gzip", b"x-gzip")

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

_SINGLE = frozenset(
    (
        b"authorization",
        b"cache-control",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"host",
        b"origin",
        b"sec-fetch-site",
        b"x-api-key",
        b"x-claw-agent",
        b"x-claw-deadline-ms",
        b"x-claw-deadline-s",
        b"x-claw-sensitive",
        b"x-claw-tag",
        b"x-goog-api-key",
    )
)


class ClientDisconnected(Exception):
    """The caller disconnected before its request was read."""


class RequestGuard:
    """The allow-list of one listening port, and the bounds of bodies."""

    def __init__(self, port: int, allowed_hosts: Iterable[str] = (), limits: HttpLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        names = {f"{name}:{port}" for name in (*LOOPBACK, *allowed_hosts)} | set(allowed_hosts)
        if port == 80:
            names |= set(LOOPBACK)
        self.hosts = frozenset(name.lower().encode() for name in names)
        self.origins = frozenset(b"http://" + host for host in self.hosts)
        self._held = 0

    def headers(self, raw: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
        """Check Host, Origin and Sec-Fetch-Site. Returns the headers by lower-case name.

        Raises HttpError (400, 403, 421).
        """
        headers: dict[bytes, bytes] = {}
        twice: bytes | None = None
        for name, value in raw:
            if name in headers and name in _SINGLE:
                twice = twice or name
            headers[name] = value
        if headers.get(b"host", b"").lower() not in self.hosts or twice == b"host":
            raise HttpError(421, "misdirected", "unknown Host: use the address that the core says it listens on")
        if twice is not None:
            raise HttpError(400, "framing", f"the header {twice.decode()} was sent twice")
        origin = headers.get(b"origin")
        if origin is not None and origin.lower() not in self.origins:
            raise HttpError(403, "origin", "requests from web pages are refused")
        if headers.get(b"sec-fetch-site", b"none").lower() not in (b"none", b"same-origin"):
            raise HttpError(403, "origin", "requests from web pages are refused")
        return headers

    async def body(self, headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
        """Read a JSON body of at most `limit` bytes, those of a compressed one counted once it is unpacked.

        Raises HttpError (400, 408, 415, 503), TooLarge, and ClientDisconnected.
        """
        kind, _, parameters = headers.get(b"content-type", b"").lower().partition(b";")
        if kind.strip() != b"application/json" or parameters.strip() not in (b"", b"charset=utf-8", b'charset="utf-8"'):
            raise HttpError(415, "not_json", "send the body as `Content-Type: application/json`, in UTF-8")
        encoding = headers.get(b"content-encoding", b"identity").lower()
        if encoding not in (b"identity", *GZIP):
            raise HttpError(415, "encoding", "this Content-Encoding is unknown: send the JSON as it is, or as gzip")
        if int(headers.get(b"content-length", b"0")) > limit:
            raise _too_large(limit)
        body = await self._read(receive, limit)
        if encoding in GZIP:
            # A few bytes may become the whole limit, which takes some 20 ms for 8 MiB.
            return await off_loop(LARGE, lambda: _unpacked(body, limit))
        return body

    async def _read(self, receive: Receive, limit: int) -> bytes:
        limits = self._limits
        parts: list[bytes] = []
        size = 0
        start = asyncio.get_running_loop().time()
        try:
            while True:
                allowed_s = min(limits.body_s, limits.body_grace_s + size / limits.body_rate_bps)
                async with asyncio.timeout_at(start + allowed_s):
                    message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnected
                part = message["body"]
                size += len(part)
                self._held += len(part)
                if size > limit:
                    raise _too_large(limit)
                if self._held > limits.bodies_bytes:
                    raise HttpError(503, "busy", "too many large requests at once: try again soon")
                parts.append(part)
                if not message["more_body"]:
                    return parts[0] if len(parts) == 1 else b"".join(parts)
        except TimeoutError:
            raise HttpError(408, "too_slow", "the body came too slowly: send it at once") from None
        finally:
            self._held -= size


def _unpacked(body: bytes, limit: int) -> bytes:
    """What a gzip stream contains. Stops at the limit, so that a small body cannot fill the memory."""
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: with gzip's header
    try:
        plain = stream.decompress(body, limit + 1)
    except zlib.error:
        raise HttpError(400, "encoding", "the body is not gzip, as its Content-Encoding says") from None
    if len(plain) > limit:
        raise _too_large(limit)
    if not stream.eof or stream.unused_data:
        raise HttpError(400, "encoding", "the body is not one whole gzip stream")
    return plain


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit} bytes: shorten the prompt, or raise router.max_prompt_bytes")
