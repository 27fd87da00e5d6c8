"""Spend and budgets as they were at a moment of the past, added up from the file."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from backends.ledger import budget_windows
from backends.ledger.budget_limits import overrides
from backends.ledger.ended_rows import EndedRow
from backends.ledger.request_rows import stamp
from backends.ledger.reservations import Charge, Payer
from backends.ledger.rollups import sums
from backends.ledger.running_totals import RunningTotals
from backends.lru import LruDict
from backends.settings.money import EACH, Budget
from backends.types import ZERO, AgentSpend, Spend

SETTLED = timedelta(hours=1)
"""What was charged so long ago has been settled: its sum does not change any more."""

REMEMBERED = 64
"""Sums up to the beginning of a day that are kept, a few kilobytes each."""


class PastSpend:
    """`at` may be called from any thread. The first moment of a day adds up all that was charged in the windows before,
    1 ms for a thousand rows; every further one adds that day's rows alone.
    """

    def __init__(self, budgets: Sequence[Budget], *, timezone: tzinfo | None, groups: Mapping[str, str]) -> None:
        self._budgets = tuple(budget for budget in budgets if budget.scope not in EACH)
        self._timezone = timezone
        self._groups = groups
        self._lock = threading.Lock()
        self._charged: LruDict[tuple[datetime, datetime], list[sqlite3.Row]] = LruDict(REMEMBERED)
        self._spent: LruDict[tuple[datetime, datetime], tuple[Decimal, Decimal]] = LruDict(REMEMBERED)

    def at(self, db: sqlite3.Connection, at: datetime, running: Sequence[EndedRow]) -> Spend:
        """What had been booked by `at`: everything that had begun by then, without the requests that were `running`.

        Limits are today's, and nothing is reserved: neither is on record. Budgets of each session or run are left out.
        """
        controls = {row["key"]: row["value"] for row in db.execute("SELECT key, value FROM controls")}
        totals = RunningTotals(self._budgets, at, self._timezone, groups=self._groups, limits=overrides(controls))
        until = at + timedelta(microseconds=1)
        with self._lock:
            for index, start in enumerate(totals.starts):
                for row in self._charges(db, start, until, running):
                    charge = Charge(row["engine"], row["model"], Decimal(row["usd"]), Decimal(row["beyond"]))
                    totals.charge_one(index, Payer(row["agent"]), charge)
            by_engine: dict[str, Decimal] = {}
            for row in self._charges(db, totals.day_start, until, running):
                by_engine[row["engine"]] = by_engine.get(row["engine"], ZERO) + Decimal(row["usd"])
            month = self._month(db, totals.month_start, until, running)
        totals.set_spend(_by_agent(db, totals.day_start, until, running), by_engine, month)
        return totals.spend()

    def _charges(
        self, db: sqlite3.Connection, since: datetime, until: datetime, running: Iterable[EndedRow]
    ) -> list[sqlite3.Row]:
        """By agent, engine and model, in one or two rows for each."""
        middle = max(since, self._settled(until))
        before = self._charged.use((since, middle)) if since < middle else []
        if before is None:
            before = db.execute(CHARGED, (stamp(since), stamp(middle), "[]")).fetchall()
            self._charged.put((since, middle), before)
        open_ids = json.dumps([row.id for row in running])
        return [*before, *db.execute(CHARGED, (stamp(middle), stamp(until), open_ids))]

    def _month(
        self, db: sqlite3.Connection, since: datetime, until: datetime, running: Iterable[EndedRow]
    ) -> tuple[Decimal, Decimal]:
        """Cost and baseline."""
        middle = max(since, self._settled(until))
        before = self._spent.use((since, middle)) if since < middle else (ZERO, ZERO)
        if before is None:
            before = _sum(_by_agent(db, since, middle, ()))
            self._spent.put((since, middle), before)
        cost, baseline = _sum(_by_agent(db, middle, until, running))
        return before[0] + cost, before[1] + baseline

    def _settled(self, until: datetime) -> datetime:
        """The beginning of the last day before which everything has been settled."""
        return budget_windows.start("day", until - SETTLED, self._timezone)


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


def _sum(agents: Mapping[str, AgentSpend]) -> tuple[Decimal, Decimal]:
    return (
        sum((one.cost_usd for one in agents.values()), ZERO),
        sum((one.baseline_usd for one in agents.values()), ZERO),
    )


CHARGED = """
SELECT agent, engine, model, usd_sum(usd) AS usd,
       coalesce(usd_sum(beyond_usd) FILTER (WHERE beyond_usd <> '0'), '0') AS beyond
FROM charges WHERE charged_at >= ? AND charged_at < ? AND id NOT IN (SELECT value FROM json_each(?))
GROUP BY agent, engine, model
"""
