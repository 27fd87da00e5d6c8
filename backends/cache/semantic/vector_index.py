"""The vectors of all partitions in memory, found by exact dot product inside one partition.

Call it on one thread; only `in`, `len` and `nbytes` may be used from any thread.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from backends.cache.semantic.partition_vectors import RERANKED, Halves, Neighbour, PartitionVectors, Vector
from backends.cache.semantic.vectors import VectorRow

__all__ = ["Neighbour", "Vector", "VectorIndex"]

MAX_ENTRIES = 100_000  # some 125 MB; beyond it the oldest are removed
PLACE_B = 130  # bytes that an entry takes in the dictionary of places


class VectorIndex:
    """Keys are 32 bytes; their first eight identify them here."""

    def __init__(self, max_entries: int = MAX_ENTRIES, *, reranked: int = RERANKED) -> None:
        self._partitions: dict[bytes, PartitionVectors] = {}
        self._numbered: dict[int, tuple[bytes, PartitionVectors]] = {}
        self._places: dict[int, int] = {}
        self._made = 0
        self._max_entries = max_entries
        self._reranked = reranked

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, partition: bytes) -> bool:
        return partition in self._partitions

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return sum(vectors.nbytes for vectors in list(self._partitions.values())) + PLACE_B * len(self._places)

    def add(self, key: bytes, partition: bytes, vector: Vector, read: int) -> None:
        """Add a unit vector (dimensions,) for `key`, in place of an older one."""
        self._put([key], partition, vector.astype(np.float16)[None, :], [read])
        self._partitions[partition].learn_if_grown()

    def load(self, rows: Sequence[VectorRow]) -> None:
        """Add many at once; call `learn` after the last of them. Raises ValueError for bytes that are no vectors."""
        by_partition: dict[bytes, list[VectorRow]] = {}
        for row in rows:
            by_partition.setdefault(row[1], []).append(row)
        for partition, group in by_partition.items():
            halves = np.frombuffer(b"".join(row[2] for row in group), dtype=np.float16).reshape(len(group), -1)
            if len({len(row[2]) for row in group}) > 1 or not np.isfinite(halves).all():
                raise ValueError("a stored vector has another length or numbers that are not finite")
            self._put([row[0] for row in group], partition, halves, [row[3] for row in group])

    def learn(self) -> None:
        """Make every partition as fast to search and as small as it can be."""
        for vectors in self._partitions.values():
            vectors.learn_if_grown()
            vectors.trim()

    def drop(self, keys: Iterable[bytes]) -> None:
        self._drop(_short(key) for key in keys)

    def nearest(self, partition: bytes, vector: Vector, *, floor: float, limit: int) -> list[Neighbour]:
        """At most `limit` entries of `partition` with a cosine of `floor` or more, nearest first."""
        vectors = self._partitions.get(partition)
        return vectors.nearest(vector, floor=floor, limit=limit) if vectors else []

    def _put(self, keys: list[bytes], partition: bytes, halves: Halves, read: list[int]) -> None:
        joined = b"".join(keys)
        shorts: list[int] = np.frombuffer(joined, dtype=">u8").reshape(len(keys), -1)[:, 0].tolist()
        if not self._places.keys().isdisjoint(shorts):
            self._drop(shorts)
        if (over := len(self._places) + len(keys) - self._max_entries) > 0:
            self._drop([short for short, _ in zip(self._places, range(over), strict=False)])
        if (vectors := self._partitions.get(partition)) is None:
            self._made += 1
            vectors = PartitionVectors(self._made, halves.shape[1], reranked=self._reranked)
            self._partitions[partition] = vectors
            self._numbered[self._made] = (partition, vectors)
        first = vectors.add(np.frombuffer(joined, dtype="V32"), halves, np.array(read, dtype=np.int32))
        base = (vectors.number << 32) + first
        self._places.update(zip(shorts, range(base, base + len(shorts)), strict=True))

    def _drop(self, shorts: Iterable[int]) -> None:
        for short in shorts:
            if (place := self._places.pop(short, None)) is None:
                continue
            number, row = place >> 32, place & 0xFFFF_FFFF
            partition, vectors = self._numbered[number]
            if (moved := vectors.drop(row)) is not None:
                self._places[_short(moved)] = place
            if not len(vectors):
                del self._partitions[partition], self._numbered[number]


def _short(key: bytes) -> int:
    return int.from_bytes(key[:8])
