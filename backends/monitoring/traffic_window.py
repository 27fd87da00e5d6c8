"""The requests of the last seconds, counted by how they ended; and whether any engine answers at all."""

from collections import Counter, deque
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Protocol, TypeVar, get_args

from msgspec import Struct
from msgspec.structs import replace

from backends import events
from backends.bus import Bus
from backends.clock import Clock
from backends.errors import ClawError, EngineErrorKind, status_of
from backends.monitoring.touched import EndedRequest, How
from backends.routing.decide import passed_over
from backends.types import (
    CLOUD,
    LOCAL,
    AgentTraffic,
    CacheResult,
    EngineName,
    Explanation,
    Finish,
    Outcome,
    Traffic,
    Zone,
)

K = TypeVar("K")
WINDOW_S = 90.0
MOST = 20_000
"""Requests that are kept: 90 seconds at 220 a second, some 10 MB. With more, the window is shorter."""

MOST_RUNNING = 2_000
"""Running requests of which it is kept which engines they could not ask."""

SHOWN = 64
"""Agents that are named."""

CALLERS_FAULT = frozenset({"rejected", "context"})
ENGINES_FAULT = frozenset(get_args(EngineErrorKind)) - CALLERS_FAULT | {"no_engine", "queue_full", "deadline"}
"""Kinds of error for which an engine did not answer, whoever asked."""


JUDGED: frozenset[How] = frozenset({LOCAL, CLOUD, "cache", "failed"})
"""Requests that say whether claw answers; what was refused or cancelled does not."""

PRESENT = frozenset({"engine", "stopped", "drained"})
"""Rules of routing about an engine's state, and not about the request."""


class Failing(Struct, frozen=True, kw_only=True):
    """No engine has answered since a request that began at `since`: so many requests, which ended from `first` to
    `last`, in seconds of clock.monotonic; the kinds of their errors, and the engines that failed or could not be asked.
    """

    since: datetime
    requests: int
    first: float
    last: float
    kinds: frozenset[str]
    engines: frozenset[EngineName]


class TrafficWindow:
    """Told of each request by the activity feed. `ended` are those of the window, oldest first; `running`, by id, those
    that failed at an engine already or could not ask one.
    """

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self.ended: deque[EndedRequest] = deque()
        self.failing: Failing | None = None
        self._bus = bus
        self._clock = clock
        self.running: dict[str, EndedRequest] = {}
        self._hows: Counter[How] = Counter()
        self._agents: Counter[tuple[str, How]] = Counter()
        self._failing_since: datetime | None = None
        self._answered_at: datetime | None = None
        self._engine_answered_at: datetime | None = None
        self._judged: Counter[tuple[str, bool]] = Counter()
        self._outage = False
        self._left = self._judged_from = 0  # how many have left the window, and how many are not judged
        self._published = Traffic()

    def decided(self, id: str, explanation: Explanation) -> None:
        """A request was decided, or decided anew: remember which engines it would have asked if they could be."""
        away, failed = passed_over(explanation), _failed_over(explanation)
        if (away or failed) and len(self.running) < MOST_RUNNING:
            now = self._clock.now()
            self.running[id] = EndedRequest(
                at=self._clock.monotonic(),
                began=now,
                ended=now,
                agent=explanation.agent,
                how=explanation.zone,
                engine=explanation.engine,
                failed=failed,
                passed_over=away,
            )

    def settled(self, outcome: Outcome) -> EndedRequest | None:
        """A request ended; None where nobody waited for it."""
        ran = self.running.pop(outcome.id, None)
        if outcome.source == "shadow":
            return None
        return self._add(
            EndedRequest(
                at=self._clock.monotonic(),
                began=outcome.started_at,
                ended=self._clock.now(),
                agent=outcome.agent,
                how=how(outcome),
                kind=outcome.error_kind or "",
                engine=outcome.engine,
                failed=tuple(
                    (attempt.engine, attempt.error.partition(":")[0]) for attempt in outcome.attempts if attempt.error
                ),
                passed_over=ran.passed_over if ran is not None else (),
                cost_usd=outcome.cost_usd,
            )
        )

    def refused(self, id: str, agent: str, error: ClawError) -> EndedRequest:
        """A request ended before any engine was called."""
        self.running.pop(id, None)
        now = self._clock.now()
        return self._add(
            EndedRequest(
                at=self._clock.monotonic(),
                began=now,
                ended=now,
                agent=agent,
                how="failed" if error.kind in ENGINES_FAULT or status_of(error) >= 500 else "refused",
                kind=error.kind,
                passed_over=error.passed_over,
            )
        )

    def mark_outage(self) -> None:
        """No engine answers now: what failed until one does says nothing about the time after it."""
        self._outage = True

    def since_recovery(self) -> tuple[AgentTraffic, ...]:
        """Each agent's requests of the window that were answered or failed since engines last answered again after an
        outage; none where none has failed.
        """
        self._slide()
        if not self._hows["failed"]:
            return ()
        judged = self._judged
        return tuple(
            AgentTraffic(agent=agent, requests=judged[agent, False] + judged[agent, True], failed=judged[agent, True])
            for agent in dict.fromkeys(agent for agent, _ in judged)
        )

    def failing_from(self, share: float, agent: str = "") -> datetime | None:
        """When the first of the failed requests began that raised their share to `share`, of all requests or of an
        agent's; None where none did. It is where their cumulative sum beyond half of that share last left zero (Page's
        test, 1954), so a failure long before the others does not count.
        """
        beyond, began, answered_at = 0.0, None, None
        for ended in islice(self.ended, max(0, self._judged_from - self._left), None):
            if ended.how not in JUDGED or (agent and ended.agent != agent):
                continue
            failed = ended.how == "failed"
            beyond = max(0.0, beyond + failed - share / 2)
            if not beyond:
                began = None
            elif began is None:
                began = _onset(ended, answered_at)
            answered_at = answered_at if failed else ended.ended
        return began

    def traffic(self) -> Traffic:
        """The window as of now."""
        self._slide()
        return Traffic(
            window_s=WINDOW_S,
            requests=len(self.ended),
            local=self._hows[LOCAL],
            cloud=self._hows[CLOUD],
            cache=self._hows["cache"],
            failed=self._hows["failed"],
            refused=self._hows["refused"],
            cancelled=self._hows["cancelled"],
            agents=tuple(self._by_agent()),
            failing_since=self._failing_since,
            answered_at=self._answered_at,
        )

    def publish(self) -> None:
        """Tell watchers where it has changed, also because it has moved on."""
        traffic = self.traffic()
        if traffic != self._published:
            self._published = traffic
            self._bus.publish(events.TrafficSampled(traffic=traffic))

    def _add(self, ended: EndedRequest) -> EndedRequest:
        self.ended.append(ended)
        self._hows[ended.how] += 1
        self._agents[ended.agent, ended.how] += 1
        if ended.how in JUDGED:
            self._judged[ended.agent, ended.how == "failed"] += 1
        if ended.how == "failed":
            self._failing_since = self._failing_since or _onset(ended, self._answered_at)
            if ended.kind in ENGINES_FAULT:
                self._not_answered(ended)
        elif ended.how in (LOCAL, CLOUD, "cache"):
            self._failing_since, self._answered_at = None, ended.ended
            if ended.how != "cache":
                if self._outage:
                    self._outage, self._judged_from = False, self._left + len(self.ended)
                    self._judged.clear()
                self.failing, self._engine_answered_at = None, ended.ended
        self._slide()
        return ended

    def _not_answered(self, ended: EndedRequest) -> None:
        engines = {engine for engine, _ in ended.failed}
        engines |= {engine for engine, rule in ended.passed_over if rule in PRESENT}
        if (before := self.failing) is None:
            self.failing = Failing(
                since=_onset(ended, self._engine_answered_at),
                requests=1,
                first=ended.at,
                last=ended.at,
                kinds=frozenset({ended.kind}),
                engines=frozenset(engines),
            )
        else:
            self.failing = replace(
                before,
                requests=before.requests + 1,
                last=ended.at,
                kinds=before.kinds | {ended.kind},
                engines=before.engines | engines,
            )

    def _slide(self) -> None:
        before = self._clock.monotonic() - WINDOW_S
        while self.ended and (self.ended[0].at <= before or len(self.ended) > MOST):
            gone = self.ended.popleft()
            self._hows[gone.how] -= 1
            _one_less(self._agents, (gone.agent, gone.how))
            self._left += 1
            if gone.how in JUDGED and self._left > self._judged_from:
                _one_less(self._judged, (gone.agent, gone.how == "failed"))

    def _by_agent(self) -> Iterable[AgentTraffic]:
        """The agents with the most requests first."""
        found: dict[str, AgentTraffic] = {}
        for (agent, how), count in self._agents.items():
            known = found.get(agent) or AgentTraffic(agent=agent)
            found[agent] = replace(
                known,
                requests=known.requests + count,
                failed=known.failed + (count if how == "failed" else 0),
                refused=known.refused + (count if how == "refused" else 0),
            )
        return sorted(found.values(), key=lambda each: (-each.requests, each.agent))[:SHOWN]


class Ended(Protocol):
    """What says how a request ended: an Outcome, or a row of the ledger."""

    @property
    def finish(self) -> Finish: ...
    @property
    def error_kind(self) -> str | None: ...
    @property
    def cache(self) -> CacheResult: ...
    @property
    def zone(self) -> Zone: ...


def how(request: Ended) -> How:
    """How it counts. What ended by the caller's own fault was refused and has not failed."""
    if request.finish == "cancelled":
        return "cancelled"
    if request.finish == "error":
        return "refused" if request.error_kind in CALLERS_FAULT else "failed"
    if request.cache in ("exact", "semantic"):
        return "cache"
    return request.zone


def _onset(ended: EndedRequest, answered_at: datetime | None) -> datetime:
    """When a failure began; where a request was answered after that, then when it was."""
    return ended.began if answered_at is None else max(ended.began, answered_at)


def _failed_over(explanation: Explanation) -> tuple[tuple[EngineName, str], ...]:
    """The engines that a request has failed at so far, each with the error's kind: "cloud: timeout"."""
    details = (reason.detail.partition(": ") for reason in explanation.reasons if reason.rule == "failover")
    return tuple((engine, kind) for engine, _, kind in details)


def _one_less(counts: Counter[K], key: K) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
