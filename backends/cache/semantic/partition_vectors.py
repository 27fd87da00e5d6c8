"""One partition's vectors, side by side, searched in two passes that miss nothing.

A vector is kept as half floats, and as its shadow on the few directions in which the partition's vectors differ most,
with the length of what the shadow leaves out. By Cauchy and Schwarz, shadow times shadow plus rest times rest is never
less than the true product; so one pass over the shadows, a sixth of the bytes of single floats, tells which few vectors
can reach the floor, and only these are compared in full.
"""

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Halves = NDArray[np.float16]

DIRECTIONS = 64  # of a shadow: they hold .55 of MiniLM's squared length; 48 let five times as many vectors through
FIRST_LEARNT = 256  # vectors; below it all are compared in full, in 60 µs
LEARNT_FROM = 4096  # vectors at the most that tell the directions, in some 30 ms; learnt anew at each fourfold
RERANKED = 4096  # vectors at the most that are compared in full, those with the highest bound
IDLE = 16  # of the rows, one that is kept free for more
ROUNDING = 2e-3  # of half floats in a cosine, and then some


class Neighbour(Struct, frozen=True, kw_only=True):
    """`similarity` is the cosine; `read` is how many characters of the stored question the model read."""

    key: bytes
    similarity: float
    read: int


class PartitionVectors:
    """Arrays that grow as they fill; `number` names it inside its index."""

    def __init__(self, number: int, dimensions: int) -> None:
        self.number = number
        self._count = 0
        self._halves: Halves = np.empty((2, dimensions), dtype=np.float16)
        self._shadows: Vector = np.empty((0, 0), dtype=np.float32)
        self._directions: Vector | None = None
        self._keys = np.empty(2, dtype="V32")
        self._read = np.empty(2, dtype=np.int32)
        self._learn_at = FIRST_LEARNT

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        return self._halves.nbytes + self._shadows.nbytes + self._keys.nbytes + self._read.nbytes

    def add(self, keys: "NDArray[np.void]", vectors: Halves, read: "NDArray[np.int32]") -> int:
        """Keep unit vectors; returns the row of the first."""
        first, self._count = self._count, self._count + len(vectors)
        if self._count > len(self._halves):
            self._grow(len(vectors))
        rows = slice(first, self._count)
        self._halves[rows], self._keys[rows], self._read[rows] = vectors, keys, read
        if self._directions is not None:
            self._shadows[rows] = _shadows(vectors, self._directions)
        return first

    def learn_if_grown(self) -> None:
        """Find the directions once there are enough vectors, and anew when there are four times as many."""
        if self._count >= self._learn_at:
            self._learn_at = 4 * self._count
            sample = self._halves[: self._count][:: max(1, self._count // LEARNT_FROM)].astype(np.float32)
            _, vectors = np.linalg.eigh(sample.T @ sample)
            self._directions = np.ascontiguousarray(vectors[:, -DIRECTIONS:], dtype=np.float32)
            self._shadows = np.empty((len(self._halves), self._directions.shape[1] + 1), dtype=np.float32)
            for start in range(0, self._count, LEARNT_FROM):
                rows = slice(start, min(self._count, start + LEARNT_FROM))
                self._shadows[rows] = _shadows(self._halves[rows], self._directions)

    def drop(self, row: int) -> bytes | None:
        """The last row takes the place of the one that goes; returns the key that moved, if one did."""
        self._count = last = self._count - 1
        if row == last:
            return None
        for array in (self._halves, self._keys, self._read):
            array[row] = array[last]
        if self._directions is not None:
            self._shadows[row] = self._shadows[last]
        moved: bytes = self._keys[row].tobytes()
        return moved

    def nearest(self, vector: Vector, *, floor: float, limit: int) -> list[Neighbour]:
        """At most `limit` whose cosine is `floor` or more, nearest first."""
        rows = self._reachable(vector, floor)
        similarity = self._halves[rows].astype(np.float32) @ vector
        near = np.flatnonzero(similarity >= floor)
        near = near[np.argsort(-similarity[near], kind="stable")][:limit]
        return [
            Neighbour(
                key=self._keys[rows[place]].tobytes(),
                similarity=min(1.0, float(similarity[place])),
                read=int(self._read[rows[place]]),
            )
            for place in near
        ]

    def _reachable(self, vector: Vector, floor: float) -> "NDArray[np.intp]":
        """Rows whose cosine can be `floor` or more."""
        if self._directions is None:
            return np.arange(self._count)
        bound = self._shadows[: self._count] @ _shadows(vector[None, :], self._directions)[0]
        rows = np.flatnonzero(bound >= floor - ROUNDING)
        if len(rows) > RERANKED:
            rows = rows[np.argpartition(bound[rows], -RERANKED)[-RERANKED:]]
        return rows

    def trim(self) -> None:
        """Give back what many additions at once took for more to come."""
        if len(self._halves) - self._count > max(64, self._count // IDLE):
            self._resize(self._count + self._count // IDLE)

    def _grow(self, added: int) -> None:
        """Double while small, or while many come at once; else by little, as what lies idle is memory."""
        size = len(self._halves)
        room = size if added > 1 else min(size, max(64, size // IDLE))
        self._resize(max(self._count, size + room))

    def _resize(self, size: int) -> None:
        self._halves, self._keys = _resized(self._halves, size), _resized(self._keys, size)
        self._read = _resized(self._read, size)
        if self._directions is not None:
            self._shadows = _resized(self._shadows, size)


def _shadows(vectors: "Halves | Vector", directions: Vector) -> Vector:
    """Each vector along the directions, and the length of the rest in the last column."""
    whole = vectors.astype(np.float32, copy=False)
    along = whole @ directions
    rest = np.maximum(0.0, np.einsum("ij,ij->i", whole, whole) - np.einsum("ij,ij->i", along, along))
    return np.concatenate((along, np.sqrt(rest)[:, None]), axis=1)


def _resized(array: Any, size: int) -> Any:
    resized = np.empty((size, *array.shape[1:]), dtype=array.dtype)
    resized[: len(array)] = array[:size]
    return resized
