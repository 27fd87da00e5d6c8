"""Which of two things a sentence puts first, in time or in a comparison."""

import re
from functools import lru_cache
from typing import NamedTuple

from backends.cache.equivalence.parsed_question import stem
from backends.cache.equivalence.word_classes import FILLERS

_FORMS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"^(?P<first>.+?)[,;.]?\s+(?:and\s+)?(?:then|afterwards?)\s+(?P<second>.+)$",
        r"^before\s+(?P<second>[^,]+),\s*(?P<first>.+)$",
        r"^after\s+(?P<first>[^,]+),\s*(?P<second>.+)$",
        r"^(?P<first>.+?)\s+before\s+(?P<second>.+)$",
        r"^(?P<second>.+?)\s+after\s+(?P<first>.+)$",
        r"^(?P<first>.+?)\s+than\s+(?P<second>.+)$",
    )
)
_WORD = re.compile(r"[^\W_]+")
LONGEST = 400  # characters; longer sentences have no order


class EventOrder(NamedTuple):
    """The stems of the content words on each side."""

    first: frozenset[str]
    second: frozenset[str]


def reversed_order(one: str, other: str) -> bool:
    """Whether two sentences in lower case put the same two things in opposite orders. Symmetric."""
    a, b = event_order(one), event_order(other)
    if a is None or b is None:
        return False
    straight = min(len(a.first & b.first), len(a.second & b.second))
    crossed = min(len(a.first & b.second), len(a.second & b.first))
    return crossed > straight


@lru_cache(maxsize=512)
def event_order(sentence: str) -> EventOrder | None:
    """ "Run the tests, then deploy" and "before you deploy, run the tests": first the tests, second the deployment."""
    if len(sentence) > LONGEST:
        return None
    for form in _FORMS:
        if match := form.match(sentence):
            return EventOrder(_stems(match["first"]), _stems(match["second"]))
    return None


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in _WORD.findall(text) if word not in FILLERS)
