"""What a caller's headers ask for, whatever its dialect: how the cache takes part, privacy, and the longest wait; and
whose call it is: its session, its run, and the program that sends it.
"""

import math
from collections.abc import Callable

from msgspec import Struct

from backends.gateway.http_errors import HttpError

HeaderText = Callable[[bytes], str | None]
"""A header's value by its lower-case name, None where it was not sent."""

LONGEST_S = 86_400.0

SESSION_HEADERS = (
    b"x-claw-session",
    b"x-session-id",
    b"x-session-affinity",
    b"x-claude-code-session-id",
    b"session-id",  # Codex
    b"session_id",  # Codex before 0.50
    b"thread-id",
)
"""Where clients name a conversation, the first before the others."""

USER_AGENT_LETTERS = 200


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


def is_sensitive(header: HeaderText) -> bool:
    """Any value but a plain "false" keeps the request in the local zone: a doubt is settled for privacy."""
    value = header(b"x-claw-sensitive")
    return value is not None and value.lower() not in ("false", "0", "no")


def deadline_s(header: HeaderText, deadline_ms: float | None = None) -> float | None:
    """Seconds that the caller waits for the whole answer: the least of the body's `deadline_ms` and of both headers.

    None where the caller sets no limit. Raises HttpError (400) for anything but a number within LONGEST_S.
    """
    limits = [
        _seconds(header(b"x-claw-deadline-s"), "X-Claw-Deadline-S", 1.0),
        _seconds(header(b"x-claw-deadline-ms"), "X-Claw-Deadline-Ms", 1000.0),
        _seconds(deadline_ms, "deadline_ms", 1000.0),
    ]
    return min((seconds for seconds in limits if seconds is not None), default=None)


def session_of(header: HeaderText, in_body: str = "") -> str:
    """The conversation's name: a header's, else `in_body`, which its body gives; "" where neither does."""
    named = (header(name) for name in SESSION_HEADERS)
    return next(filter(None, named), in_body)


def run_of(header: HeaderText) -> str:
    """The name of the run that this call is part of, "" where it has none."""
    return header(b"x-claw-run") or ""


def user_agent(header: HeaderText) -> str:
    """The caller's program as it says itself, printable and bounded."""
    given = (header(b"user-agent") or "")[:USER_AGENT_LETTERS]
    return "".join(letter if " " <= letter <= "~" else "?" for letter in given)


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
