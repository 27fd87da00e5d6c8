"""What does a durable row cost, and how long does a request wait for its rows?

    python -m benchmarks.perf.ledger [--json]

Settles rows one after the other and many at once, and writes the same rows with bare sqlite3 under the same settings,
one for each commit (the floor of "single") and 256 for each commit (the floor of "group"). All of them end on the disk:
WAL, FULL. Then it measures what a request waits for its admission and its final row, alone and among sixteen others,
beside a bare commit on this disk; and how much of that the event loop itself does.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TypeVar

from backends.clock import SystemClock
from backends.ledger.request_rows import SETTLE, encode, stamp
from backends.ledger.sqlite_connection import writable
from backends.ledger.store import Admission, Ledger
from backends.ledger.writer import GROUP
from backends.paths import Paths
from backends.settings.money import Budget
from backends.types import Attempt, Outcome, Reason, Tokens

T = TypeVar("T")
ROWS = 5000
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description="Rows a second into the ledger, against bare SQLite.")
    parser.add_argument(
        "--rows", type=int, default=ROWS, help=f"rows of a round, a tenth where each is a commit ({ROWS})"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    found = measure(args.rows)
    if args.json:
        print(json.dumps(found))
        return
    print(f"{'way':<28}{'rows/s':>10}{'of floor':>10}")
    for way, floor in (("floor_single", ""), ("single", "floor_single"), ("floor_group", ""), ("group", "floor_group")):
        share = f"{found[way] / found[floor]:.2f}" if floor else ""
        print(f"{NAMES[way]:<28}{found[way]:>10,.0f}{share:>10}")
    print(f"\n{'a request waits':<28}{'p50 ms':>10}{'p99 ms':>10}{'loop ms':>10}")
    for way, name in WAITS.items():
        print(
            f"{name:<28}{found[f'{way}_p50_ms']:>10.3f}{found[f'{way}_p99_ms']:>10.3f}{found[f'{way}_loop_ms']:>10.3f}"
        )


def measure(rows: int) -> dict[str, float]:
    """Rows a second for each way, the best of a few rounds, and the ratios to their floors."""
    ways: dict[str, Callable[[Path], float]] = {
        "floor_single": lambda folder: _floor(folder, rows // 10, group=1),
        "single": lambda folder: asyncio.run(_settle(folder, rows // 10, at_once=1)),
        "floor_group": lambda folder: _floor(folder, rows, group=GROUP),
        "group": lambda folder: asyncio.run(_settle(folder, rows, at_once=GROUP)),
    }
    found = dict.fromkeys(ways, 0.0)
    for _ in range(ROUNDS):
        for way, work in ways.items():
            found[way] = max(found[way], _in_a_folder(work))
    for way, at_once in (("alone", 1), ("among", 16)):
        found |= _in_a_folder(partial(_waited, way=way, rows=rows // 10, at_once=at_once))
    found |= _in_a_folder(lambda folder: _commits(folder, rows // 10))
    return found | {
        "single_of_floor": found["single"] / found["floor_single"],
        "group_of_floor": found["group"] / found["floor_group"],
    }


def _waited(folder: Path, *, way: str, rows: int, at_once: int) -> dict[str, float]:
    return asyncio.run(_waits(folder, way, rows, at_once))


def _in_a_folder(work: Callable[[Path], T]) -> T:
    with tempfile.TemporaryDirectory() as folder:
        return work(Path(folder))


def _floor(folder: Path, rows: int, *, group: int) -> float:
    """Rows a second of bare sqlite3 for the rows alone: no admission, no charges, no budgets."""
    db = writable(folder / "floor.db")
    values = [encode(_outcome(index)) | _more() for index in range(rows)]
    began = time.perf_counter()
    for start in range(0, rows, group):
        db.execute("BEGIN IMMEDIATE")
        db.executemany(SETTLE, values[start : start + group])
        db.execute("COMMIT")
    took = time.perf_counter() - began
    db.close()
    return rows / took


async def _settle(folder: Path, rows: int, *, at_once: int) -> float:
    """Rows a second of `Ledger.settle`, from an Outcome to a durable row."""
    paths = Paths(config=folder / "claw.toml", state=folder / "state", run=folder / "run")
    ledger = await Ledger.open(paths, [Budget(limit_usd=Decimal(1_000_000))], clock=SystemClock())
    outcomes = [_outcome(index) for index in range(rows)]
    began = time.perf_counter()
    for start in range(0, rows, at_once):
        await asyncio.gather(*(ledger.settle(outcome) for outcome in outcomes[start : start + at_once]))
    took = time.perf_counter() - began
    await ledger.close()
    return rows / took


async def _waits(folder: Path, way: str, requests: int, at_once: int) -> dict[str, float]:
    """What admission and final row take together from the caller's side, and of the loop's own thread, a request."""
    paths = Paths(config=folder / "claw.toml", state=folder / "state", run=folder / "run")
    ledger = await Ledger.open(paths, [Budget(limit_usd=Decimal(1_000_000))], clock=SystemClock())
    took: list[float] = []
    numbers = iter(range(requests))

    async def caller() -> None:
        for number in numbers:
            outcome = _outcome(number)
            admission = _admission(outcome)
            began = time.perf_counter()
            await ledger.admit(admission)
            await ledger.settle(outcome)
            took.append((time.perf_counter() - began) * 1e3)

    began = time.thread_time()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    loop_ms = (time.thread_time() - began) / requests * 1e3
    await ledger.close()
    return _quantiles(way, took) | {f"{way}_loop_ms": loop_ms}


def _commits(folder: Path, rows: int) -> dict[str, float]:
    """Two bare commits of one row each: the disk's own part."""
    db = writable(folder / "floor.db")
    values = [encode(_outcome(index)) | _more() for index in range(2 * rows)]
    took = []
    for index in range(rows):
        began = time.perf_counter()
        for row in values[2 * index : 2 * index + 2]:
            db.execute("BEGIN IMMEDIATE")
            db.execute(SETTLE, row)
            db.execute("COMMIT")
        took.append((time.perf_counter() - began) * 1e3)
    db.close()
    return _quantiles("bare", took) | {"bare_loop_ms": 0.0}


def _quantiles(way: str, took: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(took, n=100)
    return {f"{way}_p50_ms": cuts[49], f"{way}_p99_ms": cuts[98]}


def _admission(outcome: Outcome) -> Admission:
    return Admission(
        id=outcome.id,
        agent=outcome.agent,
        started_at=outcome.started_at,
        source=outcome.source,
        engine="cloud",
        zone="cloud",
        model=outcome.model,
        intent=outcome.intent,
        complexity=outcome.complexity,
        sensitive=False,
        reserved_usd=Decimal("0.02"),
        input_tokens=812,
    )


def _outcome(index: int) -> Outcome:
    tokens = Tokens(input=812, output=164, thinking=90, cached_input=200)
    cost = Decimal("0.0008246")
    return Outcome(
        id=f"request-{index}",
        agent="scout",
        started_at=datetime.now(UTC),
        source="gateway",
        engine="cloud",
        zone="cloud",
        model="gemini-3.5-flash-lite",
        intent="code",
        complexity=0.4,
        sensitive=False,
        reasons=(Reason(rule="policy", detail="auto"), Reason(rule="complexity", detail="0.40")),
        cache="miss",
        tokens=tokens,
        cost_usd=cost,
        baseline_usd=cost,
        ttft_ms=210.0,
        latency_ms=1830.0,
        finish="stop",
        attempts=(Attempt(engine="cloud", zone="cloud", model="gemini-3.5-flash-lite", tokens=tokens, cost_usd=cost),),
    )


def _more() -> dict[str, str | None]:
    return {"charged_at": stamp(datetime.now(UTC)), "prompt_hash": None, "price_source": None}


WAITS = {"bare": "sqlite3, two commits", "alone": "admit and settle, alone", "among": "the same, among 16"}

NAMES = {
    "floor_single": "sqlite3, 1 a commit",
    "single": "settle, one by one",
    "floor_group": f"sqlite3, {GROUP} a commit",
    "group": f"settle, {GROUP} at once",
}

if __name__ == "__main__":
    main()
