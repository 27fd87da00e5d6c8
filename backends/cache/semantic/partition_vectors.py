"""The vectors of one partition, searched in two passes that miss nothing.

Each vector is stored as half floats. Beside it lies its projection on the few directions in which the partition's
vectors differ most, with the length of the residual, that is, of what the projection leaves out. By the Cauchy–Schwarz
inequality, the product of two projections plus the product of their residuals is never less than the true product. So
one pass over the projections, which are a sixth of the bytes of single floats, finds the few vectors that can reach the
floor, and only these are compared in full.
"""

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Halves = NDArray[np.float16]

DIRECTIONS = 64  # of a projection: they hold .55 of MiniLM's squared length; 48 let five times as many vectors through
FIRST_LEARNED_AT = 256  # vectors; below that all are compared in full, in 60 µs
LEARNED_FROM = 4096  # vectors at most from which directions are learned, in some 30 ms; again at each fourfold
RERANKED = 4096  # vectors at most that are compared in full, those with the highest bound
IDLE = 16  # one row in so many is kept free for more vectors
ROUNDING = 2e-3  # the error of half floats in a cosine, with a margin


class Neighbour(Struct, frozen=True, kw_only=True):
    """`similarity` is the cosine; `read` is how many characters of the stored question the model read."""

    key: bytes
    similarity: float
    read: int


class PartitionVectors:
    """Arrays that grow as they fill. `number` identifies them inside their index."""

    def __init__(self, number: int, dimensions: int, *, reranked: int = RERANKED) -> None:
        self.number = number
        self._reranked = reranked
        self._count = 0
        self._halves: Halves = np.empty((2, dimensions), dtype=np.float16)
        self._projections: Vector = np.empty((0, 0), dtype=np.float32)
        self._directions: Vector | None = None
        self._keys = np.empty(2, dtype="V32")
        self._read = np.empty(2, dtype=np.int32)
        self._learn_at = FIRST_LEARNED_AT

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        return self._halves.nbytes + self._projections.nbytes + self._keys.nbytes + self._read.nbytes

    def add(self, keys: "NDArray[np.void]", vectors: Halves, read: "NDArray[np.int32]") -> int:
        """Add unit vectors; returns the row of the first."""
        first, self._count = self._count, self._count + len(vectors)
        if self._count > len(self._halves):
            self._grow(len(vectors))
        rows = slice(first, self._count)
        self._halves[rows], self._keys[rows], self._read[rows] = vectors, keys, read
        if self._directions is not None:
            self._projections[rows] = _projections(vectors, self._directions)
        return first

    def learn_if_grown(self) -> None:
        """Learn the directions once there are enough vectors, and again at four times as many."""
        if self._count >= self._learn_at:
            self._learn_at = 4 * self._count
            sample = self._halves[: self._count][:: max(1, self._count // LEARNED_FROM)].astype(np.float32)
            _, vectors = np.linalg.eigh(sample.T @ sample)
            self._directions = np.ascontiguousarray(vectors[:, -DIRECTIONS:], dtype=np.float32)
            self._projections = np.empty((len(self._halves), self._directions.shape[1] + 1), dtype=np.float32)
            for start in range(0, self._count, LEARNED_FROM):
                rows = slice(start, min(self._count, start + LEARNED_FROM))
                self._projections[rows] = _projections(self._halves[rows], self._directions)

    def drop(self, row: int) -> bytes | None:
        """Remove a row and move the last one into its place; returns the key that moved, if one did."""
        self._count = last = self._count - 1
        if row == last:
            return None
        for array in (self._halves, self._keys, self._read):
            array[row] = array[last]
        if self._directions is not None:
            self._projections[row] = self._projections[last]
        moved: bytes = self._keys[row].tobytes()
        return moved

    def nearest(self, vector: Vector, *, floor: float, limit: int) -> list[Neighbour]:
        """At most `limit` neighbours with a cosine of `floor` or more, nearest first."""
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

    def trim(self) -> None:
        """Free what adding many at once reserved."""
        if len(self._halves) - self._count > max(64, self._count // IDLE):
            self._resize(self._count + self._count // IDLE)

    def _reachable(self, vector: Vector, floor: float) -> "NDArray[np.intp]":
        """The rows whose cosine can be `floor` or more."""
        if self._directions is None:
            return np.arange(self._count)
        bound = self._projections[: self._count] @ _projections(vector[None, :], self._directions)[0]
        rows = np.flatnonzero(bound >= floor - ROUNDING)
        if len(rows) > self._reranked:
            rows = rows[np.argpartition(bound[rows], -self._reranked)[-self._reranked :]]
        return rows

    def _grow(self, added: int) -> None:
        """Double while small or while many come at once, else grow by little: idle rows are memory."""
        size = len(self._halves)
        room = size if added > 1 else min(size, max(64, size // IDLE))
        self._resize(max(self._count, size + room))

    def _resize(self, size: int) -> None:
        self._halves, self._keys = _resized(self._halves, size), _resized(self._keys, size)
        self._read = _resized(self._read, size)
        if self._directions is not None:
            self._projections = _resized(self._projections, size)


def _projections(vectors: "Halves | Vector", directions: Vector) -> Vector:
    """Each vector along the directions (n, directions), and the length of its residual in the last column."""
    whole = vectors.astype(np.float32, copy=False)
    along = whole @ directions
    residual = np.maximum(0.0, np.einsum("ij,ij->i", whole, whole) - np.einsum("ij,ij->i", along, along))
    return np.concatenate((along, np.sqrt(residual)[:, None]), axis=1)


def _resized(array: Any, size: int) -> Any:
    resized = np.empty((size, *array.shape[1:]), dtype=array.dtype)
    resized[: len(array)] = array[:size]
    return resized
