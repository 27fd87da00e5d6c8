"""What each agent's requests repeat around their questions, so that the next one's wrapping is known.

A text that was there with one question, and is there again with another, belongs to the program. Hashes only, no text:
Python's own of a string, which no other process can make.
"""

from threading import Lock

from backends.lru import LruDict

AGENTS, TEXTS = 256, 1_024
"""Agents that are remembered, and texts of each: at the most 60 MB, which the least lately used leave first."""

Place = str
Key = tuple[Place, int]


class Repeats:
    """Safe to call from any thread."""

    def __init__(self, *, agents: int = AGENTS, texts: int = TEXTS) -> None:
        self._texts = texts
        self._seen = LruDict[str, LruDict[Key, tuple[int, int]]](agents)
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
            seen = self._seen.get(agent)
            if seen is None:
                seen = LruDict(self._texts)
            self._seen.put(agent, seen)
            key, other = (place, hash(text)), hash(beside)
            last, count = seen.get(key, (0, 0))
            seen.put(key, (last, count) if last == other and count else (other, count + 1))
