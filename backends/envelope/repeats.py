"""What each agent's requests repeat around their questions, so that the next one's wrapping is known.

A text that was there with one question, and is there again with another, belongs to the program. Hashes only, no text:
Python's own of a string, which no other process can make.
"""

from collections import OrderedDict
from threading import Lock

AGENTS, TEXTS = 256, 1_024
"""Agents that are remembered, and texts of each: at the most 60 MB, which the least lately used leave first."""

Place = str
Key = tuple[Place, int]


class Repeats:
    """Safe to call from any thread."""

    def __init__(self, *, agents: int = AGENTS, texts: int = TEXTS) -> None:
        self._agents, self._texts = agents, texts
        self._seen: OrderedDict[str, OrderedDict[Key, tuple[int, int]]] = OrderedDict()
        self._lock = Lock()

    def times(self, agent: str, place: Place, text: str, beside: str) -> int:
        """With how many other texts `beside` it, one after the other, an agent's requests had `text` at a place."""
        with self._lock:
            seen = self._seen.get(agent)
            last, count = (0, 0) if seen is None else seen.get((place, hash(text)), (0, 0))
        return count if last != hash(beside) else count - 1

    def learn(self, agent: str, place: Place, text: str, beside: str) -> None:
        """A request of this agent had `text` at a place, and `beside` it."""
        with self._lock:
            seen = self._seen.setdefault(agent, OrderedDict())
            self._seen.move_to_end(agent)
            key, other = (place, hash(text)), hash(beside)
            last, count = seen.get(key, (0, 0))
            if last != other or not count:
                seen[key] = (other, count + 1)
            seen.move_to_end(key)
            if len(seen) > self._texts:
                seen.popitem(last=False)
            if len(self._seen) > self._agents:
                self._seen.popitem(last=False)
