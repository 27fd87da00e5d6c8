"""How long do a report and a review take over many rows, and how much memory do they need?

    python -m benchmarks.perf.report [--rows N]

Makes a ledger of N rows over a year, takes a report before any rows are summed, sums them by the hour as the core does,
and takes the report again. A bare `SELECT count(*), sum(...)` over the same rows is the floor. Memory is the peak of a
process that does nothing else.
"""

import argparse
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from backends.finops.discounts import discounts
from backends.finops.review import review
from backends.finops.spend_report import report
from backends.ledger.prices import Prices
from backends.ledger.request_rows import stamp
from backends.ledger.rollups import RollUp
from backends.ledger.running_totals import RunningTotals
from backends.ledger.sqlite_connection import connect_read_only, writable
from backends.ledger.writer import commit
from backends.settings.model import Settings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 365
AGENTS = ("scout", "infra", "script", "intel", "classifier", "agent", "claw", "sherlock", "writer", "ada", "coding")
MODELS = {"local": "qwen2.5:14b", "cloud": "gemini-3.5-flash-lite", "cache": "gemini-3.5-flash-lite"}
INTENTS = ("chat", "extraction", "classification", "summarising", "coding", "research")
ATTEMPTS = (
    '[{"engine":"cloud","model":"gemini-3.5-flash-lite","tokens":{"input":900,"output":200,"thinking":0,"cached_input":0},'
    '"cost_usd":"0.00077","error":null}]'
)
COLUMNS = (
    "id, started_at, charged_at, source, agent, engine, model, intent, complexity, sensitive, cache, finish, "
    "input_tokens, output_tokens, thinking_tokens, cached_input_tokens, cost_usd, baseline_usd, latency_ms, attempts, "
    "attempts_estimated, usage_estimated, prompt_hash, reasons, notes, p_local, p_cloud"
)
STEPS = ("floor", "report", "review")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--step", nargs=2, metavar=("FILE", "STEP"), help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.step:
        print(json.dumps(step(Path(given.step[0]), given.step[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder) / "ledger.db", given.rows)
    if given.json:
        print(json.dumps(found))
        return
    print(
        f"{given.rows:,} rows, {found['bytes'] / 1e6:,.0f} MB; added up at {found['rolled_per_s']:,.0f} rows a second"
    )
    print(f"{'step':<28}{'seconds':>9}{'of floor':>10}{'peak MB':>9}")
    for name in (f"{step} {when}" for when in ("before", "after") for step in STEPS):
        row = found[name]
        times = row["s"] / found[f"floor {name.split()[1]}"]["s"]
        print(f"{name:<28}{row['s']:>9.2f}{times:>10.2f}{row['mb']:>9.0f}")


def measured(file: Path, rows: int) -> dict[str, Any]:
    fill(file, rows)
    found: dict[str, Any] = {"rows": rows, "bytes": file.stat().st_size}
    found |= {f"{name} before": apart(file, name) for name in STEPS}
    began = time.perf_counter()
    with closing(writable(file)) as db:
        add_up(db, rows)
    found["rolled_per_s"] = rows / (time.perf_counter() - began)
    return found | {f"{name} after": apart(file, name) for name in STEPS}


def apart(file: Path, name: str) -> dict[str, float]:
    """One step in a process of its own, whose peak is then that step's."""
    command = [sys.executable, "-m", "benchmarks.perf.report", "--step", str(file), name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def step(file: Path, name: str) -> dict[str, float]:
    prices = Prices({})
    discounts(prices)
    with closing(connect_read_only(file)) as db:
        began = time.perf_counter()
        if name == "floor":
            db.execute("SELECT count(*), sum(input_tokens), sum(output_tokens) FROM requests").fetchone()
        elif name == "report":
            report(db, since=NOW - timedelta(days=DAYS), until=NOW, by="agent", prices=prices)
        else:
            review(db, settings=Settings(), prices=prices, now=NOW)
        spent = time.perf_counter() - began
    return {"s": spent, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def fill(file: Path, rows: int) -> None:
    with closing(writable(file)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        marks = ", ".join("?" * (COLUMNS.count(",") + 1))
        db.executemany(f"INSERT INTO requests ({COLUMNS}) VALUES ({marks})", made_up(rows))  # noqa: S608 — our own columns
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def made_up(rows: int) -> Iterator[tuple[object, ...]]:
    dice = Random(7)
    gap = timedelta(days=DAYS) / rows
    start = NOW - timedelta(days=DAYS)
    for number in range(rows):
        at = stamp(start + gap * number)
        engine = dice.choice(("local", "cloud", "cache"))
        usd = f"0.000{dice.randrange(100, 999)}"
        yield (
            f"r{number}", at, at, "gateway", dice.choice(AGENTS), engine, MODELS[engine],
            dice.choice(INTENTS), dice.random(), 0, "exact" if engine == "cache" else "miss", "stop",
            dice.randrange(50, 3000), dice.randrange(10, 800), 0, 0, usd if engine == "cloud" else "0", usd, 900.0,
            ATTEMPTS if engine == "cloud" else "[]", "[]", 0, f"{number:x}", "[]", "[]", 0.9, 0.95,
        )  # fmt: skip


def add_up(db: sqlite3.Connection, rows: int) -> None:
    totals, discount = RunningTotals([], NOW, UTC), discounts(Prices({}))
    for _ in range(-(-rows // 2000)):
        assert commit(db, totals, [RollUp(rows=2000, discount=discount)]) == [None]


if __name__ == "__main__":
    main()
