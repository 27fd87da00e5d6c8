"""Which sentences of a prompt ask for something and which are material, learned from prompts where both are known.

A prompt is cut into sentences, lines and quotations; those at its start and end are weighed from 0 (pasted) to 1
(asked). Words then count by the weight of the sentence that they stand in, so that a pasted stack trace does not turn a
request for a translation into one for debugging.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log1p
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backends.router.classify import features
from backends.router.classify.features import WORDS, Vector, bucket

FIRST, LAST = 14, 10
"""Sentences read at the start and at the end: what stands between is material."""

LEAST = 0.15
"""Sentences below this weight, as a share of the highest, do not count."""

CUT = re.compile(r"\n+|(?<=[.!?:;])\s+|(?<=[。!?])")
QUOTED = re.compile(r"[\"“„«「『]([^\"”»」』“„«\n]{14,1000})[\"”»」』“]")
WORD = re.compile(r"\w")
LISTED = re.compile(r"\s*(?:[-*•>|#\[{<(]|\d+[.):]|\d\d:\d\d|\w+:\s)")

Span = tuple[int, int]


class Weighed(NamedTuple):
    """A sentence's words and how much of an instruction it is."""

    weight: float
    names: set[str]


class Weigher:
    """A logistic regression over sentences."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """`asking` (buckets, 8-bit, times `asking_scale`), `asking_shape` (features of `shapes`) and `asking_bias`."""
        self._words: list[float] = (weights["asking"] * weights["asking_scale"]).astype(np.float32).tolist()
        self._shape: Vector = weights["asking_shape"]
        self._bias = float(weights["asking_bias"])

    def __call__(self, text: str) -> list[Weighed]:
        """The sentences of a text that count; the weights are shares of the highest."""
        spans = sentences(text)
        if not spans:
            return []
        found = [names(text[start:end]) for start, end in spans]
        worth = self._words.__getitem__
        totals = [sum(map(worth, map(bucket, each))) / (len(each) or 1) ** 0.5 for each in found]
        chances = 1 / (1 + np.exp(-(np.array(totals) + shapes(text, spans) @ self._shape + self._bias)))
        shares = (chances / max(float(chances.max()), 1e-6)).tolist()
        return [Weighed(share, each) for share, each in zip(shares, found, strict=True) if share >= LEAST]


def sentences(text: str) -> list[Span]:
    """Start and end of each sentence, line and longer quotation; at most FIRST + LAST."""
    cuts = [match.span() for match in CUT.finditer(text)]
    for match in QUOTED.finditer(text):
        if match[1].count(" ") > 1 or not match[1].isascii():
            cuts += [(match.start(), match.start() + 1), (match.end() - 1, match.end())]
    cuts.sort()
    spans: list[Span] = []
    place = 0
    for start, end in (*cuts, (len(text), len(text))):
        if start > place and WORD.search(text, place, start):
            spans.append((place, start))
        place = max(place, end)
    return spans if len(spans) <= FIRST + LAST else spans[:FIRST] + spans[-LAST:]


def names(sentence: str) -> set[str]:
    """A sentence's words, pairs of words and stems, and how it begins."""
    words = ["#" * min(len(word), 6) if word[0].isdigit() else word for word in WORDS.findall(sentence.lower())]
    found = {*words, *map("_".join, pairwise(words))}
    found.update(f"{word[:5]}~" for word in words if len(word) > 5)
    first = words[:3]
    found.update(f"^{place}{word}" for place, word in enumerate(first))
    found.update(f"^{a}_{b}" for a, b in pairwise(first))
    return found


def shapes(text: str, spans: Sequence[Span]) -> Vector:
    """Where each sentence stands and what it looks like, a row each."""
    count = len(spans)
    codes = features.characters(text)
    kinds = (features.signs(codes), features.digits(codes), features.capitals(codes), codes > 127)
    edges = np.array(spans)
    sums = np.add.reduceat(np.pad(kinds, ((0, 0), (0, 1))), edges.ravel(), axis=1, dtype=np.int32)[:, ::2]
    of_kind = (sums / (edges[:, 1] - edges[:, 0])).T * (6, 3, 4, 1)
    rows = []
    before = 0
    for place, (start, end) in enumerate(spans):
        part, size = text[start:end], end - start
        gap, after, last = text[before:start], text[end : end + 3], part.rstrip()[-1:]
        before = end
        rows.append(
            (
                place == 0,
                place == 1,
                place == 2,
                place == count - 1,
                place == count - 2,
                2 < place < count - 2,
                place / max(count - 1, 1),
                log1p(count) / 3,
                log1p(size) / 5,
                min(size, 40) / 40,
                text[max(0, start - 1) : start] in tuple('"“„«「『') and text[end : end + 1] in tuple('"”»」』“'),
                last == ":",
                last in ("?", "?"),
                last in (".", "!", "。"),
                last == ",",
                part[:1].islower(),
                part[:1].isdigit(),
                LISTED.match(part) is not None,
                place == 0 or "\n\n" in gap,
                "\n" in gap,
                after[:1] == "\n",
                count == 1,
                start < 60,
                end > len(text) - 60,
                log1p(len(text)) / 8,
            )
        )
    return np.asarray(np.hstack([rows, np.minimum(of_kind, 2)]) / 2, np.float32)


SHAPES = 29


def asked(weighed: Sequence[Weighed]) -> tuple[NDArray[np.int64], Vector]:
    """Buckets and values of what is asked: each name by the highest weight that it has, at length 1 altogether."""
    highest: dict[str, float] = {}
    for weight, found in weighed:
        for name in found:
            if highest.get(name, 0.0) < weight:
                highest[name] = weight
    buckets = np.fromiter(map(bucket, highest), np.int64, len(highest))
    values = np.fromiter(highest.values(), np.float32, len(highest))
    return buckets, np.asarray(values / max(float(np.sqrt(values @ values)), 1e-6), np.float32)
