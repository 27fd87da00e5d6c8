"""Ratings of answers: an operator's verdict, written with its audit row, and read with what the router had expected."""

import sqlite3
from datetime import datetime
from typing import Literal

from msgspec import Struct

from backends.errors import WrongUse
from backends.ledger.request_rows import moment, stamp, storable
from backends.ledger.running_totals import RunningTotals
from backends.ledger.write_commands import Audit
from backends.types import Acted, EngineName, Served


class RateAnswer(Struct, frozen=True):
    """An operator's verdict on an answer. Raises WrongUse for a request that has no row."""

    acted: Acted
    guaranteed = False

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        action = self.acted.action
        if db.execute("SELECT 1 FROM requests WHERE id = ?", (storable(action.id),)).fetchone() is None:
            raise WrongUse(f"no request {action.id} is in the ledger: `claw route label --list` shows the last ones")
        values = (
            stamp(self.acted.at),
            storable(action.actor),
            storable(action.id),
            "good" if action.good else "bad",
            action.engine,
            storable(action.intent),
            storable(action.note),
        )
        db.execute("INSERT INTO feedback VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        Audit(acted=self.acted).apply(db, totals)


class AnsweredRequest(Struct, frozen=True, kw_only=True):
    """An answered request with what the weights had expected, who answered, and the last verdict on it, if any.

    `attempts` is the row's JSON; `unverified`: it was given although it had failed its check.
    """

    id: str
    at: datetime
    agent: str
    intent: str
    engine: Served
    finish: str
    attempts: str
    unverified: bool
    p_local: float | None
    p_cloud: float | None
    weights: str
    verdict: Literal["good", "bad"] | None
    better_engine: EngineName | None
    right_intent: str | None


def answered_requests(db: sqlite3.Connection, *, limit: int) -> list[AnsweredRequest]:
    """The last `limit` answered requests, newest first, each with the last verdict on it."""
    return [
        AnsweredRequest(
            id=row["id"],
            at=moment(row["started_at"]),
            agent=row["agent"],
            intent=row["intent"],
            engine=row["engine"],
            finish=row["finish"],
            attempts=row["attempts"],
            unverified=bool(row["unverified"]),
            p_local=row["p_local"],
            p_cloud=row["p_cloud"],
            weights=row["weights"] or "",
            verdict=row["verdict"],
            better_engine=row["better_engine"],
            right_intent=row["right_intent"],
        )
        for row in db.execute(LAST, (limit,))
    ]


LAST = """
SELECT r.id, r.started_at, r.agent, r.intent, r.engine, r.finish, r.attempts, r.p_local, r.p_cloud, r.weights,
       r.notes LIKE '%"unverified:%' AS unverified, f.verdict, f.better_engine, f.intent AS right_intent
FROM requests AS r
LEFT JOIN feedback AS f ON f.rowid = (SELECT max(rowid) FROM feedback WHERE request_id = r.id)
WHERE r.finish IN ('stop', 'length')
ORDER BY r.rowid DESC
LIMIT ?
"""
