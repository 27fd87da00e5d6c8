"""What `claw doctor` says of the agents: who has a key, whose requests are refused, and who is
kept on this machine all the time.
"""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

from backends.errors import WrongSettings
from backends.gateway import agent_keys
from backends.ledger.request_rows import stamp
from backends.ledger.sqlite_connection import connect_read_only
from backends.paths import Paths
from backends.settings.model import Settings
from backends.types import LOCAL, Check

SINCE = timedelta(days=1)
MANY = 5
"""Refusals of one agent for one reason that are a fault; fewer are worth a line."""

KEPT = 10
"""Sensitive requests of an agent in a row after which what keeps it here is taken for a part that repeats."""

NAMED = 4
"""Agents that one line names."""

REFUSED = """
SELECT agent, reason, sum(count) AS count FROM refusals_v1 WHERE hour >= ? GROUP BY agent, reason
ORDER BY count DESC, agent, reason
"""

LATEST = """
SELECT agent, count(*) AS requests, sum(sensitive) AS sensitive FROM (
    SELECT agent, sensitive, row_number() OVER (PARTITION BY agent ORDER BY started_at DESC) AS place
    FROM requests_v1 WHERE started_at >= ?
) WHERE place <= ? GROUP BY agent ORDER BY agent
"""

REMEDIES = {
    "context_length_exceeded": "raise the window (`engines.local.context`), or let another engine answer the agent",
    "refused": "look at the agent's policy and at what is private in its prompts",
    "budget": "raise the budget in claw.toml, or wait until its window ends",
    "no_engine": "see to the engine that does not answer",
}
"""By reason; `claw explain --request` tells the rest."""


def check_agents(settings: Settings, paths: Paths) -> tuple[Check, ...]:
    """Reads the ledger. Never raises: the check of the ledger reports what is wrong with it."""
    since = datetime.now(UTC) - SINCE
    if not paths.ledger.exists():
        return ()
    try:
        with closing(connect_read_only(paths.ledger)) as db:
            refused = db.execute(REFUSED, (f"{since:%Y-%m-%dT%H}",)).fetchall()
            latest = db.execute(LATEST, (stamp(since), KEPT)).fetchall()
    except sqlite3.Error:
        return ()
    return refusals(refused), kept_here(settings, latest)


def check_keys(settings: Settings, paths: Paths) -> Check:
    """Do agents need a key at the gateway, and which have one?"""
    name = "agents' keys"
    try:
        found = agent_keys.read(paths.agent_keys).keys
    except WrongSettings as error:
        detail, _, remedy = str(error).partition(": ")
        return Check(name=name, ok=False, detail=detail, remedy=remedy)
    needed = settings.gateway.keys
    if needed == "off" or (needed == "auto" and not found):
        return Check(name=name, ok=None, detail="none are needed", remedy="`claw key add AGENT` makes one")
    having = ", ".join(dict.fromkeys(key.agent for key in found if key.valid))
    if not having:
        detail = "needed, and none is valid: nobody comes in"
        return Check(name=name, ok=False, detail=detail, remedy="make one with `claw key add AGENT`")
    return Check(name=name, ok=True, detail=f"needed, and made for {having}")


def refusals(rows: list[sqlite3.Row]) -> Check:
    """`rows` are agents, reasons and counts, the largest first."""
    if not rows:
        return Check(name="refusals", ok=True, detail="no request was refused since yesterday")
    told = [f"{row['agent']} {row['count']} × {row['reason']}" for row in rows[:NAMED]]
    more = [f"{len(rows) - NAMED} more"] if len(rows) > NAMED else []
    first = REMEDIES.get(rows[0]["reason"])
    explain = f"`claw explain --agent {rows[0]['agent']} --request FILE` says why"
    return Check(
        name="refusals",
        ok=False if rows[0]["count"] >= MANY else None,
        detail=f"since yesterday: {', '.join((*told, *more))}",
        remedy=f"{first}; {explain}" if first else explain,
    )


def kept_here(settings: Settings, rows: list[sqlite3.Row]) -> Check:
    """`rows` are the agents with how many of their latest requests were sensitive; some are to stay here anyway."""
    kept = [
        row["agent"]
        for row in rows
        if row["requests"] == row["sensitive"] == KEPT
        and not settings.agent(row["agent"]).sensitive
        and settings.agent(row["agent"]).policy != LOCAL
    ]
    if not kept:
        return Check(name="kept here", ok=True, detail="no agent's requests are all sensitive")
    more = [f"{len(kept) - NAMED} more"] if len(kept) > NAMED else []
    return Check(
        name="kept here",
        ok=None,
        detail=f"the last {KEPT} requests of {', '.join((*kept[:NAMED], *more))} were all sensitive",
        remedy="a part that is in each, as a memory file, may be private: `claw privacy explain FILE` says which",
    )
