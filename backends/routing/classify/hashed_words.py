"""A text as numbers: its words, stems and pairs of words, hashed. Shared by training and serving.

Hashing needs no vocabulary file and no training data at run time; 2^15 buckets keep the weights under 1 MB. Terms are
CRC-32s throughout: a pair's continues its first word's, so that no string is made for it.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 15
HEAD, TAIL = 3_000, 1_500
"""Characters read from the start and the end of a longer text: an instruction stands before or after its material."""

EDGE = 10
"""Words at either end that count as part of the instruction."""

WORDS = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W\d_]+|\d+|[^\w\s]")
PLAIN = re.compile(r"[a-z]+|[0-9]+|[^a-z0-9_\s]")
"""The same for lowercase ASCII, twice as fast."""

STEM = 5
"""Characters of a longer word's stem."""

OPENING = 3
"""Words at the start that also count by their place."""

START = crc32(b"^")
PLACED = tuple(crc32(b"^%d" % place) for place in range(OPENING))

Vector = NDArray[np.float32]
Codes = NDArray[np.int64]


def excerpt(text: str) -> str:
    """At most HEAD + TAIL characters, so that time does not grow with length."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def words(text: str) -> list[str]:
    """Words, numbers (by their length alone) and signs in their order, lowercase."""
    low = text.lower()
    if low.isascii():
        return ["#" * min(len(word), 6) if "0" <= word < ":" else word for word in PLAIN.findall(low)]
    return ["#" * min(len(word), 6) if word[0].isdigit() else word for word in WORDS.findall(low)]


class Terms(NamedTuple):
    """Words in their order, as bytes; the CRC-32s of each and of it with the next (one fewer); the places of long words
    and the CRC-32s of their stems.
    """

    words: list[bytes]
    codes: Codes
    pairs: Codes
    long: Codes
    stems: Codes

    def edges(self) -> set[int]:
        """The first and last words, marked as such."""
        found = set(opening(self.words[:EDGE]))
        found.update(map(crc32, self.words[:EDGE], repeat(START)))
        found.update(map(crc32, repeat(b"$"), map(crc32, self.words[-EDGE:])))
        return found

    def hashed(self) -> tuple[Codes, Vector]:
        """Buckets and their values. Words anywhere and words at the edges are normalised separately."""
        anywhere, edges = distinct(np.concatenate([self.codes, self.pairs, self.stems])), self.edges()
        values = np.empty(len(anywhere) + len(edges), np.float32)
        values[: len(anywhere)] = (len(anywhere) or 1) ** -0.5
        values[len(anywhere) :] = (len(edges) or 1) ** -0.5
        return np.concatenate([anywhere, _array(edges, len(edges))]) % BUCKETS, values


def terms(found: Sequence[str]) -> Terms:
    """The terms of words as `words` returns them."""
    each, count = _bytes(found), len(found)
    codes = [*map(crc32, each)]
    pairs = map(crc32, each[1:], map(crc32, repeat(b"_"), codes))
    long = [place for place, word in enumerate(found) if len(word) > STEM]
    stems = map(crc32, _bytes([f"{found[place][:STEM]}~" for place in long]))
    arrays = _array(codes, count), _array(pairs, max(count - 1, 0)), _array(long, len(long)), _array(stems, len(long))
    return Terms(each, *arrays)


def opening(run: Sequence[bytes]) -> list[int]:
    """How a run of words begins: its first words by their place, and each with the next."""
    begun = map(crc32, run, repeat(START))
    return [*map(crc32, run, PLACED), *map(crc32, run[1:], map(crc32, repeat(b"_"), begun))]


def hashed(text: str) -> tuple[Codes, Vector]:
    """Buckets and their values, for an excerpt."""
    return terms(words(text)).hashed()


def distinct(codes: Codes) -> Codes:
    """Each code once, ascending; numpy's own function takes several times as long for so few."""
    ordered = np.sort(codes)
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def _array(codes: Iterable[int], count: int) -> Codes:
    return np.fromiter(codes, np.int64, count)


def _bytes(found: Sequence[str]) -> list[bytes]:
    """Encoded in one go, as no word has a line end."""
    return "\n".join(found).encode("utf-8", "surrogatepass").split(b"\n") if found else []
