"""Spend and budgets as they were at a moment of the past, added up from the file."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from backends.ledger.budget_limits import overrides
from backends.ledger.ended_rows import EndedRow
from backends.ledger.request_rows import stamp
from backends.ledger.reservations import Charge, Payer
from backends.ledger.rollups import sums
from backends.ledger.running_totals import RunningTotals
from backends.settings.money import EACH, Budget
from backends.types import ZERO, AgentSpend, Spend


def spend_at(
    db: sqlite3.Connection,
    at: datetime,
    *,
    running: Sequence[EndedRow],
    budgets: Sequence[Budget],
    timezone: tzinfo | None,
    groups: Mapping[str, str],
) -> Spend:
    """What had been booked by `at`: everything that had begun by then, without the requests that were `running`.

    Limits are today's, and nothing is reserved: neither is on record. Budgets of each session or run are left out.
    """
    controls = {row["key"]: row["value"] for row in db.execute("SELECT key, value FROM controls")}
    common = [budget for budget in budgets if budget.scope not in EACH]
    totals = RunningTotals(common, at, timezone, groups=groups, limits=overrides(controls))
    until = at + timedelta(microseconds=1)
    open_ids = json.dumps([row.id for row in running])
    for index, start in enumerate(totals.starts):
        for row in db.execute(CHARGED, (stamp(start), stamp(until), open_ids)):
            charge = Charge(row["engine"], row["model"], Decimal(row["usd"]), Decimal(row["beyond"]))
            totals.charge_one(index, Payer(row["agent"]), charge)
    today = _by_agent(db, totals.day_start, until, running)
    month = _by_agent(db, totals.month_start, until, running).values()
    by_engine = db.execute(BY_ENGINE, (stamp(totals.day_start), stamp(until), open_ids))
    totals.set_spend(
        today,
        {row["engine"]: Decimal(row["usd"]) for row in by_engine},
        (sum((one.cost_usd for one in month), ZERO), sum((one.baseline_usd for one in month), ZERO)),
    )
    return totals.spend()


def _by_agent(
    db: sqlite3.Connection, since: datetime, until: datetime, running: Iterable[EndedRow]
) -> dict[str, AgentSpend]:
    found = sums(db, since=since, until=until, discount=lambda _: ZERO, by=("agent",))
    agents = {
        one.agent: AgentSpend(
            agent=one.agent, requests=one.requests, cost_usd=one.cost_usd, baseline_usd=one.baseline_usd
        )
        for one in found
    }
    for row in running:
        if (known := agents.get(row.agent)) is not None and row.began >= since:
            agents[row.agent] = AgentSpend(
                agent=known.agent,
                requests=known.requests - 1,
                cost_usd=known.cost_usd - row.cost_usd,
                baseline_usd=known.baseline_usd - row.baseline_usd,
            )
    return {agent: spend for agent, spend in agents.items() if spend.requests > 0}


CHARGED = """
SELECT agent, engine, model, usd_sum(usd) AS usd, usd_sum(beyond_usd) AS beyond
FROM charges WHERE charged_at >= ? AND charged_at < ? AND id NOT IN (SELECT value FROM json_each(?))
GROUP BY agent, engine, model
"""

BY_ENGINE = """
SELECT engine, usd_sum(usd) AS usd
FROM charges WHERE charged_at >= ? AND charged_at < ? AND id NOT IN (SELECT value FROM json_each(?)) GROUP BY engine
"""
