"""Refusals: who is refused before any engine is called, why and how often; counted in the ledger in batches."""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection
from datetime import datetime, tzinfo

from msgspec import Struct
from msgspec.structs import replace

from backends import events
from backends.bus import Bus
from backends.clock import Clock
from backends.errors import ClawError, LedgerError, SessionPaused
from backends.ledger import budget_windows
from backends.ledger.refusal_counts import Key
from backends.ledger.request_rows import moment, stamp
from backends.ledger.store import Ledger
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import REFUSED_AGAIN
from backends.types import RefusalCount

EVERY_S = 1.0
"""How often counts are written and published, where there are new ones."""

AGAIN = 5
"""Refusals of an agent, with nothing of it let through between them, that raise the alert."""

QUIET_S = 900.0
"""Without a further request for so long the alert is cleared."""

FAILED = 500
"""The least HTTP status of a request that nobody could answer, which has failed rather than been refused."""

STRANGERS = 64
"""Agents that no setting names and that are still counted by name; beyond them they are "other"."""

OTHER = "other"
MESSAGE_LENGTH = 300
log = logging.getLogger(__name__)


class Streak(Struct, frozen=True):
    """Refusals of one agent in a row: how many, since when, and when the last was, in monotonic seconds."""

    count: int
    since: datetime
    last: float
    reason: str
    message: str


class Refusals:
    """`run` is for a background task; `flush` writes what is not written yet. Names and reasons are bounded in number,
    so memory and table are.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        ledger: Ledger,
        alerts: Alerts,
        clock: Clock,
        agents: Collection[str],
        timezone: tzinfo | None,
    ) -> None:
        """`agents` are those of the settings; `timezone` says when days begin."""
        self._bus = bus
        self._ledger = ledger
        self._alerts = alerts
        self._clock = clock
        self._agents = frozenset(agents) | {"default", OTHER}
        self._strangers: set[str] = set()
        self._timezone = timezone
        self._day = budget_windows.start("day", clock.now(), timezone)
        self._today: dict[tuple[str, str], RefusalCount] = {}
        self._unwritten: Counter[Key] = Counter()
        self._streaks: dict[str, Streak] = {}
        self._changed = False

    def record(self, agent: str, error: ClawError) -> None:
        """A request of `agent` was refused."""
        now, name, reason = self._clock.now(), self._counted(agent), error.kind
        message = str(error)[:MESSAGE_LENGTH]
        self._turn_day(now)
        self._unwritten[stamp(now)[:13], name, reason] += 1
        known = self._today.get((name, reason)) or RefusalCount(agent=name, reason=reason, count=0, last_at=now)
        self._today[name, reason] = replace(known, count=known.count + 1, last_at=now, message=message)
        self._changed = True
        if isinstance(error, SessionPaused) or error.http_status >= FAILED:
            return  # these have alerts of their own: with choices, and by the agents' share of failures
        streak = self._streaks.get(name)
        self._streaks[name] = Streak(
            count=streak.count + 1 if streak else 1,
            since=streak.since if streak else now,
            last=self._clock.monotonic(),
            reason=reason,
            message=message,
        )

    def passed(self, agent: str) -> None:
        """A request of `agent` was let through."""
        if self._streaks and self._streaks.pop(name := self._counted(agent), None) is not None:
            self._alerts.clear(REFUSED_AGAIN, agent=name)

    def today(self) -> tuple[RefusalCount, ...]:
        """Today's counts, the highest first."""
        self._turn_day(self._clock.now())
        return tuple(sorted(self._today.values(), key=lambda one: (-one.count, one.agent, one.reason)))

    async def run(self) -> None:
        """Continue today's counts of an earlier core, then write and publish new ones every few seconds."""
        await self._restore()
        while True:
            self.check()
            await self.flush()
            await asyncio.sleep(EVERY_S)

    def check(self) -> None:
        """Raise and clear alerts, and publish today's counts where they have changed."""
        for name, streak in list(self._streaks.items()):
            if self._clock.monotonic() - streak.last > QUIET_S:
                self.passed(name)
            elif streak.count >= AGAIN:
                self._alerts.show(
                    REFUSED_AGAIN,
                    agent=name,
                    count=streak.count,
                    since=streak.since,
                    reason=streak.reason,
                    message=streak.message,
                )
        if self._changed:
            self._changed = False
            self._bus.publish(events.RefusalsSampled(refusals=self.today()))

    async def flush(self) -> None:
        """Write the new counts. Where the ledger takes none, they are kept for the next time."""
        if not self._unwritten:
            return
        counts, self._unwritten = self._unwritten, Counter()
        try:
            await self._ledger.count_refusals(counts)
        except LedgerError as error:
            self._unwritten.update(counts)
            log.info("refusals are counted later: %s", error)

    async def _restore(self) -> None:
        try:
            found = await self._ledger.refusals(self._day)
        except LedgerError as error:
            log.info("refusals of earlier today are not known: %s", error)
            return
        for row in found:
            key = row["agent"], row["reason"]
            last_at = moment(f"{row['last_hour']}:00:00.000000Z")
            new = self._today.get(key) or RefusalCount(agent=key[0], reason=key[1], count=0, last_at=last_at)
            self._today[key] = replace(new, count=new.count + row["count"])
            self._counted(key[0])
        self._changed = bool(self._today)

    def _counted(self, agent: str) -> str:
        """The name that an agent is counted by."""
        if agent in self._agents or agent in self._strangers:
            return agent
        if len(self._strangers) >= STRANGERS:
            return OTHER
        self._strangers.add(agent)
        return agent

    def _turn_day(self, now: datetime) -> None:
        """At midnight counts begin anew. A clock that jumped back changes nothing."""
        day = budget_windows.start("day", now, self._timezone)
        if day > self._day:
            self._day, self._today, self._strangers = day, {}, set(self._streaks) - self._agents
