"""What a caller's headers ask for, whatever its dialect: how the cache takes part, privacy, and the longest wait."""

import math

from msgspec import Struct

from backends.gateway.http_errors import HttpError
from backends.gateway.http_exchange import HttpExchange

LONGEST_S = 86_400.0


class CacheControl(Struct, frozen=True, kw_only=True):
    """`cache` off neither looks an answer up nor stores one; `refresh` does not look one up, but stores it."""

    cache: bool
    refresh: bool


def cache_control(header: str) -> CacheControl:
    """Only no-store, no-cache and max-age=0 are honoured; other directives address caches between caller and core."""
    directives = {directive.strip().lower() for directive in header.split(",")}
    return CacheControl(
        cache="no-store" not in directives, refresh=not directives.isdisjoint(("no-cache", "max-age=0"))
    )


def is_sensitive(exchange: HttpExchange) -> bool:
    """Any value but a plain "false" keeps the request in the local zone: a doubt is settled for privacy."""
    header = exchange.text(b"x-claw-sensitive")
    return header is not None and header.lower() not in ("false", "0", "no")


def deadline_s(exchange: HttpExchange, deadline_ms: float | None = None) -> float | None:
    """Seconds that the caller waits for the whole answer: the least of the body's `deadline_ms` and of both headers.

    None where the caller sets no limit. Raises HttpError (400) for anything but a number within LONGEST_S.
    """
    limits = [
        _seconds(exchange.text(b"x-claw-deadline-s"), "X-Claw-Deadline-S", 1.0),
        _seconds(exchange.text(b"x-claw-deadline-ms"), "X-Claw-Deadline-Ms", 1000.0),
        _seconds(deadline_ms, "deadline_ms", 1000.0),
    ]
    return min((seconds for seconds in limits if seconds is not None), default=None)


def _seconds(value: str | float | None, name: str, units_per_second: float) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value) / units_per_second
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= LONGEST_S:
        unit = "seconds" if units_per_second == 1 else "milliseconds"
        most = LONGEST_S * units_per_second
        raise HttpError(400, "invalid_request", f"{name} must be a number of {unit} up to {most:.0f}")
    return seconds
