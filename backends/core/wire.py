"""The control socket's protocol: one call a connection, one JSON object a line.

The caller sends one Call. The core answers with a Hello, then chunks, events or one result, then an end or an error. A
line's only newline is its last byte; images are base64. Closing the connection ends the call.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from backends import errors
from backends.errors import ClawError, EngineError
from backends.events import Event
from backends.types import Acted, Action, Chunk, Explanation, Request, Review, Snapshot, Status, Timeline

PROTOCOL = 2
FRAME_BYTES = 33_554_432
"""The longest line: a request with its images, or a snapshot."""

Moment = Annotated[datetime, Meta(tz=True)]


# ---- calls


class Ask(Struct, frozen=True, kw_only=True, tag_field="verb", tag="ask"):
    request: Request
    protocol: int = PROTOCOL


class Explain(Struct, frozen=True, kw_only=True, tag_field="verb", tag="explain"):
    request: Request
    protocol: int = PROTOCOL


class TakeSnapshot(Struct, frozen=True, kw_only=True, tag_field="verb", tag="snapshot"):
    at: Moment | None = None
    protocol: int = PROTOCOL


class TakeTimeline(Struct, frozen=True, kw_only=True, tag_field="verb", tag="timeline"):
    since: Moment
    until: Moment
    protocol: int = PROTOCOL


class TakeStatus(Struct, frozen=True, kw_only=True, tag_field="verb", tag="status"):
    protocol: int = PROTOCOL


class WatchEvents(Struct, frozen=True, kw_only=True, tag_field="verb", tag="events"):
    protocol: int = PROTOCOL


class Act(Struct, frozen=True, kw_only=True, tag_field="verb", tag="act"):
    action: Action
    protocol: int = PROTOCOL


class TakeReview(Struct, frozen=True, kw_only=True, tag_field="verb", tag="review"):
    protocol: int = PROTOCOL


class Ping(Struct, frozen=True, kw_only=True, tag_field="verb", tag="ping"):
    protocol: int = PROTOCOL


Call = Ask | Explain | TakeSnapshot | TakeStatus | TakeTimeline | WatchEvents | Act | TakeReview | Ping


# ---- answers


class Hello(Struct, frozen=True, kw_only=True):
    """The core that answers; always the first frame."""

    protocol: int
    version: str
    pid: int


class Failure(Struct, frozen=True, kw_only=True):
    """A ClawError; `name` is its class."""

    name: str
    message: str
    kind: str
    exit_code: int
    http_status: int
    retry_after_s: float | None = None
    should_retry: bool | None = None
    billed: bool = False
    status: int | None = None


class Frame(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Exactly one of these is set. `result` is an encoded Result, as the verb says."""

    hello: Hello | None = None
    chunk: Chunk | None = None
    event: Event | None = None
    result: Raw = Raw(b"")
    error: Failure | None = None
    end: bool = False


Result = Explanation | Snapshot | Status | Timeline | Acted | Review

_encoder = msgspec.json.Encoder()
_calls: msgspec.json.Decoder[Call] = msgspec.json.Decoder(Call)
_frames: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)


def encode(value: Call | Frame, *, limit: int = FRAME_BYTES) -> bytes:
    """One line, its newline included. Raises ValueError where it would have more than `limit` bytes."""
    line = _encoder.encode(value) + b"\n"
    if len(line) > limit:
        raise ValueError("frame too long")
    return line


def result(value: Result) -> Frame:
    return Frame(result=Raw(_encoder.encode(value)))


def decode_call(line: bytes) -> Call:
    """Raises WrongUse for a line that is no call, and for one of another protocol version."""
    try:
        protocol = msgspec.json.decode(line, type=_Version).protocol
        if protocol != PROTOCOL:
            raise errors.WrongUse(
                f"this core speaks control protocol {PROTOCOL}, the caller {protocol}: run one version of claw"
            )
        return _calls.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise errors.WrongUse("the call is not one that this core knows: run both from one version of claw") from None


def decode_frame(line: bytes) -> Frame:
    """Raises Unreachable for a line that is no frame, and for the hello of another protocol version."""
    try:
        frame = _frames.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise errors.Unreachable("the core answers in words unknown here: run both from one version of claw") from None
    if frame.hello is not None and frame.hello.protocol != PROTOCOL:
        raise errors.Unreachable(
            f"the running core (claw {frame.hello.version}) speaks control protocol {frame.hello.protocol}, this one "
            f"{PROTOCOL}: restart `claw serve`"
        )
    return frame


def failure(error: ClawError) -> Frame:
    return Frame(
        error=Failure(
            name=type(error).__name__,
            message=str(error).encode("utf-8", "replace").decode(),
            kind=error.kind,
            exit_code=error.exit_code,
            http_status=error.http_status,
            retry_after_s=error.retry_after_s,
            should_retry=error.should_retry,
            billed=getattr(error, "billed", False),
            status=getattr(error, "status", None),
        )
    )


def restore_error(failed: Failure) -> ClawError:
    """The error as it was raised: of the same class where this side knows it, with the same fields always."""
    known = getattr(errors, failed.name, None)
    kind: type[Any] = known if isinstance(known, type) and issubclass(known, ClawError) else ClawError
    error: Any
    if issubclass(kind, EngineError):
        error = kind(failed.message, kind="protocol", billed=failed.billed, status=failed.status)
    else:
        error = kind(failed.message)
    error.kind, error.exit_code, error.http_status = failed.kind, failed.exit_code, failed.http_status
    error.retry_after_s, error.should_retry = failed.retry_after_s, failed.should_retry
    restored: ClawError = error
    return restored


class _Version(Struct):
    protocol: int
