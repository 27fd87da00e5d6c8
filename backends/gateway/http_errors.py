"""Errors over HTTP: OpenAI's error object, and the headers that say when to try again."""

import math

import msgspec

from backends.errors import ClawError, NoEngine, status_of

CODES: dict[str, str] = {
    "context": "context_length_exceeded",
    "rate_limit": "rate_limit_exceeded",
    "rate-limited": "rate_limit_exceeded",
    "capacity": "rate_limit_exceeded",
}
"""OpenAI's own code for a kind, where clients read it; for the others the kind itself is the code."""

PARAMS: dict[str, str] = {"context": "messages", "context_length_exceeded": "messages", "model_not_found": "model"}

WAIT_S: dict[int, float] = {429: 60.0, 503: 10.0}
"""Retry-After of a status whose error does not say when to try again."""
QUOTA_WAIT_S = 3600.0  # the same for a day's quota
LONG_S = 120.0
"""From this wait on clients hear that they should not retry by themselves: OpenAI's for Node would sleep through it."""

_TYPES = {402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error"}


class HttpError(ClawError):
    """A request that the gateway refuses before the core knows of it. `param` names the field that is wrong."""

    def __init__(self, status: int, kind: str, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.http_status = status
        self.kind = kind
        self.param = param


class RequestFailed(ClawError):
    """An outcome whose `finish` is "error" or "cancelled", as an error."""

    def __init__(
        self, message: str, *, kind: str, retry_after_s: float | None, should_retry: bool | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.should_retry = should_retry


class ShuttingDown(NoEngine):
    """The core is shutting down; another one may listen here soon."""

    kind = "draining"


def shutting_down() -> ShuttingDown:
    return ShuttingDown("the core is shutting down: send this again to the next one", retry_after_s=5)


def body_of(error: ClawError) -> bytes:
    """OpenAI's error object, encoded."""
    status, kind = status_of(error), error.kind
    code = CODES.get(kind, kind)
    line = str(error).encode("utf-8", "replace").decode()
    if code == "context_length_exceeded" and code not in line:
        line += f" ({code})"  # an engine's own words: LangChain knows it by the text alone
    fields = {
        "message": line,
        "type": _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error"),
        "param": getattr(error, "param", None) or PARAMS.get(kind),
        "code": code,
    }
    return msgspec.json.encode({"error": fields})


def headers_of(error: ClawError) -> list[tuple[bytes, bytes]]:
    """Retry-After in whole seconds, on every 429 and 503; x-should-retry where the error says whether to send again, or
    where the wait is long. On a 401 how a key is shown, as RFC 9110 asks.
    """
    headers: list[tuple[bytes, bytes]] = []
    if status_of(error) == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    wait = error.retry_after_s
    if wait is None:
        wait = QUOTA_WAIT_S if error.kind == "daily-quota" else WAIT_S.get(status_of(error))
    if wait is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(wait))).encode()))
    again = error.should_retry
    if again is None and wait is not None and wait > LONG_S:
        again = False
    if again is not None:
        headers.append((b"x-should-retry", b"true" if again else b"false"))
    return headers


def safe_value(text: str) -> bytes:
    """`text` as a header's value: printable ASCII, the rest as `?`, at most 256 bytes."""
    if len(text) <= 256 and text.isascii() and text.isprintable():
        return text.encode()
    return bytes(code if 0x20 <= code < 0x7F else 0x3F for code in text[:256].encode("ascii", "replace"))
