"""The hot entries in memory: least recently used goes first, bounded in bytes and in number."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from backends.cache.entry import Entry

MAX_BYTES = 8 * 1024 * 1024
MAX_ENTRIES = 4096


class Front:
    def __init__(self, max_bytes: int = MAX_BYTES, max_entries: int = MAX_ENTRIES) -> None:
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def get(self, key: bytes) -> Entry | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, entry: Entry) -> None:
        """Keep `entry`, unless it alone would push everything else out."""
        self.drop((entry.key,))
        weight = _weight(entry)
        if weight > self._max_bytes // 4:
            return
        self._entries[entry.key] = entry
        self.bytes += weight
        while self.bytes > self._max_bytes or len(self._entries) > self._max_entries:
            self.bytes -= _weight(self._entries.popitem(last=False)[1])

    def drop(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            if (entry := self._entries.pop(key, None)) is not None:
                self.bytes -= _weight(entry)

    def drop_agent(self, agent: str | None) -> None:
        """Forget one agent's entries, or everybody's for None."""
        self.drop([key for key, entry in self._entries.items() if agent is None or entry.agent == agent])


def _weight(entry: Entry) -> int:
    """Bytes in memory: up to four for a character, and the objects themselves."""
    return 4 * (len(entry.stored.text) + len(entry.question)) + 1024
