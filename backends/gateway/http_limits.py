"""Bounds of the listening port that protect the core from slow and huge requests."""

import resource

from msgspec import Struct
from msgspec.structs import replace


class HttpLimits(Struct, frozen=True, kw_only=True):
    """Times in seconds, sizes in bytes.

    A request's headers: `head_s` from the first byte to the last, `head_bytes`, `head_fields`. Its body: `body_s` for
    all of it, and after `body_grace_s` at least `body_rate_bps` bytes a second; `bodies_bytes` for all bodies that are
    being read. A response: `buffered_bytes` unsent before its producer waits, `write_s` for a reader that leaves that
    buffer full. A refused caller's remaining bytes are read for `linger_s`, so that it can read the refusal. At the
    end, cancelled requests have `cancelled_s` to write their rows and send their error.
    """

    connections: int = 4096
    head_s: float = 10.0
    head_bytes: int = 32_768
    head_fields: int = 100
    body_s: float = 120.0
    body_grace_s: float = 10.0
    body_rate_bps: int = 16_384
    bodies_bytes: int = 268_435_456
    buffered_bytes: int = 131_072
    write_s: float = 30.0
    linger_s: float = 1.0
    cancelled_s: float = 5.0

    def within_descriptors(self, descriptors: int) -> "HttpLimits":
        """At most a third of the process's descriptors for connections; the ledger and the engines need the others.

        `descriptors` may be RLIM_INFINITY.
        """
        if descriptors == resource.RLIM_INFINITY:
            return self
        return replace(self, connections=min(self.connections, max(8, descriptors // 3)))


DEFAULT_LIMITS = HttpLimits()
