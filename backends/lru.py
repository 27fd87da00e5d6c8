"""A dictionary of bounded size: beyond it, the entry that was used least lately is dropped."""

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class LruDict(OrderedDict[K, V]):
    """At most `size` entries, as far as they are put in by `put`. `get` and `[]` do not count as uses; `use` does."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def put(self, key: K, value: V) -> None:
        """Keep it as the one used last."""
        self[key] = value
        self.move_to_end(key)
        while len(self) > self._size:
            self.popitem(last=False)

    def use(self, key: K) -> V | None:
        """What is kept under the key, which then was used last; None where it is not known."""
        if key in self:
            self.move_to_end(key)
        return self.get(key)
