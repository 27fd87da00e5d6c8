"""How long a caller will wait for the whole answer.

It is the least of the body's `deadline_ms` and of a header in milliseconds or seconds.
"""

import math

from backends.gateway.refusal import Turned
from backends.gateway.visit import Visit

LONGEST_S = 86_400.0


def deadline_s(visit: Visit, deadline_ms: float | None = None) -> float | None:
    """Seconds, None where the caller says nothing. Raises Turned (400) for what is no such number."""
    told = [
        _seconds(visit.text(b"x-claw-deadline-s"), "X-Claw-Deadline-S", 1.0),
        _seconds(visit.text(b"x-claw-deadline-ms"), "X-Claw-Deadline-Ms", 1000.0),
        _seconds(deadline_ms, "deadline_ms", 1000.0),
    ]
    return min((seconds for seconds in told if seconds is not None), default=None)


def _seconds(said: str | float | None, name: str, to_a_second: float) -> float | None:
    if said is None:
        return None
    try:
        seconds = float(said) / to_a_second
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= LONGEST_S:
        unit = "seconds" if to_a_second == 1 else "milliseconds"
        raise Turned(400, "invalid_request", f"{name} must be a number of {unit} up to {LONGEST_S * to_a_second:.0f}")
    return seconds
