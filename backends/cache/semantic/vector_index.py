"""Vectors in memory, found by exact dot product inside one partition. Called on one thread only, but for `in`, `len`
and `nbytes`.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from backends.cache.semantic.partition_vectors import Halves, Neighbour, PartitionVectors, Vector

__all__ = ["Neighbour", "Vector", "VectorIndex", "from_bytes", "to_bytes"]

MAX_ENTRIES = 100_000  # some 125 MB; beyond it the oldest go
Row = tuple[bytes, bytes, bytes, int, int]
"""key, partition, half floats, characters that the model read, and a number that is of no matter here."""

PLACE_B = 130  # bytes that an entry's place takes in the dictionary


class VectorIndex:
    """Keys are 32 bytes, of which the first eight tell them apart."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._blocks: dict[bytes, PartitionVectors] = {}
        self._numbered: dict[int, tuple[bytes, PartitionVectors]] = {}
        self._places: dict[int, int] = {}
        self._made = 0
        self._max_entries = max_entries

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, partition: bytes) -> bool:
        return partition in self._blocks

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return sum(block.nbytes for block in list(self._blocks.values())) + PLACE_B * len(self._places)

    def add(self, key: bytes, partition: bytes, vector: Vector, read: int) -> None:
        """Keep a unit vector for `key`, in place of an older one."""
        self._put([key], partition, vector.astype(np.float16)[None, :], [read])
        self._blocks[partition].learn_if_grown()

    def load(self, rows: Sequence[Row]) -> None:
        """Keep many at once; `learn` is due after the last of them. Raises ValueError for what are no vectors."""
        by_partition: dict[bytes, list[Row]] = {}
        for row in rows:
            by_partition.setdefault(row[1], []).append(row)
        for partition, group in by_partition.items():
            halves = np.frombuffer(b"".join(row[2] for row in group), dtype=np.float16).reshape(len(group), -1)
            if len({len(row[2]) for row in group}) > 1 or not np.isfinite(halves).all():
                raise ValueError("a stored vector has numbers in it that are none")
            self._put([row[0] for row in group], partition, halves, [row[3] for row in group])

    def learn(self) -> None:
        """Make every partition quick to search, and as small as it may be."""
        for block in self._blocks.values():
            block.learn_if_grown()
            block.trim()

    def drop(self, keys: Iterable[bytes]) -> None:
        self._drop(_short(key) for key in keys)

    def nearest(self, partition: bytes, vector: Vector, *, floor: float, limit: int) -> list[Neighbour]:
        """At most `limit` entries of `partition` whose cosine is `floor` or more, nearest first."""
        block = self._blocks.get(partition)
        return block.nearest(vector, floor=floor, limit=limit) if block else []

    def _put(self, keys: list[bytes], partition: bytes, halves: Halves, read: list[int]) -> None:
        joined = b"".join(keys)
        shorts: list[int] = np.frombuffer(joined, dtype=">u8").reshape(len(keys), -1)[:, 0].tolist()
        if not self._places.keys().isdisjoint(shorts):
            self._drop(shorts)
        if (over := len(self._places) + len(keys) - self._max_entries) > 0:
            self._drop([short for short, _ in zip(self._places, range(over), strict=False)])
        if (block := self._blocks.get(partition)) is None:
            self._made += 1
            block = self._blocks[partition] = PartitionVectors(self._made, halves.shape[1])
            self._numbered[self._made] = (partition, block)
        first = block.add(np.frombuffer(joined, dtype="V32"), halves, np.array(read, dtype=np.int32))
        base = (block.number << 32) + first
        self._places.update(zip(shorts, range(base, base + len(shorts)), strict=True))

    def _drop(self, shorts: Iterable[int]) -> None:
        for short in shorts:
            if (place := self._places.pop(short, None)) is None:
                continue
            number, row = place >> 32, place & 0xFFFF_FFFF
            partition, block = self._numbered[number]
            if (moved := block.drop(row)) is not None:
                self._places[_short(moved)] = place
            if not len(block):
                del self._blocks[partition], self._numbered[number]


def to_bytes(vector: Vector) -> bytes:
    """Half floats: 768 bytes; the cosine changes by less than 0.001."""
    return vector.astype(np.float16).tobytes()


def from_bytes(data: bytes) -> Vector:
    return np.frombuffer(data, dtype=np.float16).astype(np.float32)


def _short(key: bytes) -> int:
    return int.from_bytes(key[:8])
