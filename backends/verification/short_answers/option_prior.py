"""The options of a question compared with each other, before any answer is read: from this alone the right one is found
more often than by chance, since authors of tests word it differently from what they invent. Shared by training and
serving.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from backends.verification.short_answers.multiple_choice import Question
from backends.verification.short_answers.numbers import numbers
from backends.verification.short_answers.option_contrast import contrast_columns
from backends.verification.short_answers.stemming import jaccard, overlap, stems

Matrix = NDArray[np.float64]

LONGEST = 600
"""Characters of one option that are read."""

TOGETHER = re.compile(r"(?i)\b(?:all|none|both|neither) (?:of )?")
DENIES = re.compile(r"(?i)\b(?:no|not|never|cannot|none)\b")
FIGURE = re.compile(r"\d[\d.,]{0,40}")
DECIMALS = re.compile(r"\d\.(\d{1,20})")
ROUND = re.compile(r"^(?!.*\.\d*[1-9]).*[05]\b", re.DOTALL)
LOWER, WHOLE = re.compile(r"[a-z]+"), re.compile(r"\d+")


def option_features(question: Question) -> Matrix:
    """A row for each option. Columns: lengths, likeness among the options and to the question, values and their rank,
    digits, form, words of denial, place, commonness of words, then those of `contrast_columns`.
    """
    texts = [option[:LONGEST] for option in question.options]
    words = [stems(text) | {f"{number.value:g}" for number in numbers(text)} for text in texts]
    asked = stems(question.stem)
    alike = [[jaccard(a, b) for b in words] for a in words]
    for own, row in enumerate(alike):
        row[own] = 0.0
    means = [sum(row) / max(len(row) - 1, 1) for row in alike]
    inside = [overlap(each, asked) for each in words]
    sizes = [float(np.log1p(len(text))) for text in texts]
    common = Counter(word for each in words for word in each)
    spread = [sum(common[word] for word in each) / (len(each) * len(words)) if each else 0.1 for each in words]
    digits = [float(max((sum(map(str.isdigit, found)) for found in FIGURE.findall(text)), default=0)) for text in texts]
    columns = [
        _ranks(sizes), _centred(sizes), _ranks(means), _centred(means), _centred([max(row) for row in alike]),
        _ranks(inside), _centred(inside), *_values(texts), [(each - median(digits)) / 4 for each in digits],
        _centred([float(max(map(len, DECIMALS.findall(text)), default=0)) for text in texts]),
        _centred([float(any(map(str.isdigit, text)) and ROUND.search(text) is not None) for text in texts]),
        _centred(_same(_form(text) for text in texts)), _centred(_same(text.split(" ")[0].lower() for text in texts)),
        _centred([float(text[:1].isupper()) for text in texts]),
        _centred([float(text.endswith(".")) for text in texts]),
        _centred([float(TOGETHER.search(text) is not None) for text in texts]),
        _centred([float(DENIES.search(text) is not None) for text in texts]),
        _centred([text.count(",") / 2 for text in texts]), _centred([float("(" in text) for text in texts]),
        [place / 10 for place in range(len(texts))], [float(place == len(texts) - 1) for place in range(len(texts))],
        _centred(spread), _ranks(spread), *contrast_columns(question, texts),
    ]  # fmt: skip
    return np.array(columns, float).T


def _ranks(values: Sequence[float]) -> list[float]:
    return [sum(other < value for other in values) / len(values) for value in values]


def _centred(values: Sequence[float]) -> list[float]:
    mean = sum(values) / len(values)
    return [value - mean for value in values]


def _same(values: Iterable[str]) -> list[float]:
    each = list(values)
    counts = Counter(each)
    return [counts[value] / len(each) for value in each]


def _form(text: str) -> str:
    return LOWER.sub("w", WHOLE.sub("#", text.lower()))


def _values(texts: Sequence[str]) -> tuple[list[float], list[float], list[float]]:
    """Rank, distance from the middle rank, decades from the median; of each option's first number."""
    found = [next((number.value for number in numbers(text)), None) for text in texts]
    known = sorted({value for value in found if value is not None})
    weight = sum(value is not None for value in found) / len(texts)
    if len(known) < 3:
        return [0.5 * weight] * len(texts), [0.0] * len(texts), [0.0] * len(texts)
    ranks = [0.5 if value is None else known.index(value) / (len(known) - 1) for value in found]
    middle = abs(float(np.median([value for value in found if value is not None]))) + 1e-9
    decades = [0.0 if value is None else abs(float(np.log10((abs(value) + 1e-9) / middle))) for value in found]
    return (
        [rank * weight for rank in ranks],
        [abs(rank - 0.5) * weight for rank in ranks],
        [min(each, 3) for each in decades],
    )
