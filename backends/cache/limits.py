"""The limits of the cache in memory and time."""

from msgspec import Struct


class CacheLimits(Struct, frozen=True, kw_only=True):
    """Bytes, counts and seconds.

    `memory_bytes` bounds the memory tier. A look-up waits at most `lookup_s` for its embedding and `judge_s` for the
    judge; beyond `lookups_waiting`, others go on without the semantic tier. `close_s` is how long closing waits for a
    model that is still loading, and `retry_s` the pause before an engine that did not embed is asked again.
    """

    memory_bytes: int = 16 * 1024 * 1024
    lookup_s: float = 1.0
    judge_s: float = 1.0
    lookups_waiting: int = 32
    close_s: float = 0.5
    retry_s: float = 30.0


LIMITS = CacheLimits()
