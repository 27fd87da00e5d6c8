"""Does a run of characters look drawn at random, or is it made of words as names, paths and prose are?

Each pair of neighbouring characters is more usual in keys or in what agents read; the run's score is the sum over its
pairs, in nats. Digits count as one character. The table is made by `benchmarks/training/train_key_characters.py`.
"""

import string
from importlib.resources import files
from itertools import pairwise

CLASSES = "^" + string.ascii_lowercase + string.ascii_uppercase + "0_-.+/~="
"""The characters that the table knows; `^` is the beginning."""

STEP, ZERO, SCALE = 0.1, ord("^"), 61
"""A weight is one printable character: `^` is 0, one further is a tenth more."""

_CLASS = str.maketrans("123456789", "0" * 9)


def classes(run: str) -> str:
    """The run as the table sees it."""
    return "^" + run.translate(_CLASS)


def letter(weight: float) -> str:
    """A weight of the table as a character."""
    return chr(ZERO + max(-SCALE, min(30, round(weight / STEP))))


def _table() -> dict[tuple[str, str], float]:
    lines = files(__package__).joinpath("key_characters.txt").read_text().splitlines()
    return {
        (first, second): (ord(sign) - ZERO) * STEP
        for first, line in zip(CLASSES, lines, strict=True)
        for second, sign in zip(CLASSES, line, strict=True)
    }


_WEIGHTS = _table()


def randomness(run: str) -> float:
    """Log-odds that the run's characters were drawn at random; 0 for characters that no key has."""
    said = classes(run)
    weight = _WEIGHTS.get
    return sum(weight(pair, 0.0) for pair in pairwise(said))
