"""Which sentences of a prompt ask for something and which are material, learned from prompts where both are known.

A prompt is cut into sentences, lines and quotations; those at its start and end are weighed from 0 (pasted) to 1
(asked). Words then count by the weight of the sentence that they stand in, so that a pasted stack trace does not turn a
request for a translation into one for debugging.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from math import log1p, sqrt
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backends.router.classify.features import BUCKETS, OPENING, Buckets, Terms, Vector, buckets, terms, words

FIRST, LAST = 14, 10
"""Sentences read at the start and at the end: what stands between is material."""

LEAST = 0.15
"""Sentences below this weight, as a share of the highest, do not count."""

CUT = re.compile(r"[\n.!?:;。](?:(?<=\n)\n*|(?<=[.!?:;])(?:\n+|\s+)|(?<=[。!?]))")
"""Where a sentence ends: at line ends, at a mark before a blank, at a few marks at once. The search for one of
a set, which stands first, is fast.
"""

QUOTED = re.compile(r"[\"“„«「『]([^\"”»」』“„«\n]{14,1000})[\"”»」』“]")
WORD = re.compile(r"\w")
LISTED = re.compile(r"\s*(?:[-*•>|#\[{<(]|\d+[.):]|\d\d:\d\d|\w+:\s)")

Span = tuple[int, int]


class Read(NamedTuple):
    """A text, its sentences (`sentences`), its words, and each sentence's run of words."""

    text: str
    spans: list[Span]
    terms: Terms
    runs: list[Span]


class Weighed(NamedTuple):
    """CRC-32s of a sentence's words and how much of an instruction it is."""

    weight: float
    names: set[int]


class Weigher:
    """A logistic regression over sentences."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """`asking` (buckets, 8-bit, times `asking_scale`), `asking_shape` (features of `shapes`) and `asking_bias`."""
        self._words: list[float] = (weights["asking"] * weights["asking_scale"]).astype(np.float32).tolist()
        self._shape: Vector = weights["asking_shape"]
        self._bias = float(weights["asking_bias"])

    def __call__(self, read: Read) -> list[Weighed]:
        """The sentences of a text that count; the weights are shares of the highest."""
        if not read.spans:
            return []
        found = [names(read.terms, run) for run in read.runs]
        worth = self._words
        totals = [sum([worth[code % BUCKETS] for code in each]) / (len(each) or 1) ** 0.5 for each in found]
        chances = 1 / (1 + np.exp(-(np.array(totals) + shapes(read.text, read.spans) @ self._shape + self._bias)))
        shares = (chances / max(float(chances.max()), 1e-6)).tolist()
        return [Weighed(share, each) for share, each in zip(shares, found, strict=True) if share >= LEAST]


def read(text: str) -> Read:
    """Cuts an excerpt into words once. No word reaches over the end of a sentence."""
    spans = sentences(text)
    found: list[str] = []
    runs: list[Span] = []
    place = 0
    for start, end in spans:
        if not (gap := text[place:start]).isspace():
            found += words(gap)
        first = len(found)
        found += words(text[start:end])
        runs.append((first, len(found)))
        place = end
    found += words(text[place:])
    return Read(text, spans, terms(found), runs)


def sentences(text: str) -> list[Span]:
    """Start and end of each sentence, line and longer quotation; at most FIRST + LAST."""
    cuts = [(match.start() + (text[match.start()] != "\n"), match.end()) for match in CUT.finditer(text)]
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


def names(found: Terms, run: Span) -> set[int]:
    """A sentence's words, pairs of words and stems, and how it begins."""
    start, end = run
    return found.between(start, end) | found.opening(start, min(end, start + OPENING))


def shapes(text: str, spans: Sequence[Span]) -> Vector:
    """Where each sentence stands and what it looks like, a row each."""
    count, length = len(spans), len(text)
    rows = []
    before = 0
    for place, (start, end) in enumerate(spans):
        part, size, gap = text[start:end], end - start, text[before:start]
        first, last = part[:1], part.rstrip()[-1:]
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
                text[max(0, start - 1) : start] in OPENED and text[end : end + 1] in CLOSED,
                last == ":",
                last in ("?", "?"),
                last in (".", "!", "。"),
                last == ",",
                first.islower(),
                first.isdigit(),
                LISTED.match(part) is not None,
                place == 0 or "\n\n" in gap,
                "\n" in gap,
                text.startswith("\n", end),
                count == 1,
                start < 60,
                end > length - 60,
                log1p(length) / 8,
            )
        )
    found = np.fromiter(chain.from_iterable(rows), np.float32, count * (SHAPES - len(KINDS))).reshape(count, -1)
    return np.asarray(np.hstack([found, _kinds(text, spans)]) / 2, np.float32)


def asked(weighed: Sequence[Weighed]) -> tuple[Buckets, Vector]:
    """Buckets and values of what is asked: each name by the highest weight that it has, at length 1 altogether."""
    highest: dict[int, float] = {}
    for each in sorted(weighed, key=itemgetter(0)):
        highest.update(dict.fromkeys(each.names, each.weight))
    values = np.fromiter(highest.values(), np.float32, len(highest))
    return buckets(highest), np.asarray(values / max(sqrt(values @ values), 1e-6), np.float32)


SHAPES = 29
OPENED, CLOSED = frozenset('"“„«「『'), frozenset('"”»」』“')

KINDS = np.array(
    [
        [6 * (chr(code) in "{}();=<>[]|/\\_") for code in range(129)],
        [3 * (48 <= code <= 57) for code in range(129)],
        [4 * (65 <= code <= 90) for code in range(129)],
        [code == 128 for code in range(129)],
    ],
    np.int32,
)
"""Signs that code and markup are full of, digits, capitals and all beyond ASCII (128 stands for those), by what each
such character counts.
"""


def _kinds(text: str, spans: Sequence[Span]) -> Vector:
    """The share of each of KINDS in each sentence, up to 2."""
    codes = np.frombuffer(f"{text} ".encode("utf-32-le", "surrogatepass"), np.uint32)
    edges = np.array(spans)
    counts = np.add.reduceat(KINDS.take(np.minimum(codes, 128), axis=1), edges.ravel(), axis=1)[:, ::2]
    return np.asarray(np.minimum(counts / (edges[:, 1] - edges[:, 0]), 2).T, np.float32)
