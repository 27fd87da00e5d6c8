"""Agents' names as people write them: the same in any case, and what a slip of the pen probably meant."""

import re
from collections.abc import Iterable

LONG = 6
"""Letters of a name from which on two slips are still taken for it."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NUMBER = re.compile(r"[-_.]?\d+\Z")


def is_name(text: str) -> bool:
    """Can an agent, or a tag, be called so?"""
    return _NAME.fullmatch(text) is not None


def spelled(name: str, names: Iterable[str]) -> str | None:
    """`name` as it is spelled in `names`, whatever its case; None where it is not there."""
    folded = name.casefold()
    return next((known for known in names if known.casefold() == folded), None)


def meant(name: str, names: Iterable[str]) -> str | None:
    """The nearest of `names` that `name` is a slip of, None where there is none.

    A number at the end makes another agent on purpose: `claw2` is no slip of `claw`, nor of `claw1`.
    """
    folded = name.casefold()
    near = [
        (slips, known)
        for known in names
        if (slips := _slips(folded, known.casefold())) <= (2 if len(known) >= LONG else 1)
        and not _numbered(folded, known.casefold())
    ]
    return min(near, default=(0, None))[1]


def _numbered(one: str, other: str) -> bool:
    return _NUMBER.sub("", one) == _NUMBER.sub("", other)


def _slips(one: str, other: str) -> int:
    """Letters left out, added, changed, or swapped with their neighbour, to make one word of the other.

    Its cost is the product of the lengths: names have 64 letters at the most, and most are told apart by their lengths.
    """
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        now = [row]
        for column, against in enumerate(other, 1):
            cost = min(last[column] + 1, now[-1] + 1, last[column - 1] + (letter != against))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == against:
                cost = min(cost, before[column - 2] + 1)
            now.append(cost)
        before, last = last, now
    return last[-1]
