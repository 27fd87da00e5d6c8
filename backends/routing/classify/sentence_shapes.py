"""The place and the shape of each sentence of a prompt, as numbers: pasted material looks different."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from math import log1p

import numpy as np
from numpy.typing import NDArray

from backends.routing.classify.hashed_words import Vector

SHAPES = 29
LISTED = re.compile(r"\s*(?:[-*•>|#\[{<(]|\d+[.):]|\d\d:\d\d|\w+:\s)")
ENDS = {sign: (sign == ":", sign == "?", sign in ".!。", sign == ",") for sign in ":?.!。,"}
NO_END = (False,) * 4
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

Span = tuple[int, int]


def shapes(text: str, spans: Sequence[Span]) -> Vector:
    """A row for each sentence."""
    count, length = len(spans), len(text)
    ranks, several, whole = _ranks(count), log1p(count) / 3, log1p(length) / 8
    rows = []
    before = 0
    for place, (start, end) in enumerate(spans):
        part, size, gap = text[start:end], end - start, text[before:start]
        first, last = part[:1], part.rstrip()[-1:]
        before = end
        rows.append(
            (
                *ranks[place],
                several,
                log1p(size) / 5,
                min(size, 40) / 40,
                text[start - 1 : start] in OPENED and text[end : end + 1] in CLOSED,
                *ENDS.get(last, NO_END),
                first.islower(),
                first.isdigit(),
                LISTED.match(part) is not None,
                place == 0 or "\n\n" in gap,
                "\n" in gap,
                text.startswith("\n", end),
                count == 1,
                start < 60,
                end > length - 60,
                whole,
            )
        )
    found = np.empty((count, SHAPES), np.float32)
    found[:, : -len(KINDS)] = np.fromiter(chain.from_iterable(rows), np.float32).reshape(count, -1)
    found[:, -len(KINDS) :] = _kinds(text, spans)
    found /= 2
    return found


def _kinds(text: str, spans: Sequence[Span]) -> NDArray[np.float64]:
    """The share of each of KINDS in each sentence, up to 2."""
    codes = np.frombuffer(f"{text} ".encode("utf-32-le", "surrogatepass"), np.uint32)
    edges = np.array(spans)
    counts = np.add.reduceat(KINDS.take(np.minimum(codes, 128), axis=1), edges.ravel(), axis=1)[:, ::2]
    return np.asarray(np.minimum(counts / (edges[:, 1] - edges[:, 0]), 2).T)


@lru_cache(maxsize=32)
def _ranks(count: int) -> list[tuple[float, ...]]:
    """Each sentence's place: one of the first three, one of the last two, between, and how far down."""
    last = count - 1
    return [
        (
            place == 0,
            place == 1,
            place == 2,
            place == last,
            place == last - 1,
            2 < place < last - 1,
            place / (last or 1),
        )
        for place in range(count)
    ]
