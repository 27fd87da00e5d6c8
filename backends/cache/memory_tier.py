"""The memory tier: entries in use, bounded in bytes and in number, evicted by S3-FIFO (Yang et al., SOSP 2023).

A new entry waits in a small queue, and moves to the main queue only if it is used again there. So ten thousand prompts
that come once evict nothing that is in use. The key of an entry that left the small queue unused stays in the ghost
queue for a while; an entry that comes back in that time goes straight to the main queue.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import chain

from backends.cache.stored_answer import StoredEntry

MAX_ENTRIES = 8192
SMALL = 0.1  # share of the room for the small queue
MOST_USES = 3  # uses that count, so that an entry that was hot once is evicted in the end


class MemoryTier:
    """At most `max_bytes` by `bytes_in_memory`, and at most `max_entries`; iterating does not count as use."""

    def __init__(self, max_bytes: int, max_entries: int = MAX_ENTRIES) -> None:
        self._small: OrderedDict[bytes, StoredEntry] = OrderedDict()
        self._main: OrderedDict[bytes, StoredEntry] = OrderedDict()
        self._ghosts: OrderedDict[bytes, None] = OrderedDict()
        self._uses: dict[bytes, int] = {}
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._small_bytes = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._uses)

    def __iter__(self) -> Iterator[StoredEntry]:
        return chain(self._small.values(), self._main.values())

    def get(self, key: bytes) -> StoredEntry | None:
        uses = self._uses.get(key)
        if uses is None:
            return None
        if uses < MOST_USES:
            self._uses[key] = uses + 1
        return self._small.get(key) or self._main[key]

    def put(self, entry: StoredEntry) -> None:
        """Store `entry` in place of an older one with its key, unless it takes more than a quarter of the room."""
        key, size = entry.key, bytes_in_memory(entry)
        if size > self._max_bytes // 4:
            self.drop((key,))
            return
        uses = self._uses.get(key)
        if uses is None:
            queue = self._main if key in self._ghosts else self._small
            self._ghosts.pop(key, None)
            self._uses[key] = 0
        else:
            queue = self._queue_of(key)
            self._add_bytes(queue, -bytes_in_memory(queue[key]))
        queue[key] = entry
        self._add_bytes(queue, size)
        while self._uses and (self.bytes > self._max_bytes or len(self._uses) > self._max_entries):
            self._evict()

    def drop(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            if self._uses.pop(key, None) is not None:
                queue = self._queue_of(key)
                self._add_bytes(queue, -bytes_in_memory(queue.pop(key)))

    def drop_agent(self, agent: str | None) -> None:
        """Remove one agent's entries, or all for None."""
        self.drop([entry.key for entry in self if agent is None or entry.agent == agent])

    def _evict(self) -> None:
        """One step in either queue: its oldest entry moves on, or is removed."""
        large = self._small_bytes > self._max_bytes * SMALL or len(self._small) > self._max_entries * SMALL
        if self._small and (large or not self._main):
            key, entry = self._small.popitem(last=False)
            self._add_bytes(self._small, -bytes_in_memory(entry))
            if self._uses[key]:
                self._uses[key] = 0
                self._main[key] = entry
                self._add_bytes(self._main, bytes_in_memory(entry))
            else:
                del self._uses[key]
                self._add_ghost(key)
        else:
            key, entry = self._main.popitem(last=False)
            if self._uses[key]:
                self._uses[key] -= 1
                self._main[key] = entry
            else:
                del self._uses[key]
                self._add_bytes(self._main, -bytes_in_memory(entry))

    def _add_ghost(self, key: bytes) -> None:
        self._ghosts[key] = None
        while len(self._ghosts) > self._max_entries:
            self._ghosts.popitem(last=False)

    def _queue_of(self, key: bytes) -> "OrderedDict[bytes, StoredEntry]":
        return self._small if key in self._small else self._main

    def _add_bytes(self, queue: "OrderedDict[bytes, StoredEntry]", size: int) -> None:
        self.bytes += size
        if queue is self._small:
            self._small_bytes += size


def bytes_in_memory(entry: StoredEntry) -> int:
    """An upper estimate: four bytes for each character, and 1,024 for the objects."""
    return 4 * (len(entry.stored.text) + len(entry.question)) + 1024
