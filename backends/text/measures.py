"""Counts, shares, probabilities and sizes as text."""

from decimal import Decimal

UNKNOWN = "–"
"""What stands for a figure that nobody knows; zero is `0`."""


def count(value: int | None) -> str:
    """`1,204`."""
    return UNKNOWN if value is None else f"{value:,}"


def tokens(value: int | None) -> str:
    """`840`, `38k`, `1M`; a window that is a multiple of 1,024 in those, as models name it: `32k`."""
    if value is None:
        return UNKNOWN
    thousand = 1024 if value % 1024 == 0 else 1000
    if value < thousand:
        return f"{value}"
    thousands = round(value / thousand)
    if thousands < thousand:
        return f"{thousands}k"
    return f"{value / thousand**2:.1f}M".replace(".0M", "M")


def percent(value: float | None) -> str:
    """`71 %`, of a value from 0 to 100."""
    return UNKNOWN if value is None else f"{value:.0f} %"


def share(part: Decimal | float, whole: Decimal | float) -> str:
    """A part of a whole as a percentage; unknown where the whole is nothing."""
    return percent(float(part) / float(whole) * 100) if whole else UNKNOWN


def probability(value: float) -> str:
    """A probability, quality or complexity from 0 to 1: `.74`, `1.0`."""
    return f"{value:.2f}".removeprefix("0") if 0 <= value < 0.995 else f"{value:.1f}"


def size(value: float | None) -> str:
    """Bytes: `940 B`, `9.1 MB`, `24.0 GB` (of 1024)."""
    if value is None:
        return UNKNOWN
    for name in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {name}" if name == "B" or value >= 100 else f"{value:.1f} {name}"
        value /= 1024
    return f"{value:,.1f} GB"


def gigabytes(used: int | None, whole: int | None) -> str:
    """Used bytes of all: `11.2/24.0 GB`."""
    if used is None and whole is None:
        return UNKNOWN
    used_text, whole_text = (UNKNOWN if value is None else f"{value / 1024**3:.1f}" for value in (used, whole))
    return f"{used_text}/{whole_text} GB"
