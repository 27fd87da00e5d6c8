"""A text as numbers: hashed words and pairs of words, and some thirty features by hand. Shared by training and serving.

Hashing needs no vocabulary file and no training data at run time; 2^15 buckets keep the weights under 1 MB.
"""

import re
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 15
HEAD, TAIL = 3_000, 1_500
"""Characters read from the start and the end of a longer text: an instruction stands before or after its material."""

EDGE = 10
"""Words at either end that count as the instruction's."""

WORDS = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W\d_]+|\d+|[^\w\s]")
SIGNS = np.isin(np.arange(129), [ord(sign) for sign in "{}();=<>[]|/\\_"])

Vector = NDArray[np.float32]
Codes = NDArray[np.uint32]
Flags = NDArray[np.bool_]


def characters(text: str) -> Codes:
    """The code point of each character."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def digits(codes: Codes) -> Flags:
    return (codes >= 48) & (codes <= 57)


def capitals(codes: Codes) -> Flags:
    return (codes >= 65) & (codes <= 90)


def signs(codes: Codes) -> Flags:
    """Characters that code and markup are full of."""
    return SIGNS[np.minimum(codes, 128)]


def excerpt(text: str) -> str:
    """At most HEAD + TAIL characters, so that time does not grow with length."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def hashed(text: str) -> tuple[NDArray[np.int64], Vector]:
    """Buckets and their values, for an excerpt. Words anywhere and words at the edges are normalised apart."""
    words = ["#" * min(len(word), 6) if word[0].isdigit() else word for word in WORDS.findall(text.lower())]
    anywhere = {*words, *map("_".join, pairwise(words))}
    anywhere.update(f"{word[:5]}~" for word in words if len(word) > 5)
    first, last = words[:EDGE], words[-EDGE:]
    edges = {f"^{word}" for word in first} | {f"{word}$" for word in last}
    edges.update(f"^{a}_{b}" for a, b in pairwise(first))
    edges.update(f"^{place}{word}" for place, word in enumerate(words[:3]))
    names = [*anywhere, *edges]
    buckets = np.fromiter(map(bucket, names), np.int64, len(names))
    values = np.empty(len(names), np.float32)
    values[: len(anywhere)] = (len(anywhere) or 1) ** -0.5
    values[len(anywhere) :] = (len(edges) or 1) ** -0.5
    return buckets, values


@lru_cache(maxsize=1 << 16)
def bucket(name: str) -> int:
    """Words recur, and looking one up costs a fifth of hashing it."""
    return crc32(name.encode("utf-8", "surrogatepass")) % BUCKETS
