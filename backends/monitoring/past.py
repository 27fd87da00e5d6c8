"""The past as far as the ledger tells: a timeline, and one moment.

It is read in a thread, on a connection of its own, so that it delays no request.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from backends.errors import WrongUse
from backends.ledger.ended_rows import EndedRow, OpenRow, last_begun, rows_around, still_open
from backends.ledger.minutes import Minute, minutes_between
from backends.ledger.past_spend import PastSpend
from backends.ledger.request_rows import stamp
from backends.ledger.sqlite_connection import open_read_only
from backends.monitoring.alert_lifecycle import PAST_DAYS, Alerts
from backends.monitoring.minute_recorder import MINUTE, start_of_minute
from backends.monitoring.timeline import read_timeline
from backends.monitoring.touched import How
from backends.monitoring.traffic_window import how
from backends.settings.money import Budget
from backends.types import CLOUD, LOCAL, AgentTraffic, Alert, Outcome, Spend, Timeline, Traffic

T = TypeVar("T")
EARLIEST_YEAR, LATEST_YEAR = 1970, 9000
RECENT = 200
"""Requests before the moment that are listed."""


class PastMoment(Struct, frozen=True, kw_only=True):
    """What is on record of the moment `at`, the beginning of a minute.

    `requests` had begun by then, oldest first; those in `running` had not ended. `open` are further ones, that have not
    ended to this day. `minute` is what was sampled in the
    minute before, None where no core ran. `hour` is the hour before.
    """

    at: datetime
    requests: tuple[Outcome, ...]
    running: frozenset[str]
    open: tuple[OpenRow, ...]
    spend: Spend
    traffic: Traffic
    minute: Minute | None
    hour: Timeline
    cloud_stopped: bool
    alerts: tuple[Alert, ...] = ()
    past_alerts: tuple[Alert, ...] = ()


class Past:
    """`unwritten` are the minutes that are not in the ledger yet. Each method raises LedgerError, and WrongUse for a
    time that is none.
    """

    def __init__(
        self,
        path: Path,
        *,
        budgets: Sequence[Budget],
        groups: Mapping[str, str],
        timezone: tzinfo | None,
        alerts: Alerts,
        unwritten: Callable[[], tuple[Minute, ...]],
    ) -> None:
        self._path = path
        self._spend = PastSpend(budgets, timezone=timezone, groups=groups)
        self._alerts = alerts
        self._unwritten = unwritten

    async def timeline(self, since: datetime, until: datetime) -> Timeline:
        """The steps from `since` to `until`, with the alerts that stood at any time of it."""
        _check(since, until)
        unwritten = self._unwritten()

        def read(db: sqlite3.Connection) -> Timeline:
            found = read_timeline(db, since, until, unwritten=unwritten)
            self._spend.at(db, until, ())  # who looks at a timeline soon asks for a moment of it
            return found

        found = await self._read(read)
        stood = (
            alert
            for alert in (*self._alerts.past(), *self._alerts.current())
            if alert.since <= found.until and (alert.ended_at is None or alert.ended_at >= found.since)
        )
        return replace(found, alerts=tuple(sorted(stood, key=lambda alert: alert.since)))

    async def moment(self, at: datetime) -> PastMoment:
        """The beginning of the minute that `at` lies in."""
        _check(at)
        at = start_of_minute(at)
        alerts, past_alerts = alerts_at((*self._alerts.past(), *self._alerts.current()), at)
        unwritten = self._unwritten()
        found = await self._read(lambda db: self._moment(db, at, unwritten))
        return replace(found, alerts=alerts, past_alerts=past_alerts)

    def _moment(self, db: sqlite3.Connection, at: datetime, unwritten: tuple[Minute, ...]) -> PastMoment:
        rows = rows_around(db, at)
        running = [row for row in rows if row.ended > at]
        minutes = [*minutes_between(db, at - MINUTE, at), *(each for each in unwritten if each.at == at - MINUTE)]
        minute = minutes[0] if minutes else None
        stopped = db.execute(CLOUD_STOPPED, (stamp(at),)).fetchone()
        return PastMoment(
            at=at,
            requests=last_begun(db, at, RECENT),
            running=frozenset(row.id for row in running),
            open=still_open(db, at),
            spend=self._spend.at(db, at, running),
            traffic=traffic_at([row for row in rows if row.ended <= at and row.source != "shadow"], minute, at),
            minute=minute,
            hour=read_timeline(db, at - timedelta(hours=1), at, unwritten=unwritten),
            cloud_stopped=stopped is not None and stopped["action"].startswith("stop-cloud"),
        )

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def run() -> T:
            with open_read_only(self._path) as db:
                return work(db)

        return await asyncio.to_thread(run)


def _check(*moments: datetime) -> None:
    """Raises WrongUse for one so far off that no calendar has the days around it."""
    if not all(EARLIEST_YEAR <= moment.year <= LATEST_YEAR for moment in moments):
        raise WrongUse(f"a moment lies in the years from {EARLIEST_YEAR} to {LATEST_YEAR}")


def alerts_at(alerts: Iterable[Alert], at: datetime) -> tuple[tuple[Alert, ...], tuple[Alert, ...]]:
    """Those that stood at a moment, oldest first, and those that had ended within the days before, newest first.

    What they had touched by then is not on record: their figures are those of their end.
    """
    known = [alert for alert in alerts if alert.since <= at]
    stood = [alert for alert in known if alert.ended_at is None or alert.ended_at > at]
    ended = [
        alert
        for alert in known
        if alert.ended_at is not None and at - timedelta(days=PAST_DAYS) <= alert.ended_at <= at
    ]
    return (
        tuple(
            replace(alert, ended_at=None, state="new" if alert.state == "cleared" else alert.state, choices=())
            for alert in sorted(stood, key=lambda alert: alert.since)
        ),
        tuple(sorted(ended, key=lambda alert: alert.since, reverse=True)),
    )


def traffic_at(ended: Sequence[EndedRow], minute: Minute | None, at: datetime) -> Traffic:
    """The requests that ended in the minute before `at`; `ended` are those and earlier ones."""
    hows: Counter[How] = Counter()
    agents: Counter[tuple[str, How]] = Counter()
    for row in ended:
        if row.ended > at - MINUTE:
            hows[how(row)] += 1
            agents[row.agent, how(row)] += 1
    if minute is not None:
        hows["failed"] += minute.failed
        hows["refused"] += minute.refused
    answered_at = max((row.ended for row in ended if how(row) in (LOCAL, CLOUD, "cache")), default=None)
    failures = [row for row in ended if how(row) == "failed" and (answered_at is None or row.ended > answered_at)]
    began = min((row.began for row in failures), default=None)
    by_agent = [
        AgentTraffic(
            agent=agent,
            requests=sum(count for (name, _), count in agents.items() if name == agent),
            failed=agents[agent, "failed"],
            refused=agents[agent, "refused"],
        )
        for agent in dict.fromkeys(name for name, _ in agents)
    ]
    return Traffic(
        window_s=MINUTE.total_seconds(),
        requests=hows.total(),
        local=hows[LOCAL],
        cloud=hows[CLOUD],
        cache=hows["cache"],
        failed=hows["failed"],
        refused=hows["refused"],
        cancelled=hows["cancelled"],
        agents=tuple(sorted(by_agent, key=lambda each: (-each.requests, each.agent))),
        failing_since=max(began, answered_at) if began is not None and answered_at is not None else began,
        answered_at=answered_at,
    )


CLOUD_STOPPED = """
SELECT action FROM audit WHERE at <= ? AND (action LIKE 'stop-cloud%' OR action LIKE 'resume-cloud%')
ORDER BY at DESC, rowid DESC LIMIT 1
"""
