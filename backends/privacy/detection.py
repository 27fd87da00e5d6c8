"""What all detectors share: their type, what they return, and how they write sets of words."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from backends.privacy.text_window import TextWindow


class Detection(NamedTuple):
    """Something private of this kind at `start:end` of a text."""

    kind: str
    start: int
    end: int


Detector = Callable[[TextWindow], Iterable[Detection]]


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())
