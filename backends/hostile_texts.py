"""Texts that cost a regular expression as much as they can, derived from the expression itself.

An engine that backtracks loses its time in texts that nearly match: many beginnings, a long run of what may be
repeated, and no end. So a pattern's parsed form is walked to write such beginnings, runs and matches that break at the
last sign.
"""

import re
from collections.abc import Iterator
from itertools import chain
from re import _constants as op  # type: ignore[attr-defined]  # typeshed has no stub for it
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

VARIANTS = 4
"""Signs that are tried for each class of signs, and as many lengths for each repetition."""

BRANCHES = 12
"""Alternatives that are tried of a pattern."""

FEW, MANY = 1, 40
"""How often something is repeated, as far as the pattern allows."""

PROBES = "aA1-._ /+=:\"'@,\n(<éж字"
"""Signs that most classes have one of."""

BETWEEN = ("", " ", "\n")

NO_END = "\n!"
"""What ends a run where hardly any pattern goes on. A whole match stands behind it, as some engines look first whether
a text has all that a match needs.
"""

GENERAL = (
    "a",
    "1",
    "aA1",
    "1 ",
    "1-",
    "a.",
    "a ",
    "a=",
    "password ",
    "key: ",
    "\\u0041",
    "%41",
    "QUJD",
    "(((",
    "\ud83d\ude00",
)
"""Runs that are built against no pattern, but against what is done for all of them."""


class Piece(NamedTuple):
    """A stretch of a match. `unit` is what may be repeated there, "" where nothing may."""

    text: str
    unit: str = ""


def hostile_texts(pattern: re.Pattern[str], size: int) -> Iterator[str]:
    """Each text has `size` characters, or a few more."""
    seen: set[str] = set()
    for text in _texts(pattern, size):
        if text not in seen:
            seen.add(text)
            yield text


def general_texts(size: int) -> Iterator[str]:
    """Runs that no pattern was looked at for, `size` characters each."""
    return (_filled(unit, size) for unit in GENERAL)


def _texts(pattern: re.Pattern[str], size: int) -> Iterator[str]:
    tree = _parser.parse(pattern.pattern, pattern.flags)
    for branch in range(min(BRANCHES, _widest(tree))):
        for variant in range(VARIANTS):
            pieces = list(_pieces(tree, branch, variant))
            whole = "".join(piece.text for piece in pieces)
            yield from (_filled(whole[:-1] + joint, size) for joint in BETWEEN)
            start = ""
            for piece in pieces:
                start += piece.text
                if piece.unit:
                    yield _filled(piece.unit, size, start)
                    yield _filled(piece.unit, size - len(NO_END + whole), start) + NO_END + whole
                    yield _filled(start + " ", size)


def _filled(unit: str, size: int, start: str = "") -> str:
    return (start + (unit or "x") * (size // max(1, len(unit)) + 1))[: max(0, size)]


def _widest(tree: Any) -> int:
    """The most alternatives that stand beside each other anywhere."""
    widest = 1
    for code, value in tree:
        inner: list[Any] = []
        if code is op.BRANCH:
            widest = max(widest, len(value[1]))
            inner = value[1]
        elif code in REPEATS:
            inner = [value[2]]
        elif code is op.SUBPATTERN:
            inner = [value[3]]
        elif code is op.ATOMIC_GROUP:
            inner = [value]
        widest = max(chain([widest], map(_widest, inner)))
    return widest


def _pieces(tree: Any, branch: int, variant: int) -> Iterator[Piece]:
    """One match of the tree, roughly: what only looks around is passed over, unless it stands before the match."""
    for code, value in tree:
        if code in REPEATS:
            least, most, inner = value
            unit = "".join(piece.text for piece in _pieces(inner, branch, variant))
            times = max(least, min(int(most), MANY if variant % 2 else FEW))
            yield Piece(unit * times, unit if int(most) > times or int(most) >= MANY else "")
        elif code is op.SUBPATTERN:
            yield from _pieces(value[3], branch, variant)
        elif code is op.ATOMIC_GROUP:
            yield from _pieces(value, branch, variant)
        elif code is op.BRANCH:
            yield from _pieces(value[1][branch % len(value[1])], branch, variant)
        elif code is op.ASSERT and value[0] < 0:
            yield from _pieces(value[1], branch, variant)
        elif code is op.LITERAL:
            yield Piece(chr(value))
        elif code in (op.NOT_LITERAL, op.ANY, op.IN):
            yield Piece(_sign(code, value, variant))


REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)


def _sign(code: Any, value: Any, variant: int) -> str:
    """A sign that stands there, another one for each variant."""
    if code is op.ANY:
        return PROBES[variant]
    members = [(op.NEGATE, None), (op.LITERAL, value)] if code is op.NOT_LITERAL else value
    firsts = [chr(item if kind is op.LITERAL else item[0]) for kind, item in members if kind in (op.LITERAL, op.RANGE)]
    fitting = [sign for sign in chain(PROBES, firsts) if _is_member(sign, members)]
    return fitting[variant % len(fitting)] if fitting else "x"


def _is_member(sign: str, members: Any) -> bool:
    inside = any(_matches(sign, kind, value) for kind, value in members)
    return inside is not any(kind is op.NEGATE for kind, _ in members)


def _matches(sign: str, kind: Any, value: Any) -> bool:
    if kind is op.LITERAL:
        return bool(ord(sign) == value)
    if kind is op.RANGE:
        return bool(value[0] <= ord(sign) <= value[1])
    return kind is op.CATEGORY and CATEGORIES[value].fullmatch(sign) is not None


CATEGORIES = {
    op.CATEGORY_DIGIT: re.compile(r"\d"),
    op.CATEGORY_NOT_DIGIT: re.compile(r"\D"),
    op.CATEGORY_SPACE: re.compile(r"\s"),
    op.CATEGORY_NOT_SPACE: re.compile(r"\S"),
    op.CATEGORY_WORD: re.compile(r"\w"),
    op.CATEGORY_NOT_WORD: re.compile(r"\W"),
}
