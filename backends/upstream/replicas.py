"""The addresses of one engine, all with the same model: which takes the next call, and the health of each."""

from collections.abc import Iterator, Sequence

from backends.engines.base import Engine
from backends.types import Health, RuntimeReading
from backends.upstream.circuit_breaker import CircuitBreaker


class Replica:
    """One address. `missing` says what it cannot work without, "" where nothing is; `proved` are the models whose
    prompts are proved to stay local there. `unread_tokens` are those of the prompts that it has not begun to answer.
    """

    def __init__(self, index: int, client: Engine, breaker: CircuitBreaker) -> None:
        self.index = index
        self.client = client
        self.breaker = breaker
        self.in_flight = 0
        self.unread_tokens = 0
        self.missing = ""
        self.reading: RuntimeReading | None = None
        self.proved: frozenset[str] = frozenset()

    @property
    def usable(self) -> bool:
        return not self.missing and self.breaker.usable()

    @property
    def reachable(self) -> bool:
        """As far as anybody knows: its breaker is closed, and it answers when asked for its state."""
        open_breaker = self.breaker.health == "down"
        return not self.missing and not open_breaker and (self.reading is None or self.reading.reachable)

    @property
    def why_not(self) -> str:
        return self.missing or self.breaker.short or "down"

    @property
    def load(self) -> int:
        """Calls before a new one: claw's own, and what the server reports as waiting."""
        waiting = self.reading.waiting if self.reading is not None else None
        return self.in_flight + (waiting or 0)

    def observe(self, reading: RuntimeReading) -> None:
        """Take in what the server reports. One that is back may be called at once, whatever the breaker's pause."""
        before, self.reading = self.reading, reading
        if before is not None and reading.reachable and not before.reachable:
            self.breaker.shorten()


class UnreadPrompt:
    """A prompt that was sent to a replica, from now until its first byte or its end."""

    def __init__(self, replica: Replica, tokens: int) -> None:
        self._replica = replica
        self._tokens = tokens
        replica.unread_tokens += tokens

    def read(self) -> None:
        """Calling it again is harmless."""
        self._replica.unread_tokens -= self._tokens
        self._tokens = 0


class Replicas:
    """All of one engine, at least one."""

    def __init__(self, replicas: Sequence[Replica]) -> None:
        self._all = tuple(replicas)

    def __iter__(self) -> Iterator[Replica]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def usable(self) -> bool:
        return any(replica.usable for replica in self._all)

    @property
    def down(self) -> bool:
        """Has each one's breaker opened?"""
        return all(replica.breaker.health == "down" for replica in self._all)

    @property
    def usable_count(self) -> int:
        return sum(replica.usable for replica in self._all)

    def pick(
        self, *, parallel: int, prefer: int | None, avoid: frozenset[int] = frozenset(), proved: str | None = None
    ) -> Replica | None:
        """The replica for a call that has a place: the preferred one while it is free, else the least loaded.

        `prefer` has the call's prefix in its cache. `avoid` failed this request before, and is taken only where no
        other is usable. `proved` is a model whose prompt must stay local: then None where no replica is proved.
        """
        known = [replica for replica in self._all if proved is None or proved in replica.proved]
        usable = [replica for replica in known if replica.usable]
        ready = [replica for replica in usable if replica.index not in avoid] or usable or known
        for replica in ready:
            if replica.index == prefer and replica.in_flight < parallel:
                return replica
        return min(ready, key=lambda replica: (replica.load, replica.index), default=None)

    @property
    def foremost(self) -> Replica:
        """The one that stands for the engine: a usable one, else the one whose breaker opens first."""
        if len(self._all) == 1:
            return self._all[0]
        return min(self._all, key=lambda replica: (not replica.usable, replica.breaker.retry_after_s() or 0.0))

    @property
    def health(self) -> tuple[Health, str]:
        """The engine's health by its calls, and why in a line; "degraded" while some replicas are down."""
        states = [("down" if replica.missing else replica.breaker.health, replica) for replica in self._all]
        bad = [replica for health, replica in states if health == "down"]
        if len(bad) == len(self._all):
            return "down", bad[0].why_not
        if bad:
            return "degraded", f"{len(bad)} of {len(self._all)} replicas down: {bad[0].why_not}"
        for health, replica in states:
            if health == "degraded":
                return "degraded", replica.breaker.short
        return ("up" if any(health == "up" for health, _ in states) else "unknown"), ""
