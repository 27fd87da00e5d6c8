"""What was learned of texts that have been read before: by a keyed hash of each text, and never the text itself.

An agent sends its whole conversation again on every turn. What is remembered costs a hash, a thousandth of reading it.
Where a text that somebody made up to have another's hash can do no harm, Python's own hash will do: it is different in
each process, and a text that has been hashed once knows it.
"""

from collections.abc import Hashable
from hashlib import blake2b
from secrets import token_bytes
from typing import Generic, TypeVar

ENTRIES = 1 << 17
"""The most that are kept: some fifty sessions of a thousand messages."""

BYTES = 32 << 20
ENTRY_BYTES, ITEM_BYTES = 250, 260
"""What one entry takes, and each finding in it, about."""

DIGEST_BYTES = 16

T = TypeVar("T")


class TextMemory(Generic[T]):
    """Two generations: what is used moves to the young one; when that is full it becomes the old one, whose entries
    are dropped. So at most `entries` and `bytes_` are kept, those that were used last. Threads may share it.
    """

    def __init__(self, key: bytes | None = None, *, entries: int = ENTRIES, bytes_: int = BYTES) -> None:
        """`key` is secret, by default one of this memory's own: without it no text can be guessed from a hash. With no
        `entries` nothing is kept.
        """
        self._empty = blake2b(key=token_bytes(32) if key is None else key, digest_size=DIGEST_BYTES)
        self._most_entries, self._most_bytes = entries // 2, bytes_ // 2
        self._young: dict[Hashable, tuple[T, int]] = {}
        self._old: dict[Hashable, tuple[T, int]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def digest(self, *texts: str) -> bytes:
        """A keyed hash of the texts, in which each one's end is certain."""
        hashed = self._empty.copy()
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            if len(texts) > 1:
                hashed.update(b"%d of %d " % (len(data), len(texts)))
            hashed.update(data)
        return hashed.digest()

    def get(self, key: Hashable) -> T | None:
        """What was put under this key, None where that is not known any more."""
        kept = self._young.get(key)
        if kept is None and (kept := self._old.get(key)) is not None:
            self._put(key, *kept)
        return None if kept is None else kept[0]

    def put(self, key: Hashable, learned: T, *, items: int) -> None:
        """Keep it; `items` are the findings or parts in it. What would take a quarter of the room is not kept."""
        size = ENTRY_BYTES + ITEM_BYTES * items
        if self._most_entries and size <= self._most_bytes // 2:
            self._put(key, learned, size)

    def _put(self, key: Hashable, learned: T, size: int) -> None:
        if len(self._young) >= self._most_entries or self._bytes + size > self._most_bytes:
            self._old, self._young, self._bytes = self._young, {}, 0
        self._young[key] = (learned, size)
        self._bytes += size
