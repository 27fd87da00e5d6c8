"""What happened in a stretch of time, read from the ledger: incidents, actions, requests, spend. No prompt is read."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from backends.errors import WrongUse
from backends.finops.spend_report import SpendReport, report
from backends.ledger.incident_rows import as_alert
from backends.ledger.prices import Prices
from backends.ledger.request_rows import moment, stamp
from backends.monitoring.timeline import LONGEST, read_timeline
from backends.types import ZERO, Alert, Timeline

AROUND = timedelta(minutes=5)
"""What a report of one incident shows before its onset and after its end."""

MOST = 500
"""Incidents, and actions, of a report; it says how many there are."""


class TakenAction(Struct, frozen=True, kw_only=True):
    """A row of the audit table."""

    at: datetime
    actor: str
    action: str
    detail: str


class AgentDecisions(Struct, frozen=True, kw_only=True):
    """Where an agent's requests went, and how many of them failed; `engine` is "" where none could be asked."""

    agent: str
    engine: str
    requests: int
    failed: int
    cost_usd: Decimal


class FailedCalls(Struct, frozen=True, kw_only=True):
    """Calls at an engine that failed in one way, also those after which another engine answered."""

    engine: str
    kind: str
    calls: int


class SentMessage(Struct, frozen=True, kw_only=True):
    """A message to the operator, and when it was accepted; None while it waits."""

    at: datetime
    receiver: str
    incident: str
    event: str
    delivered_at: datetime | None


class IncidentReport(Struct, frozen=True, kw_only=True):
    """`incident` is the one that the report is about, None for all of a span. `incidents` are those that stood in the
    span, the first onset first.
    """

    since: datetime
    until: datetime
    incident: Alert | None
    incidents: tuple[Alert, ...]
    incidents_in_all: int
    actions: tuple[TakenAction, ...]
    actions_in_all: int
    decided: tuple[AgentDecisions, ...]
    failed_calls: tuple[FailedCalls, ...]
    told: tuple[SentMessage, ...]
    spend: SpendReport
    timeline: Timeline


def incidents_between(db: sqlite3.Connection, since: datetime, until: datetime) -> tuple[Alert, ...]:
    """Those that stood at some moment of [since, until), the first onset first."""
    return tuple(map(as_alert, db.execute(STOOD, (stamp(until), stamp(since)))))


def find_incident(db: sqlite3.Connection, which: str) -> Alert:
    """By its id, or the beginning of it that no other has. Raises WrongUse."""
    found = [
        as_alert(row)
        for row in db.execute("SELECT * FROM incidents WHERE substr(id, 1, ?) = ? LIMIT 2", (len(which), which))
    ]
    exact = [alert for alert in found if alert.id == which]
    if not which or len(exact or found) != 1:
        problem = "names several incidents" if len(found) > 1 else "names no incident"
        raise WrongUse(f"{which!r} {problem}: `claw incident list` shows their ids")
    return (exact or found)[0]


def report_of(db: sqlite3.Connection, alert: Alert, *, now: datetime, prices: Prices) -> IncidentReport:
    """One incident, with the minutes around it; of a long one the end."""
    until = min(now, (alert.ended_at or now) + AROUND)
    since = max(alert.since - AROUND, until - LONGEST)
    return incident_report(db, since=min(since, until - timedelta(minutes=1)), until=until, prices=prices, about=alert)


def incident_report(
    db: sqlite3.Connection, *, since: datetime, until: datetime, prices: Prices, about: Alert | None = None
) -> IncidentReport:
    """All that happened in [since, until), which is at most 31 days. Raises WrongUse."""
    span = stamp(since), stamp(until)
    timeline = read_timeline(db, since, until)
    incidents = incidents_between(db, since, until)
    actions = [
        TakenAction(at=moment(at), actor=actor, action=action, detail=detail)
        for at, actor, action, detail in db.execute(ACTIONS, span)
    ]
    return IncidentReport(
        since=since,
        until=until,
        incident=about,
        incidents=incidents[:MOST],
        incidents_in_all=len(incidents),
        actions=tuple(actions[:MOST]),
        actions_in_all=len(actions),
        decided=tuple(_decided(db.execute(DECIDED, span))),
        failed_calls=tuple(
            FailedCalls(engine=engine, kind=kind, calls=calls) for engine, kind, calls in db.execute(FAILED_CALLS, span)
        ),
        told=tuple(_told(db.execute(TOLD, span))),
        spend=report(db, since=since, until=until, by="engine", prices=prices),
        timeline=timeline,
    )


def _decided(rows: Iterable[sqlite3.Row]) -> Iterable[AgentDecisions]:
    for agent, engine, requests, failed, cost_usd in rows:
        cost = Decimal(cost_usd) if cost_usd is not None else ZERO
        yield AgentDecisions(agent=agent, engine=engine, requests=requests, failed=failed, cost_usd=cost)


def _told(rows: Iterable[sqlite3.Row]) -> Iterable[SentMessage]:
    for at, receiver, incident, event, delivered_at in rows:
        delivered = None if delivered_at is None else moment(delivered_at)
        yield SentMessage(at=moment(at), receiver=receiver, incident=incident, event=event, delivered_at=delivered)


STOOD = """
SELECT * FROM incidents WHERE started_at < ? AND (ended_at IS NULL OR ended_at >= ?) ORDER BY started_at, rowid
"""

ACTIONS = "SELECT at, actor, action, detail FROM audit_v1 WHERE at >= ? AND at < ? ORDER BY at"

DECIDED = """
SELECT agent, engine, count(*), sum(finish = 'error'), usd_sum(cost_usd) FROM requests
WHERE started_at >= ? AND started_at < ? AND source <> 'shadow'
GROUP BY agent, engine ORDER BY count(*) DESC, agent, engine
"""

FAILED_CALLS = """
SELECT json_extract(value, '$.engine') AS engine,
       substr(json_extract(value, '$.error'), 1, instr(json_extract(value, '$.error') || ':', ':') - 1) AS kind,
       count(*) AS calls
FROM requests, json_each(attempts)
WHERE started_at >= ? AND started_at < ? AND json_extract(value, '$.error') NOT LIKE 'cancelled%'
GROUP BY 1, 2 ORDER BY calls DESC, 1, 2
"""
"""An error begins with its kind; the provider's words after it are left out."""

TOLD = """
SELECT created_at, target, incident, json_extract(message, '$.event'), delivered_at FROM notifications
WHERE created_at >= ? AND created_at < ? ORDER BY created_at, rowid
"""
