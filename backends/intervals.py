"""Confidence intervals of counted shares."""

import math


def wilson(count: int, of: int, z: float = 1.96) -> tuple[float, float, float] | None:
    """The share `count` / `of` with the ends of Wilson's interval, by default at 95 %; None where `of` is 0."""
    if not of:
        return None
    share = count / of
    centre = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return share, max(0.0, centre - half), min(1.0, centre + half)
