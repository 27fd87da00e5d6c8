"""Which sentences of a prompt ask for something and which are material; learned from prompts with known frames.

A prompt is cut into sentences, lines and quotations; those at its start and end get a weight from 0 (pasted) to 1
(asked). Words then count by the weight of the sentence that they stand in, so that a pasted stack trace does not turn a
request for a translation into one for debugging.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backends.routing.classify.hashed_words import (
    BUCKETS,
    OPENING,
    Codes,
    Terms,
    Vector,
    distinct,
    opening,
    terms,
    words,
)
from backends.routing.classify.sentence_shapes import Span, shapes

FIRST, LAST = 14, 10
"""Sentences that are read at the start and at the end; everything between is material."""

LEAST = 0.15
"""Sentences below this weight, as a share of the highest, do not count."""

CUT = re.compile(r"[\n.!?:;。](?:(?<=\n)\n*|(?<=[.!?:;])(?:\n+|\s+)|(?<=[。!?]))")
"""Where a sentence ends: at line ends, at a mark before a blank, at a few marks at once. The search for one of a set,
which stands first, is fast.
"""

QUOTED = re.compile(r"[\"“„«「『]([^\"”»」』“„«\n]{14,1000})[\"”»」』“]")
WORD = re.compile(r"\w")


class SentenceTerms(NamedTuple):
    """The terms of each sentence (CRC-32s, each once), sentence by sentence: the sentence's place, the term's code."""

    places: Codes
    codes: Codes


class SplitText(NamedTuple):
    """A text, its sentences, the terms of the whole and those of each sentence."""

    text: str
    spans: list[Span]
    terms: Terms
    sentence_terms: SentenceTerms


class SentenceWeigher:
    """A logistic regression over sentences."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """`asking` (buckets, 8-bit, times `asking_scale`), `asking_shape` (features of `shapes`) and `asking_bias`."""
        self._words: Vector = (weights["asking"] * weights["asking_scale"]).astype(np.float32)
        self._shape: Vector = weights["asking_shape"]
        self._bias = float(weights["asking_bias"])

    def __call__(self, parsed: SplitText) -> Vector:
        """Each sentence's weight, as a share of the highest; 0 for those that do not count."""
        count, places = len(parsed.spans), parsed.sentence_terms.places
        if not count:
            return np.zeros(0, np.float32)
        sizes = np.bincount(places, minlength=count)
        totals = np.bincount(places, self._words[parsed.sentence_terms.codes % BUCKETS], count) / np.sqrt(
            np.maximum(sizes, 1)
        )
        chances = 1 / (1 + np.exp(-(totals + shapes(parsed.text, parsed.spans) @ self._shape + self._bias)))
        shares = chances / max(float(chances.max()), 1e-6)
        return np.where(shares < LEAST, 0, shares).astype(np.float32)


def split(text: str) -> SplitText:
    """Cuts an excerpt into words and sentences; no word crosses the end of a sentence."""
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
    whole = terms(found)
    return SplitText(text, spans, whole, sentence_terms(whole, runs))


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


def sentence_terms(found: Terms, runs: Sequence[Span]) -> SentenceTerms:
    """The words, pairs of words and stems in each run of words, and how the run begins."""
    outside = len(runs)
    owners = np.full(len(found.words), outside, np.int64)
    for place, (start, end) in enumerate(runs):
        owners[start:end] = place
    begun = [opening(found.words[start : min(end, start + OPENING)]) for start, end in runs]
    beginners = np.repeat(np.arange(outside), [*map(len, begun)])
    paired = np.where(owners[1:] == owners[:-1], owners[1:], outside)
    places = np.concatenate([owners, paired, owners[found.long], beginners])
    codes = np.concatenate(
        [found.codes, found.pairs, found.stems, np.fromiter(chain.from_iterable(begun), np.int64, len(beginners))]
    )
    keys = distinct(places << 32 | codes)
    keys = keys[: keys.searchsorted(outside << 32)]
    return SentenceTerms(keys >> 32, keys & 0xFFFFFFFF)


def weighted_terms(found: SentenceTerms, weights: Vector) -> tuple[Codes, Vector]:
    """Buckets and values of what is asked: each term by its highest weight, normalised to length 1."""
    values = weights[found.places]
    order = np.lexsort((values, found.codes))
    values, codes = values[order], found.codes[order]
    highest = values > 0
    highest[:-1] &= codes[1:] != codes[:-1]
    values = values[highest]
    return codes[highest] % BUCKETS, np.asarray(values / max(sqrt(values @ values), 1e-6), np.float32)
