"""The books as the file has them: what was charged in each budget's window, what is open, the day and the month."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal

from backends.ledger.amounts import Charge, OpenCall, Reservation
from backends.ledger.books import Books
from backends.ledger.limits import overrides
from backends.ledger.rows import moment, stamp
from backends.settings.money import Budget
from backends.types import AgentSpend


def load(
    db: sqlite3.Connection,
    budgets: Sequence[Budget],
    now: datetime,
    zone: tzinfo | None = None,
    *,
    groups: Mapping[str, str] | None = None,
) -> Books:
    """Add the file up, by the settings' budgets and the limits that operators set in their place.

    Time starts at `now`, or at the ledger's last moment where the wall clock is behind it. `groups` are the agents'.
    """
    controls = {row["key"]: row["value"] for row in db.execute("SELECT key, value FROM controls")}
    moments = (now, _last_moment(db) or now)
    books = Books(budgets, max(moments), zone, groups=groups, limits=overrides(controls))
    for index, start in enumerate(books.starts):
        for row in db.execute(CHARGED, (stamp(start),)):
            charge = Charge(row["engine"], row["model"], Decimal(row["usd"]), Decimal(row["beyond"]))
            books.charge_one(index, row["agent"], charge)
    for row in db.execute("SELECT id, agent, charged_at FROM admissions").fetchall():
        at = moment(row["charged_at"])
        held = db.execute("SELECT engine, model, usd FROM reservations WHERE id = ? ORDER BY rowid", (row["id"],))
        reservations = tuple(Reservation(one["engine"], one["model"], Decimal(one["usd"])) for one in held)
        call = OpenCall(agent=row["agent"], charged_at=at, starts=books.starts_at(at), reservations=reservations)
        books.reopen(row["id"], call)
    month = db.execute(
        MONTH,
        (stamp(books.month_start),),
    ).fetchone()
    today = {
        row["agent"]: AgentSpend(
            agent=row["agent"],
            requests=row["requests"],
            cost_usd=Decimal(row["cost"]),
            baseline_usd=Decimal(row["baseline"]),
        )
        for row in db.execute(TODAY, (stamp(books.day_start),))
    }
    books.take_in(today, (Decimal(month["cost"]), Decimal(month["baseline"])))
    return books


def _last_moment(db: sqlite3.Connection) -> datetime | None:
    rows = db.execute("SELECT max(charged_at) FROM requests UNION ALL SELECT max(charged_at) FROM admissions")
    return max((moment(last) for (last,) in rows if last), default=None)


CHARGED = """
SELECT agent, engine, model, usd_sum(usd) AS usd, usd_sum(beyond_usd) AS beyond
FROM charges WHERE charged_at >= ? GROUP BY agent, engine, model
"""

MONTH = """
SELECT coalesce(usd_sum(cost_usd), '0') AS cost, coalesce(usd_sum(baseline_usd), '0') AS baseline
FROM requests WHERE charged_at >= ?
"""

TODAY = """
SELECT agent, count(*) AS requests, usd_sum(cost_usd) AS cost, usd_sum(baseline_usd) AS baseline
FROM requests WHERE charged_at >= ? GROUP BY agent
"""
