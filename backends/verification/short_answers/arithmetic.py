"""Sums that an answer writes ("a + b = c"), computed again: does each one hold?"""

import re
from collections.abc import Iterator
from math import isfinite

from msgspec import Struct

from backends.verification.short_answers.numbers import PLAIN, close

EXACT = 0.006
"""How far a side may be off for its rounding, as a share."""

SIDE = re.compile(r"[\d.,\s+\-*/^()$%]{3,160}$")
RESULT = re.compile(rf"\s{{0,3}}(-?)\s?\$?\s?({PLAIN})(?:\s?\*\s?10\s?\^\s?\(?(-?\d{{1,3}})\)?)?")
EQUALS = re.compile(r"(?<![<>!=≠≤≥])[=≈](?!=)")
TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|([-+*/^()%]))")
GOES_ON = re.compile(r"\s*[*/^+(]|\s*-\s*\d|\.?\d|[A-Za-z\\]")
FRACTION = re.compile(r"\\[dt]?frac\{([^{}]{1,60})\}\{([^{}]{1,60})\}")
RATE = re.compile(r"(?<=[\d)])\s?[a-zA-Z]{1,12}(?:/[a-zA-Z]{1,8}(?:\^?\d)?)+")
UNIT = re.compile(r"(?<=[\d)])\s?[a-zA-Z]{2,12}(?:\s[a-zA-Z]{2,12})?(?=\s?[-+*/=)])")
LEAD = re.compile(r"(?:^|[\s:=≈\n(,])(?!(?:sin|cos|tan|log|ln|exp|sqrt|of)\b)[A-Za-z]{2,}[.,:]?$|^$|[:=≈.;,<]$|\$$")
WORDS = (
    ("\\times", "*"),
    ("\\cdot", "*"),
    ("\\div", "/"),
    ("\\left", ""),
    ("\\right", ""),
    ("\\%", "%"),
    ("\\$", "$"),
    ("\\,", ""),
    ("×", "*"),
    ("·", "*"),
    ("÷", "/"),
    ("−", "-"),
    ("–", "-"),
    (" x ", " * "),
)
MOST = 60
"""Sums of one answer that are computed again; later ones are not read."""


class WrittenSum(Struct, frozen=True):
    """What a written sum comes to, what the answer states, and the unit of the last digit stated."""

    computed: float
    stated: float
    unit: float

    @property
    def holds(self) -> bool:
        """Equal but for rounding, or cutting, to the last digit that was written; or stated in per cent."""
        over = abs(self.stated) - abs(self.computed)
        near = self.stated * self.computed >= 0 and -self.unit <= over <= 0.51 * self.unit
        return near or close(self.computed, self.stated, EXACT) or close(self.computed * 100, self.stated, EXACT)


def sums(text: str) -> Iterator[WrittenSum]:
    """At most MOST sums; those with names, units or functions in a side are skipped."""
    text = UNIT.sub(" ", RATE.sub(" ", _plain(text)))
    found = 0
    for match in EQUALS.finditer(text):
        left = SIDE.search(text, max(0, match.start() - 160), match.start())
        right = RESULT.match(text, match.end())
        if left is None or right is None or GOES_ON.match(text, right.end()):
            continue
        if LEAD.search(text[max(0, left.start() - 24) : left.start()].rstrip()) is None:
            continue
        computed, stated = evaluate(left[0]), _stated(right)
        if computed is None or stated is None:
            continue
        yield WrittenSum(computed, *stated)
        found += 1
        if found == MOST:
            return


def evaluate(expression: str) -> float | None:
    """The value of plain arithmetic with at least one operator; None for anything else."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", expression).replace("$", " ").strip(" ,.")
    try:
        tokens = _tokens(plain)
        if not any(each in "+-*/^" for each in tokens[1:]):
            return None
        value, rest = _sum(tokens, 0)
    except (ValueError, IndexError, OverflowError, ZeroDivisionError, RecursionError):
        return None
    if rest != len(tokens) or isinstance(value, complex) or not isfinite(value):
        return None
    return value


def _plain(text: str) -> str:
    for word, sign in WORDS:
        text = text.replace(word, sign)
    text = FRACTION.sub(r"((\1)/(\2))", text)
    return text.replace("{", "(").replace("}", ")")


def _stated(right: re.Match[str]) -> tuple[float, float] | None:
    """The right side's value and its last digit's unit."""
    minus, plain, tens = right.groups()
    try:
        power = 10.0 ** int(tens or 0)
    except OverflowError:
        return None
    value = float(plain.replace(",", "")) * power
    return -value if minus else value, power * 10.0 ** -len(plain.partition(".")[2])


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ValueError
        tokens.append(match[1] or match[2])
        at = match.end()
    return tokens


def _sum(tokens: list[str], at: int) -> tuple[float, int]:
    value, at = _product(tokens, at)
    while at < len(tokens) and tokens[at] in "+-":
        other, after = _product(tokens, at + 1)
        value = value + other if tokens[at] == "+" else value - other
        at = after
    return value, at


def _product(tokens: list[str], at: int) -> tuple[float, int]:
    value, at = _power(tokens, at)
    while at < len(tokens) and tokens[at] in "*/(":
        sign = tokens[at]
        other, after = _power(tokens, at if sign == "(" else at + 1)
        value = value / other if sign == "/" else value * other
        at = after
    return value, at


def _power(tokens: list[str], at: int) -> tuple[float, int]:
    if tokens[at] == "-":
        value, at = _power(tokens, at + 1)
        return -value, at
    value, at = _atom(tokens, at)
    if at < len(tokens) and tokens[at] == "^":
        other, at = _power(tokens, at + 1)
        if abs(other) > 64 or abs(value) > 1e12:
            raise ValueError
        value = value**other
    return value, at


def _atom(tokens: list[str], at: int) -> tuple[float, int]:
    if tokens[at] == "(":
        value, at = _sum(tokens, at + 1)
        if tokens[at] != ")":
            raise ValueError
        at += 1
    else:
        value, at = float(tokens[at]), at + 1
    if at < len(tokens) and tokens[at] == "%":
        return value / 100, at + 1
    return value, at
