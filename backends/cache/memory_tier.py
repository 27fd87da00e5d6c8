"""The hot entries in memory, bounded in bytes and in number: S3-FIFO (Yang et al., SOSP 2023).

What is new waits in a small queue, and only what is asked for again there gets into the main one; so ten thousand
prompts that come once push nothing out that is used. A key that left the small queue too early is remembered for a
while, and goes straight into the main one when it comes back.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import chain

from backends.cache.stored_answer import StoredEntry

MAX_BYTES = 16 * 1024 * 1024
MAX_ENTRIES = 8192
SMALL = 0.1  # of the room, for what was not asked for again yet
MOST_USES = 3  # more are not counted, so that what was hot once leaves in the end


class MemoryTier:
    def __init__(self, max_bytes: int = MAX_BYTES, max_entries: int = MAX_ENTRIES) -> None:
        self._small: OrderedDict[bytes, StoredEntry] = OrderedDict()
        self._main: OrderedDict[bytes, StoredEntry] = OrderedDict()
        self._gone: OrderedDict[bytes, None] = OrderedDict()
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
        """Keep `entry`, in its older self's place, unless it alone would push everything else out."""
        key, weight = entry.key, _weight(entry)
        if weight > self._max_bytes // 4:
            self.drop((key,))
            return
        uses = self._uses.get(key)
        if uses is None:
            queue = self._main if key in self._gone else self._small
            self._gone.pop(key, None)
            self._uses[key] = 0
        else:
            queue = self._small if key in self._small else self._main
            self._count(queue, -_weight(queue[key]))
        queue[key] = entry
        self._count(queue, weight)
        while self._uses and (self.bytes > self._max_bytes or len(self._uses) > self._max_entries):
            self._evict()

    def drop(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            if self._uses.pop(key, None) is not None:
                queue = self._small if key in self._small else self._main
                self._count(queue, -_weight(queue.pop(key)))

    def drop_agent(self, agent: str | None) -> None:
        """Forget one agent's entries, or everybody's for None."""
        self.drop([entry.key for entry in self if agent is None or entry.agent == agent])

    def _evict(self) -> None:
        """One step of either queue: its oldest moves on, or goes."""
        large = self._small_bytes > self._max_bytes * SMALL or len(self._small) > self._max_entries * SMALL
        if self._small and (large or not self._main):
            key, entry = self._small.popitem(last=False)
            self._count(self._small, -_weight(entry))
            if self._uses[key]:
                self._uses[key] = 0
                self._main[key] = entry
                self._count(self._main, _weight(entry))
            else:
                del self._uses[key]
                self._remember(key)
        else:
            key, entry = self._main.popitem(last=False)
            if self._uses[key]:
                self._uses[key] -= 1
                self._main[key] = entry
            else:
                del self._uses[key]
                self._count(self._main, -_weight(entry))

    def _remember(self, key: bytes) -> None:
        self._gone[key] = None
        while len(self._gone) > self._max_entries:
            self._gone.popitem(last=False)

    def _count(self, queue: "OrderedDict[bytes, StoredEntry]", weight: int) -> None:
        self.bytes += weight
        if queue is self._small:
            self._small_bytes += weight


def _weight(entry: StoredEntry) -> int:
    """Bytes in memory: up to four for a character, and the objects themselves."""
    return 4 * (len(entry.stored.text) + len(entry.question)) + 1024
