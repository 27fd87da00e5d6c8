"""Numbers as people write them: 1,234.5, 3.2 × 10^10, \\frac{3}{4}, 12e-3; read from text in linear time."""

import re
from collections.abc import Iterator
from math import isfinite

from msgspec import Struct

PLAIN = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
_TENS = r"(?:\s{0,2}(?:×|x|\*|·|\\times|\\cdot)\s{0,2}10\s?\^?\s?\{?\(?([-−–]?\d{1,3})\)?\}?|[eE]([-+−]?\d{1,3}))"
NUMBER = re.compile(
    rf"\\[dt]?frac\{{(\d{{1,9}}(?:\.\d{{1,9}})?)\}}\{{(\d{{1,9}}(?:\.\d{{1,9}})?)\}}|(?<![\w.])(?:({PLAIN}))(?:{_TENS})?"
)
MINUS = re.compile(r"(?:^|[\s=(\[{,:$≈~])[-−–]\$?$")


class Number(Struct, frozen=True):
    """A value and where it stands."""

    value: float
    start: int
    end: int


def numbers(text: str) -> Iterator[Number]:
    """Every number of `text` in its order. A minus counts where it cannot be a subtraction."""
    for match in NUMBER.finditer(text):
        value = _value(match)
        if not isfinite(value):
            continue
        if MINUS.search(text, max(0, match.start() - 3), match.start()):
            value = -value
        yield Number(value, match.start(), match.end())


def close(a: float, b: float, share: float = 0.006) -> bool:
    """Equal but for rounding: within `share` of the larger one."""
    return abs(a - b) <= share * max(abs(a), abs(b)) + 1e-12


def _value(match: re.Match[str]) -> float:
    over, under, plain, tens, e = match.groups()
    if plain is None:
        return float(over) / float(under) if float(under) else float("inf")
    exponent = tens or e
    value = float(plain.replace(",", ""))
    if exponent is None:
        return value
    try:
        return float(value * 10.0 ** int(exponent.replace("−", "-").replace("–", "-")))
    except OverflowError:
        return float("inf")
