"""Incidents in a real ledger: written at once, over a kill, and while the file takes nothing."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from backends.background import background
from backends.bus import Bus
from backends.clock import ManualClock, SystemClock
from backends.ledger.sqlite_connection import WriteWaits
from backends.ledger.store import Ledger
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import Condition
from backends.monitoring.incident_log import LEFT_OVER_S, IncidentLog
from backends.monitoring.push import Push
from backends.paths import Paths
from tests.waiting import until

DOWN = Condition(key="down:{engine}", when="It is down.", text="{engine} is down")


@asynccontextmanager
async def logged(home: Path, clock: ManualClock | SystemClock) -> AsyncGenerator[tuple[Alerts, IncidentLog, Ledger]]:
    paths = Paths.find(environ={"CLAW_HOME": str(home)})
    ledger = await Ledger.open(paths, [], clock=clock, waits=WriteWaits(busy_s=0.05, retry_s=0.05))
    try:
        alerts = Alerts(Bus(), clock)
        push = Push([], ledger=ledger, alerts=alerts, clock=clock)
        incidents = IncidentLog(ledger, alerts, clock, push=push, every_s=0.05)
        await incidents.restore()
        async with background(incidents.run()):
            yield alerts, incidents, ledger
    finally:
        await ledger.close()


def rows(home: Path) -> list[dict[str, Any]]:
    ledger = Paths.find(environ={"CLAW_HOME": str(home)}).ledger
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute("SELECT * FROM incidents_v1 ORDER BY started_at, key")]


async def test_an_alert_is_a_row_from_its_onset_to_its_end(home: Path) -> None:
    clock = ManualClock()
    async with logged(home, clock) as (alerts, _, _):
        alerts.show(DOWN, engine="cloud", since=clock.now() - timedelta(seconds=3), effect="3 failed")
        await until(lambda: rows(home))
        (row,) = rows(home)
        assert (row["key"], row["state"], row["ended_at"], row["effect"]) == ("down:cloud", "new", None, "3 failed")
        alerts.silence("down:cloud", 5, "ann")
        await until(lambda: rows(home)[0]["state"] == "silenced")
        clock.advance(27)
        alerts.clear(DOWN, engine="cloud")
        await until(lambda: rows(home)[0]["ended_at"])
    (row,) = rows(home)
    assert (row["duration_s"], row["state"], row["actor"]) == (30.0, "cleared", "ann")


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from backends.clock import SystemClock
from tests.backends.monitoring.test_incident_log import DOWN, logged, rows
from tests.waiting import until

async def main(home):
    async with logged(home, SystemClock()) as (alerts, _, _):
        alerts.show(DOWN, engine="cloud")
        alerts.show(DOWN, engine="local")
        await until(lambda: len(rows(home)) == 2)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_after_a_kill_what_still_holds_goes_on_and_the_rest_ended_when_the_core_began(home: Path) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, str(home)],
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == -9
    before = {row["key"]: row for row in await asyncio.to_thread(rows, home)}
    clock = ManualClock(SystemClock().now() + timedelta(seconds=10))
    began = clock.now()
    async with logged(home, clock) as (alerts, _, _):
        alerts.show(DOWN, engine="cloud")
        (alert,) = alerts.current()
        assert alert.id == before["down:cloud"]["id"]
        clock.advance(LEFT_OVER_S)
        await until(lambda: rows(home)[1]["ended_at"])
        (past,) = alerts.past()
    assert (past.id, past.ended_at) == (before["down:local"]["id"], began)
    assert "last seen to hold on" in past.effect
    assert rows(home)[0]["ended_at"] is None


async def test_a_ledger_that_cannot_be_written_blocks_and_loses_no_alert(home: Path) -> None:
    async with logged(home, ManualClock()) as (alerts, _, ledger):
        path = Paths.find(environ={"CLAW_HOME": str(home)}).ledger
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            for engine in ("local", "cloud"):
                alerts.show(DOWN, engine=engine)
            alerts.clear(DOWN, engine="local")
            assert [alert.key for alert in alerts.current()] == ["down:cloud"]
            await asyncio.wait_for(ledger.recent(1), 5)
            other.execute("COMMIT")
        await until(lambda: len(rows(home)) == 2)
    assert {row["key"]: row["state"] for row in rows(home)} == {"down:cloud": "new", "down:local": "cleared"}


async def test_old_incidents_are_deleted_with_the_rows_of_their_time(home: Path) -> None:
    clock = ManualClock()
    async with logged(home, clock) as (alerts, _, ledger):
        alerts.show(DOWN, engine="local")
        alerts.clear(DOWN, engine="local")
        alerts.show(DOWN, engine="cloud")
        await until(lambda: len(rows(home)) == 2)
        clock.advance(100 * 86_400)
        await ledger.prune(None)
        assert len(rows(home)) == 2
        await ledger.prune(90)
        assert [row["key"] for row in rows(home)] == ["down:cloud"]
