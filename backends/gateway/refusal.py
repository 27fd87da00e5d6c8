"""What the door says when it does not answer: OpenAI's error object, its HTTP status and its headers."""

import math

import msgspec

from backends.errors import ClawError, NoEngine

STATUS: dict[str, int] = {
    "busy": 503,
    "rate-limited": 429,
    "daily-quota": 429,
    "unavailable": 502,
    "timeout": 504,
    "cut": 502,
    "key": 502,
    "model": 502,
    "context": 400,
    "rejected": 400,
    "protocol": 502,
    "deadline": 504,
    "queue_full": 503,
    "no_engine": 503,
    "budget": 402,
    "capacity": 429,
    "refused": 403,
    "ledger": 503,
    "cancelled": 503,
    "draining": 503,
}
"""The HTTP status of each kind of failure; an error of another kind brings its own."""

WAIT_S = 60.0  # Retry-After of a limit whose end nobody told

_TYPES = {402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error"}


class Turned(ClawError):
    """Turned away at the door, before the core heard of it."""

    def __init__(self, status: int, kind: str, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.http_status = status
        self.kind = kind
        self.param = param


class Failed(ClawError):
    """An outcome whose `finish` is "error" or "cancelled", as an error."""

    def __init__(self, message: str, *, kind: str, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_s = retry_after_s


class Draining(NoEngine):
    """The core is shutting down; another one may stand here soon."""

    kind = "draining"


def draining() -> Draining:
    return Draining("the core is shutting down: send this again to the next one", retry_after_s=5)


def status_of(error: ClawError) -> int:
    return STATUS.get(error.kind, error.http_status)


def body_of(error: ClawError) -> bytes:
    """OpenAI's error object, encoded."""
    status = status_of(error)
    said = {
        "message": str(error).encode("utf-8", "replace").decode(),
        "type": _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error"),
        "param": getattr(error, "param", None),
        "code": error.kind,
    }
    return msgspec.json.encode({"error": said})


def headers_of(error: ClawError) -> list[tuple[bytes, bytes]]:
    """Retry-After in whole seconds, and a word to OpenAI's clients where sending again would be wrong."""
    headers: list[tuple[bytes, bytes]] = []
    wait = error.retry_after_s
    if wait is None and status_of(error) == 429:
        wait = WAIT_S
    if wait is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(wait))).encode()))
    if error.kind == "cancelled":
        headers.append((b"x-should-retry", b"false"))
    return headers


def safe_value(text: str) -> bytes:
    """`text` as a header's value: printable ASCII, the rest as `?`, at most 256 bytes."""
    if len(text) <= 256 and text.isascii() and text.isprintable():
        return text.encode()
    return bytes(code if 0x20 <= code < 0x7F else 0x3F for code in text[:256].encode("ascii", "replace"))
