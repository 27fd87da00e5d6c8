"""What a caller's `Cache-Control` asks of the cache."""

from typing import NamedTuple


class Wishes(NamedTuple):
    """`cache` off: neither looked up nor stored; `refresh`: not looked up, but stored."""

    cache: bool
    refresh: bool


def wishes(cache_control: str) -> Wishes:
    """Of its directives no-store, no-cache and max-age=0 are honoured; others are about caches on the way."""
    said = {word.strip().lower() for word in cache_control.split(",")}
    return Wishes(cache="no-store" not in said, refresh=not said.isdisjoint(("no-cache", "max-age=0")))
