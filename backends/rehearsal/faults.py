"""Faults of one call as data: a kind, when it strikes, and its parameters."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import replace

FaultKind = Literal[
    "status",  # answer `status` with `body` and `headers`
    "redirect",  # 307 to `location`
    "silence",  # say nothing more, for `seconds` or until the caller leaves
    "close",  # end the body well-formed, without the protocol's own end
    "drop",  # close the connection in the middle of the body
    "reset",  # RST
    "reset-reused",  # RST at once, only on a connection that already served a request
    "half",  # half a chunk, then a well-formed end
    "error",  # `body` as a line or event of the stream, then its end
    "usage",  # usage that is odd in the way `mode` says
    "finish",  # end with the reason `mode`, as if the model had
    "blocked",  # the prompt is refused: `mode` is the block reason
    "thought-cap",  # thinking eats the whole cap: no text
    "runaway",  # the model never stops by itself
    "wire",  # right content, odd bytes, in the way `mode` says
]

UsageMode = Literal[
    "zeros-first", "absent-last", "absent", "no-input", "no-output", "wrong-total", "cached-over-prompt"
]
WireMode = Literal["stop-each", "stop-first", "reason-alone", "big", "split", "crlf", "keep-alive"]


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault, struck `times` times (None: until removed), first come first served.

    `after` counts the chunks that go out before it strikes; None strikes before the response's first byte. `on` is the
    kind of endpoint it waits for: "answer" (chat, generate, generateContent), "embed", "count", "list" or "any".
    `size_b` is for the wire mode "big".
    """

    kind: FaultKind
    times: Annotated[int, Meta(ge=1)] | None = 1
    on: Literal["answer", "embed", "count", "list", "any"] = "answer"
    after: Annotated[int, Meta(ge=0)] | None = None
    status: Annotated[int, Meta(ge=400, le=599)] = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    seconds: Annotated[float, Meta(ge=0)] | None = None
    location: str = ""
    mode: str = ""
    size_b: Annotated[int, Meta(ge=0, le=64 * 1024 * 1024)] = 2 * 1024 * 1024


def take(faults: tuple[Fault, ...], on: str, *, reused: bool) -> tuple[Fault | None, tuple[Fault, ...]]:
    """The fault that strikes now, if any, and the remaining ones."""
    for index, fault in enumerate(faults):
        if fault.on not in (on, "any") or (fault.kind == "reset-reused" and not reused):
            continue
        rest = (*faults[:index], *faults[index + 1 :])
        if fault.times is None:
            return fault, faults
        if fault.times > 1:
            rest = (*faults[:index], replace(fault, times=fault.times - 1), *faults[index + 1 :])
        return fault, rest
    return None, faults
