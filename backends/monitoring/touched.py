"""What an alert touched since its onset: requests, agents, and what a detour cost."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from backends.types import CLOUD, LOCAL, ZERO, Alert, EngineName, Zone

How = Zone | Literal["cache", "failed", "refused", "cancelled"]
"""How a request ended, as `Traffic` counts it."""

AGENTS, SHOWN = 64, 8
"""Agents that are counted by name for one alert, and those that it names."""

OTHER = "other"
WENT: dict[How, str] = {
    LOCAL: "{} went local",
    CLOUD: "{} went to the cloud",
    "cache": "{} came from the cache",
    "failed": "{} failed",
    "refused": "{} refused",
    "cancelled": "{} cancelled",
}


class EndedRequest(Struct, frozen=True, kw_only=True):
    """One request that ended; one that still runs is as it would end. `at` is in seconds of clock.monotonic, `kind` is
    that of its error or refusal.

    `engine` is the one that answered, or was asked last; `failed` are the engines at which a call failed, each with the
    error's kind; `passed_over` are those that could not be asked, each with the rule that ruled it out.
    """

    at: float
    began: datetime
    ended: datetime
    agent: str
    how: How
    kind: str = ""
    engine: EngineName = ""
    failed: tuple[tuple[EngineName, str], ...] = ()
    passed_over: tuple[tuple[EngineName, str], ...] = ()
    cost_usd: Decimal = ZERO


class Touches(Struct, frozen=True, kw_only=True):
    """Which requests an alert touches; every field that is set must match.

    With `engines`: a call to one of them failed, with one of `kinds` where some are named, or it was passed over by one
    of `rules`. Without: the request's own error has one of `kinds`. `served_by` is the engine that answered. A `detour`
    costs money: what the requests that were answered by the cloud instead cost.
    """

    engines: frozenset[EngineName] = frozenset()
    rules: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    agent: str = ""
    hows: frozenset[How] = frozenset()
    served_by: EngineName = ""
    detour: bool = False

    def match(self, ended: EndedRequest) -> bool:
        if self.agent and ended.agent != self.agent:
            return False
        if self.hows and ended.how not in self.hows:
            return False
        if self.served_by and ended.engine != self.served_by:
            return False
        if not self.engines:
            return not self.kinds or ended.kind in self.kinds
        return any(
            engine in self.engines and (not self.kinds or kind in self.kinds) for engine, kind in ended.failed
        ) or any(engine in self.engines and rule in self.rules for engine, rule in ended.passed_over)


class Touched:
    """The counts of one alert; those of `earlier`, which a core before this one counted, are gone on with."""

    def __init__(self, touches: Touches, earlier: Alert | None = None) -> None:
        self.touches = touches
        self._ended = earlier.requests if earlier else 0
        self.cost_usd = ZERO if touches.detour else None
        self._agents: Counter[str] = Counter()
        self._went: Counter[How] = Counter()
        self._running: tuple[EndedRequest, ...] = ()
        self._waiting: Counter[str] = Counter()
        self._most = self._ended
        if earlier is not None:
            self._agents.update({agent: len(earlier.agents) - n for n, agent in enumerate(earlier.agents)})
            self.cost_usd = earlier.cost_usd if self.cost_usd is None else self.cost_usd + (earlier.cost_usd or ZERO)

    def count(self, ended: EndedRequest) -> bool:
        """Count a request where it is touched; was it?"""
        if not self.touches.match(ended):
            return False
        self._ended += 1
        known = ended.agent in self._agents or len(self._agents) < AGENTS
        self._agents[ended.agent if known else OTHER] += 1
        self._went[ended.how] += 1
        if self.cost_usd is not None and ended.how == CLOUD:
            self.cost_usd += ended.cost_usd
        return True

    def count_running(self, running: Iterable[EndedRequest]) -> bool:
        """Count those that still run anew; has their number changed?"""
        before = len(self._running)
        self._running = tuple(each for each in running if self.touches.match(each))
        return len(self._running) != before

    def count_waiting(self, agents: Iterable[str]) -> None:
        """Count anew the requests that it keeps waiting now, by the agent of each."""
        self._waiting = Counter(agents)

    @property
    def requests(self) -> int:
        """Never less than before: one that waited and was answered after all was touched, too."""
        self._most = max(self._most, self._ended + len(self._running) + self._waiting.total())
        return self._most

    @property
    def agents(self) -> tuple[str, ...]:
        """Those most touched first."""
        agents = self._agents + Counter(each.agent for each in self._running) + self._waiting
        return tuple(agent for agent, _ in agents.most_common(SHOWN))

    @property
    def effect(self) -> str:
        """What became of the requests, in a phrase: "14 went local, 2 failed"; "" while none was touched."""
        went = self._went + Counter(each.how for each in self._running)
        return ", ".join(words.format(went[how]) for how, words in WENT.items() if went[how])
