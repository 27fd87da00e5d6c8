"""The totals as the file has them: what was charged in each budget's window, what is open, the day and the month."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal

from backends.ledger.budget_limits import overrides
from backends.ledger.request_rows import moment, stamp, zone_of
from backends.ledger.reservations import BudgetTotals, Charge, OpenCall, Payer, Reservation
from backends.ledger.running_totals import MEMBERS, RunningTotals
from backends.settings.money import Budget
from backends.types import AgentSpend


def load(
    db: sqlite3.Connection,
    budgets: Sequence[Budget],
    now: datetime,
    timezone: tzinfo | None = None,
    *,
    groups: Mapping[str, str] | None = None,
) -> RunningTotals:
    """Add the file up, by the settings' budgets and the limits that operators set in their place.

    Time starts at `now`, or at the ledger's last moment where the wall clock is behind it. `groups` are the agents'.
    """
    controls = {row["key"]: row["value"] for row in db.execute("SELECT key, value FROM controls")}
    moments = (now, _last_moment(db) or now)
    totals = RunningTotals(budgets, max(moments), timezone, groups=groups, limits=overrides(controls))
    for index, start in enumerate(totals.starts):
        for row in db.execute(CHARGED, (stamp(start),)):
            charge = Charge(row["engine"], row["model"], Decimal(row["usd"]), Decimal(row["beyond"]))
            totals.charge_one(index, Payer(row["agent"]), charge)
    _load_last_used(db, totals)
    for row in db.execute("SELECT id, agent, session, run, charged_at FROM admissions").fetchall():
        at, payer = moment(row["charged_at"]), Payer(row["agent"], row["session"], row["run"])
        held = db.execute("SELECT engine, zone, model, usd FROM reservations WHERE id = ? ORDER BY rowid", (row["id"],))
        reservations = tuple(_reservation(one) for one in held)
        call = OpenCall(payer=payer, charged_at=at, starts=totals.starts_at(at), reservations=reservations)
        load_members(db, totals, payer, call.starts)
        totals.reopen(row["id"], call)
    month = db.execute(
        MONTH,
        (stamp(totals.month_start),),
    ).fetchone()
    today = {
        row["agent"]: AgentSpend(
            agent=row["agent"],
            requests=row["requests"],
            cost_usd=Decimal(row["cost"]),
            baseline_usd=Decimal(row["baseline"]),
        )
        for row in db.execute(TODAY, (stamp(totals.day_start),))
    }
    by_engine = {row["engine"]: Decimal(row["usd"]) for row in db.execute(BY_ENGINE, (stamp(totals.day_start),))}
    totals.set_spend(today, by_engine, (Decimal(month["cost"]), Decimal(month["baseline"])))
    return totals


def load_members(
    db: sqlite3.Connection, totals: RunningTotals, payer: Payer, starts: Sequence[datetime] | None = None
) -> None:
    """Add up what the totals do not know of a payer's session and run, in the windows that began at `starts`."""
    for place in totals.unknown(payer, starts):
        index, start, _ = place
        if totals.scope(index) == "session":
            found = db.execute(OF_SESSION, (payer.session, payer.agent, stamp(start)))
        elif payer.run:
            found = db.execute(OF_RUN, (payer.run, stamp(start)))
        else:
            found = db.execute(OF_UNNAMED_RUN, (payer.session, payer.agent, stamp(start)))
        spent = BudgetTotals()
        for row in found:
            spent = spent.charged(Charge("", row["model"], Decimal(row["usd"]), Decimal(row["beyond"])))
        totals.set_member(place, spent)


def _load_last_used(db: sqlite3.Connection, totals: RunningTotals) -> None:
    """The sessions and runs that were charged last, where budgets limit each of them."""
    if not totals.starts_of_each:
        return
    rows = db.execute(LAST_USED, (stamp(min(totals.starts_of_each)), MEMBERS)).fetchall()
    for row in reversed(rows):
        load_members(db, totals, Payer(row["agent"], row["session"], row["run"]))


def _reservation(row: sqlite3.Row) -> Reservation:
    zone = row["zone"] or zone_of(row["engine"])
    return Reservation(row["engine"], zone, row["model"], Decimal(row["usd"]))


def _last_moment(db: sqlite3.Connection) -> datetime | None:
    rows = db.execute("SELECT max(charged_at) FROM requests UNION ALL SELECT max(charged_at) FROM admissions")
    return max((moment(last) for (last,) in rows if last), default=None)


CHARGED = """
SELECT agent, engine, model, usd_sum(usd) AS usd, usd_sum(beyond_usd) AS beyond
FROM charges WHERE charged_at >= ? GROUP BY agent, engine, model
"""

OF_SESSION = """
SELECT model, usd_sum(usd) AS usd, usd_sum(beyond_usd) AS beyond
FROM charges WHERE session <> '' AND session = ? AND agent = ? AND charged_at >= ? GROUP BY model
"""

OF_UNNAMED_RUN = OF_SESSION.replace("GROUP BY", "AND run = '' GROUP BY")

OF_RUN = """
SELECT model, usd_sum(usd) AS usd, usd_sum(beyond_usd) AS beyond
FROM charges WHERE run <> '' AND run = ? AND charged_at >= ? GROUP BY model
"""

LAST_USED = """
SELECT agent, session, run, max(charged_at) AS last
FROM charges WHERE charged_at >= ? AND session <> '' GROUP BY agent, session, run ORDER BY last DESC LIMIT ?
"""

BY_ENGINE = """
SELECT engine, usd_sum(usd) AS usd FROM charges WHERE charged_at >= ? GROUP BY engine
"""

MONTH = """
SELECT coalesce(usd_sum(cost_usd), '0') AS cost, coalesce(usd_sum(baseline_usd), '0') AS baseline
FROM requests WHERE charged_at >= ?
"""

TODAY = """
SELECT agent, count(*) AS requests, usd_sum(cost_usd) AS cost, usd_sum(baseline_usd) AS baseline
FROM requests WHERE charged_at >= ? GROUP BY agent
"""
