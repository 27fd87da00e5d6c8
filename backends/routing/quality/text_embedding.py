"""The subject of a text as a unit vector: the sum of its word pieces' vectors, each piece once.

The pieces' vectors were distilled from all-MiniLM-L6-v2 (Apache-2.0) by `benchmarks/training/train_pieces.py`, with
less weight for common pieces; no model runs here. Mostly for English: other scripts fall into pieces that say little.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.cache.equivalence.vocabulary import vocabulary

WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
LONGEST = 24
"""Characters of a word that are read; longer words are keys and hashes."""

Vector = NDArray[np.float32]


LETTERS = bytes(code if 97 <= code <= 122 else 32 for code in range(256))
DIGITS = bytes(code if 48 <= code <= 57 else 32 for code in range(256))
UNSIGNED = bytes(code for code in range(128) if WORD.match(chr(code)) is None or chr(code).isalnum())


class TextEmbedding:
    """Immutable and safe to share."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], places: Mapping[str, int]) -> None:
        """`matrix` (pieces x dimensions, 8-bit) and `scale` (of each dimension); `places` names the matrix's rows."""
        self._matrix, self._scale, self._places = arrays["matrix"], arrays["scale"], places
        self._of_word = lru_cache(maxsize=16_384)(self._rows)

    @classmethod
    def load(cls) -> "TextEmbedding":
        """The shipped vectors; some 10 ms."""
        data = BytesIO(files(__package__).joinpath("text_embedding.npz").read_bytes())
        with np.load(data, allow_pickle=False) as arrays:
            return cls(dict(arrays), vocabulary())

    def vector(self, text: str) -> Vector:
        """Of length 1; zeros for a text without a known word."""
        words = distinct(text)
        known = words & self._places.keys()
        rows = {*map(self._places.__getitem__, known)}
        rows.update(row for word in words - known for row in self._of_word(word[:LONGEST]))
        total = self._matrix.take([*rows], 0).sum(axis=0, dtype=np.float32) * self._scale
        return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), np.float32)

    def _rows(self, word: str) -> tuple[int, ...]:
        """The longest pieces from the left; none where a part of the word is unknown."""
        whole = self._places.get(word)
        if whole is not None:
            return (whole,)
        rows: list[int] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                place = self._places.get(("##" if start else "") + word[start:end])
                if place is not None:
                    rows.append(place)
                    start = end
                    break
            else:
                return ()
        return tuple(rows)


def distinct(text: str) -> set[str]:
    """Its words, numbers and signs, lowercase. ASCII takes a third of the time without the pattern."""
    low = text.lower()
    if not low.isascii():
        return set(WORD.findall(low))
    plain = low.encode()
    letters, digits = (plain.translate(kept).decode().split() for kept in (LETTERS, DIGITS))
    return {*letters, *digits, *plain.translate(None, UNSIGNED).decode()}
