"""How each option differs from the others, in its figures and its wording. Shared by training and serving."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from backends.verification.short_answers.multiple_choice import Question
from backends.verification.short_answers.numbers import close, numbers

FACTORS = (2, 0.5, 10, 0.1, 100, 0.01, 3, 1 / 3, 4, 0.25, 1000, 0.001, 1.5, 2 / 3)
"""Ratios at which made-up figures stand to a true one."""

SOFT = re.compile(r"(?i)\b(?:may|can|often|usually|generally|some|likely|most|tends?|typically|might)\b")
HARD = re.compile(
    r"(?i)\b(?:only|always|all|every|must|never|solely|entirely|any|completely|directly)\b",
)
BECAUSE = re.compile(r"(?i)\b(?:because|since|due to|by)\b")
SIGNS = re.compile(r"[)/;\"]")
FIGURE = re.compile(r"\d[\d.,]{0,40}")
LEADING = re.compile(r"^0+|\D")
NOT_DIGIT = re.compile(r"\D")

Column = list[float]


def contrast_columns(question: Question, texts: Sequence[str]) -> list[Column]:
    """A value for each option in every column; `texts` are the options, cut to the length that is read."""
    values = [[number.value for number in numbers(text)] for text in texts]
    asked = {number.value for number in numbers(question.stem)}
    seen = Counter(value for each in values for value in set(each))
    shared = [_mean(seen[value] for value in each) / len(texts) for each in values]
    known = [_mean(float(value in asked) for value in each) for each in values]
    words = [text.split() for text in texts]
    size = _mean(map(len, words))
    return [
        *_related([each[0] if each else None for each in values]),
        _centred(map(len, values)),
        shared,
        _centred(shared),
        known,
        _centred(known),
        _centred(_mean(map(len, each)) for each in words),
        _centred(map(len, words)),
        *(_centred(len(kind.findall(text)) for text in texts) for kind in (SOFT, HARD)),
        *(_centred(kind.search(text) is not None for text in texts) for kind in (BECAUSE, SIGNS)),
        _centred(max((len(LEADING.sub("", each)) for each in FIGURE.findall(text)), default=0) for text in texts),
        _centred(max((_zeros(each) for each in FIGURE.findall(text)), default=0) for text in texts),
        _centred(_pairs_shared(words)),
        _centred(_begun_alike(texts)),
        _centred(_begun_alike([text[::-1] for text in texts])),
        [len(texts) / 10] * len(texts),
        [size / 20] * len(texts),
        [_mean(float(bool(each)) for each in values)] * len(texts),
    ]


def _related(values: Sequence[float | None]) -> tuple[Column, Column, Column]:
    """Of the other options, how many are a simple multiple; is one the negative; how many lie within a tenth."""
    multiple, negative, near = [], [], []
    for own, a in enumerate(values):
        others = [b for at, b in enumerate(values) if at != own and b is not None] if a is not None else []
        ratios = [abs(b / a) for b in others if b] if a else []
        multiple.append(sum(any(close(r, factor, 0.004) for factor in FACTORS) for r in ratios) / len(values))
        negative.append(float(bool(a) and any(b == -a for b in others)) if a is not None else 0.0)
        near.append(sum(0 < abs(r - 1) < 0.1 for r in ratios) / len(values))
    return multiple, negative, near


def _zeros(figure: str) -> int:
    digits = NOT_DIGIT.sub("", figure)
    return len(digits) - len(digits.rstrip("0"))


def _pairs_shared(words: Sequence[Sequence[str]]) -> Column:
    """How many options have an option's pairs of words, on average."""
    pairs = [{(a.lower(), b.lower()) for a, b in pairwise(each)} for each in words]
    seen = Counter(pair for each in pairs for pair in each)
    return [_mean(seen[pair] for pair in each) / len(words) for each in pairs]


def _begun_alike(texts: Sequence[str]) -> Column:
    """The share of an option that others begin with too, on average."""
    return [
        _mean(_same_start(text, other) for at, other in enumerate(texts) if at != own) / (len(text) + 1)
        for own, text in enumerate(texts)
    ]


def _same_start(a: str, b: str) -> int:
    """Characters that two texts begin with together."""
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _centred(values: Iterable[float]) -> Column:
    each = [float(value) for value in values]
    mean = sum(each) / len(each)
    return [value - mean for value in each]


def _mean(values: Iterable[float]) -> float:
    each = list(values)
    return sum(each) / len(each) if each else 0.0
