"""A text as numbers: its words, stems and pairs of words, hashed. Shared by training and serving.

Hashing needs no vocabulary file and no training data at run time; 2^15 buckets keep the weights under 1 MB. Names stay
CRC-32s throughout: a pair's is continued from its first word's, so that no string is made for it.
"""

import re
from collections.abc import Collection, Sequence
from itertools import repeat
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 15
HEAD, TAIL = 3_000, 1_500
"""Characters read from the start and the end of a longer text: an instruction stands before or after its material."""

EDGE = 10
"""Words at either end that count as the instruction's."""

WORDS = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W\d_]+|\d+|[^\w\s]")
PLAIN = re.compile(r"[a-z]+|[0-9]+|[^a-z0-9_\s]")
"""The same for lowercase ASCII, twice as fast."""

OPENING = 3
"""Words that count by their place too."""

START = crc32(b"^")
PLACED = tuple(crc32(b"^%d" % place) for place in range(OPENING))

Vector = NDArray[np.float32]
Buckets = NDArray[np.int64]


def excerpt(text: str) -> str:
    """At most HEAD + TAIL characters, so that time does not grow with length."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def words(text: str) -> list[str]:
    """Words, numbers (by their length alone) and signs in their order, lowercase."""
    low = text.lower()
    found = (PLAIN if low.isascii() else WORDS).findall(low)
    return ["#" * min(len(word), 6) if word[0].isdigit() else word for word in found]


class Terms(NamedTuple):
    """Words in their order: as bytes, and the CRC-32s of each, of it with the next, and of its stem (or once more of
    itself, where it is short).
    """

    words: list[bytes]
    codes: list[int]
    pairs: list[int]
    stems: list[int]

    def between(self, start: int, end: int) -> set[int]:
        """All names in a run of words."""
        return {*self.codes[start:end], *self.pairs[start : max(start, end - 1)], *self.stems[start:end]}

    def opening(self, start: int, end: int) -> set[int]:
        """How a run of words begins: the first few by their place, and all by the one that follows."""
        run = self.words[start:end]
        begun = map(crc32, run, repeat(START))
        found = set(map(crc32, run[1:], map(crc32, repeat(b"_"), begun)))
        found.update(map(crc32, run, PLACED))
        return found

    def edges(self) -> set[int]:
        """The first and last words, marked as such."""
        found = self.opening(0, EDGE)
        found.update(map(crc32, self.words[:EDGE], repeat(START)))
        found.update(map(crc32, repeat(b"$"), self.codes[-EDGE:]))
        return found

    def hashed(self) -> tuple[Buckets, Vector]:
        """Buckets and their values. Words anywhere and words at the edges are normalised apart."""
        anywhere, edges = self.between(0, len(self.words)), self.edges()
        values = np.empty(len(anywhere) + len(edges), np.float32)
        values[: len(anywhere)] = (len(anywhere) or 1) ** -0.5
        values[len(anywhere) :] = (len(edges) or 1) ** -0.5
        return buckets([*anywhere, *edges]), values


def terms(found: Sequence[str]) -> Terms:
    """Of words as `words` cuts them."""
    each = _bytes(found)
    codes = [*map(crc32, each)]
    pairs = [*map(crc32, each[1:], map(crc32, repeat(b"_"), codes))]
    stems = [*map(crc32, _bytes([f"{word[:5]}~" if len(word) > 5 else word for word in found]))]
    return Terms(each, codes, pairs, stems)


def hashed(text: str) -> tuple[Buckets, Vector]:
    """Buckets and their values, for an excerpt."""
    return terms(words(text)).hashed()


def buckets(codes: Collection[int]) -> Buckets:
    """The row of the weights for each CRC-32."""
    return np.fromiter(codes, np.int64, len(codes)) % BUCKETS


def _bytes(found: Sequence[str]) -> list[bytes]:
    """Encoded at once: no word holds a line end."""
    return "\n".join(found).encode("utf-8", "surrogatepass").split(b"\n") if found else []
