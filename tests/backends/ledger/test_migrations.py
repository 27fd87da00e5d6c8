"""Ledgers of every earlier version open, keep their rows and sums, and say where each answer came from."""

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backends.finops.spend_report import report
from backends.ledger import migrations
from backends.ledger.integrity_check import find_faults
from backends.ledger.prices import Prices
from backends.ledger.request_rows import stamp
from backends.ledger.sqlite_connection import connect_read_only
from tests.backends.ledger.samples import AT, COST, MODEL, TOKENS, attempt, opened, outcome, paths

ENGINES = {"local": "0", "cloud": str(COST), "cache": "0"}
ZONES = {"local": "local", "cloud": "cloud", "cache": "local"}


@pytest.fixture(params=range(1, 7))
def file(request: pytest.FixtureRequest, home: Path) -> Path:
    """A ledger of an earlier version, with a row of each engine and a call that was left open."""
    path = paths(home).ledger
    path.parent.mkdir(parents=True, mode=0o700)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrations.migrate(db, migrations.scripts()[: request.param])
        for engine, usd in ENGINES.items():
            insert(db, "requests", row(engine, usd))
        charge = {"id": "cloud", "charged_at": stamp(AT), "agent": "scout", "engine": "cloud", "model": MODEL}
        insert(db, "charges", charge | {"usd": str(COST)})
        opening = ("id", "started_at", "charged_at", "source", "agent", "engine", "model", "intent", "complexity")
        left_open = {key: row("cloud", "0")[key] for key in opening} | {"id": "open", "sensitive": 0, "input_tokens": 9}
        insert(db, "admissions", left_open)
        insert(db, "reservations", {"id": "open", "engine": "cloud", "model": MODEL, "usd": "0.5"})
        if request.param > 1:
            for engine, usd in (("cloud", "7"), ("local", "0")):
                zone = {"zone": ZONES[engine], "own_cost_usd": "0"} if request.param > 5 else {}
                insert(db, "rollups", rolled_up(engine, usd) | zone)
    return path


def insert(db: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    names = ", ".join(values)
    db.execute(f"INSERT INTO {table} ({names}) VALUES (:{', :'.join(values)})", values)  # noqa: S608 — a test's names


def row(engine: str, usd: str) -> dict[str, Any]:
    """As the first version wrote it: attempts say neither a zone nor the model that was asked for."""
    tokens = {name: getattr(TOKENS, name) for name in ("input", "output", "thinking", "cached_input")}
    call = {"engine": engine, "model": MODEL, "tokens": tokens, "cost_usd": usd, "error": None}
    attempts = [] if engine == "cache" else [call]
    return {
        "id": engine,
        "started_at": stamp(AT),
        "charged_at": stamp(AT),
        "source": "gateway",
        "agent": "scout",
        "engine": engine,
        "model": MODEL,
        "intent": "chat",
        "complexity": 0.25,
        "sensitive": 0,
        "cache": "exact" if engine == "cache" else "miss",
        "finish": "stop",
        "input_tokens": TOKENS.input if attempts else 0,
        "output_tokens": TOKENS.output if attempts else 0,
        "thinking_tokens": TOKENS.thinking if attempts else 0,
        "cached_input_tokens": TOKENS.cached_input if attempts else 0,
        "cost_usd": usd,
        "baseline_usd": "1",
        "ttft_ms": 12.5,
        "latency_ms": 250.0,
        "attempts": json.dumps(attempts),
        "attempts_estimated": json.dumps([False for _ in attempts]),
        "usage_estimated": 0,
        "reasons": "[]",
        "notes": "[]",
    }


def rolled_up(engine: str, usd: str) -> dict[str, Any]:
    """Sums of two requests of the day before, whose rows are gone."""
    counts = dict.fromkeys(("input_tokens", "output_tokens", "thinking_tokens", "cached_input_tokens"), 1)
    money = {"cost_usd": usd, "baseline_usd": "8", "provider_discount_usd": "0"}
    key = {"hour": stamp(AT - timedelta(days=1))[:13], "agent": "scout", "engine": engine, "model": MODEL}
    return key | {"intent": "chat", "cache": "miss", "tag": "", "requests": 2} | counts | money


def view(file: Path) -> dict[str, sqlite3.Row]:
    with closing(connect_read_only(file)) as db:
        return {found["id"]: found for found in db.execute("SELECT * FROM requests_v1")}


def test_an_earlier_ledger_opens_with_the_zones_of_its_rows(file: Path, home: Path) -> None:
    async def run() -> list[str]:
        async with opened(home) as ledger:
            assert ledger.recovered == 1
            await ledger.settle(outcome("new", attempt(), at=AT))
            return [one.id for one in await ledger.recent(9)]

    assert asyncio.run(run()) == ["local", "cloud", "cache", "open", "new"]
    rows = view(file)
    assert {id: rows[id]["zone"] for id in ZONES} == ZONES
    assert (rows["open"]["zone"], rows["new"]["zone"]) == ("cloud", "cloud")
    assert list(rows["new"].keys())[-3:] == ["zone", "session", "run"]
    assert rows["cloud"]["session"] == rows["cloud"]["run"] == ""
    with closing(connect_read_only(file)) as db:
        assert list(find_faults(db, core_runs=False)) == []


def test_an_earlier_ledgers_sums_are_told_by_zone(file: Path, home: Path) -> None:
    with_sums = _version(file) > 1

    async def run() -> None:
        async with opened(home):
            pass

    asyncio.run(run())
    with closing(connect_read_only(file)) as db:
        found = report(db, since=AT - timedelta(days=2), until=AT + timedelta(hours=1), by="zone", prices=Prices({}))
    cloud, local = found.rows
    earlier = 2 if with_sums else 0
    assert (cloud.key, cloud.requests, cloud.cost_usd) == (
        "cloud",
        2 + earlier,
        COST + Decimal("0.5") + (7 if with_sums else 0),
    )
    assert (local.key, local.requests, local.cost_usd) == ("local", 2 + earlier, 0)


def _version(file: Path) -> int:
    with closing(connect_read_only(file)) as db:
        return migrations.version(db)
