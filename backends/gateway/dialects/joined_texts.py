"""Texts of one message that a body holds apart, as one text that remembers where each begins."""

from collections.abc import Sequence
from itertools import accumulate

BETWEEN_PARTS = "\n"


def joined(texts: Sequence[str]) -> str:
    return BETWEEN_PARTS.join(texts)


def seams(texts: Sequence[str]) -> tuple[int, ...]:
    """Where each text but the first begins once they are joined."""
    return tuple(accumulate(len(text) + len(BETWEEN_PARTS) for text in texts[:-1]))
