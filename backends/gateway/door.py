"""Who may come in: checks on a request's head, before its key and its body are looked at, then its body within bounds.

A page in some browser must never reach the core: an unknown Host or Origin is turned away, and only JSON is read, which
no page sends elsewhere without asking first. Nothing here ever answers with a CORS header.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from backends.errors import TooLarge
from backends.gateway.refusal import Turned

Receive = Callable[[], Awaitable[Any]]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

BODY_S = 120.0  # for one whole body
BODY_GRACE_S = 10.0  # before the rate below is asked for
BODY_RATE_BPS = 16_384  # bytes a second, the slowest body that is waited for
BODIES_BYTES = 268_435_456  # all bodies being read at one moment

_SINGLE = frozenset(
    (
        b"authorization",
        b"cache-control",
        b"content-length",
        b"content-type",
        b"host",
        b"origin",
        b"sec-fetch-site",
        b"x-claw-agent",
        b"x-claw-deadline-ms",
        b"x-claw-deadline-s",
        b"x-claw-sensitive",
        b"x-claw-tag",
    )
)


class Gone(Exception):
    """The caller left before its request was read."""


class Door:
    """The allow-list of one listening port."""

    def __init__(self, port: int, allowed_hosts: Iterable[str] = ()) -> None:
        names = {f"{name}:{port}" for name in (*LOOPBACK, *allowed_hosts)} | set(allowed_hosts)
        if port == 80:
            names |= set(LOOPBACK)
        self.hosts = frozenset(name.lower().encode() for name in names)
        self.origins = frozenset(b"http://" + host for host in self.hosts)
        self._held = 0

    def headers(self, raw: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
        """Check Host, Origin and Sec-Fetch-Site. Returns the headers by lower-case name.

        Raises Turned (400, 403, 421).
        """
        headers: dict[bytes, bytes] = {}
        twice: bytes | None = None
        for name, value in raw:
            if name in headers and name in _SINGLE:
                twice = twice or name
            headers[name] = value
        if headers.get(b"host", b"").lower() not in self.hosts or twice == b"host":
            raise Turned(421, "misdirected", "unknown Host: use the address that the core says it listens on")
        if twice is not None:
            raise Turned(400, "framing", f"the header {twice.decode()} was sent twice")
        origin = headers.get(b"origin")
        if origin is not None and origin.lower() not in self.origins:
            raise Turned(403, "origin", "requests from web pages are refused")
        if headers.get(b"sec-fetch-site", b"none").lower() not in (b"none", b"same-origin"):
            raise Turned(403, "origin", "requests from web pages are refused")
        return headers

    async def body(self, headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
        """Read a JSON body of at most `limit` bytes.

        Raises Turned (408, 415, 503), TooLarge, and Gone when the caller leaves.
        """
        kind, _, parameters = headers.get(b"content-type", b"").lower().partition(b";")
        if kind.strip() != b"application/json" or parameters.strip() not in (b"", b"charset=utf-8", b'charset="utf-8"'):
            raise Turned(415, "not_json", "send the body as `Content-Type: application/json`, in UTF-8")
        if int(headers.get(b"content-length", b"0")) > limit:
            raise _too_large(limit)
        return await self._read(receive, limit)

    async def _read(self, receive: Receive, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        start = asyncio.get_running_loop().time()
        try:
            while True:
                allowed_s = min(BODY_S, BODY_GRACE_S + size / BODY_RATE_BPS)
                async with asyncio.timeout_at(start + allowed_s):
                    message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                part = message["body"]
                size += len(part)
                self._held += len(part)
                if size > limit:
                    raise _too_large(limit)
                if self._held > BODIES_BYTES:
                    raise Turned(503, "busy", "too many large requests at once: try again soon")
                parts.append(part)
                if not message["more_body"]:
                    return parts[0] if len(parts) == 1 else b"".join(parts)
        except TimeoutError:
            raise Turned(408, "too_slow", "the body came too slowly: send it at once") from None
        finally:
            self._held -= size


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit} bytes: shorten the prompt, or raise router.max_prompt_bytes")
