"""The words of a text that carry its meaning, cut to their stems."""

import re

WORD = re.compile(r"[^\W\d_]{2,}")
COMMON = frozenset(
    WORD.findall(
        "the of and to in is it that for on as are with be by an or at from this which not was has have its if can "
        "will than their they there these we each all any into one two he she his her but so"
    )
)
LETTERS = 7


def stems(text: str) -> frozenset[str]:
    return frozenset(word[:LETTERS] for word in WORD.findall(text.lower()) if word not in COMMON)


def overlap(part: frozenset[str], whole: frozenset[str]) -> float:
    """The share of `part` that is in `whole`; 0 for an empty `part`."""
    return len(part & whole) / len(part) if part else 0.0


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """What two sets have in common, as a share of their union."""
    return len(a & b) / (len(a | b) or 1)
