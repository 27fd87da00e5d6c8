"""`keep_alive` as Ollama reads it: seconds as a number, or a duration as Go writes it."""

import re

UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+")
PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
LONGEST_S = 9_000_000_000  # Go counts nanoseconds in 64 bits


def keep_alive(given: str | int) -> int | float | str:
    """What Ollama is sent: seconds as a number, since a text must have a unit.

    Below 0 keeps the model for ever, 0 unloads it at once. Raises ValueError for what Ollama would refuse.
    """
    text = str(given).strip()
    if NUMBER.fullmatch(text):
        seconds = float(text)
        shown: int | float | str = int(seconds) if seconds.is_integer() else seconds
    elif DURATION.fullmatch(text):
        seconds = sum(float(number) * UNITS_S[unit] for number, unit in PART.findall(text))
        shown = text
    else:
        raise ValueError(text)
    if abs(seconds) > LONGEST_S:
        raise ValueError(text)
    return shown
