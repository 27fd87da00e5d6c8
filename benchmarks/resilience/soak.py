"""Does a core stay as small as it was over 200,000 requests?

    python -m benchmarks.resilience.soak [--requests 200000] [--seed 1] [--data ../shared/data] [--json]

Eleven agents ask over HTTP a core in a process of its own, with two local and two cloud engines, all of them twins.
After each of fifty equal parts the callers hang up, and once nothing is in flight the core's memory, descriptors,
threads and tasks are read. The first fifth warms it up: caches fill, connections open. Memory is the resident one;
growth is the median of the last fifth of the readings over that of the first fifth behind the warm-up. Exit code 0 if
it is at most 2 %, the others did not grow, and every request that was answered has its row.
"""

import argparse
import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import aiohttp
import psutil

from backends.ledger.sqlite_connection import connect_read_only
from backends.self_test.callers import Heard, ask_all
from backends.self_test.stand import Stand, stand
from benchmarks.resilience.agent_traffic import agent_traffic

PARALLEL, PARTS = 16, 50
WARM_UP, COMPARED = 0.2, 0.2
"""Shares of the readings: those that do not count, and those at either end of the others that are compared."""

QUIET_S, LOOK_S, LOOKS = 30.0, 0.1, 3
MOST_GROWTH = 1.02
SETTINGS = """
[[budgets]]
scope = "all"
window = "total"
limit_usd = "100000"
on_exceeded = "refuse"
"""


class Reading(NamedTuple):
    """What the core takes while nothing is in flight; `memory` is in MB (10^6 bytes)."""

    memory: float
    descriptors: int
    threads: int
    tasks: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="recorded bodies and sessions; without it, shapes of our own")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = asyncio.run(measure(Path(home), requests=args.requests, seed=args.seed, data=args.data, tell=True))
    if args.json:
        print(json.dumps(found))
    else:
        print(*(f"{name:<46}{value!s:>24}" for name, value in found.items()), sep="\n")
    return 0 if holds(found) else 1


def holds(found: dict[str, Any]) -> bool:
    still = all(found[f"{name}, growth"] <= 0 for name in ("descriptors", "threads", "tasks"))
    return found["memory, growth"] <= MOST_GROWTH and still and not found["answered without a row"]


async def measure(
    home: Path, *, requests: int, seed: int, data: Path | None = None, parts: int = PARTS, tell: bool = False
) -> dict[str, Any]:
    """`tell` writes each reading to stderr."""
    ends: Counter[str] = Counter()
    answered: list[str] = []
    readings: list[Reading] = []
    began = time.monotonic()

    def hear(heard: Heard) -> None:
        ends[heard.end] += 1
        if heard.end == "answered":
            answered.append(heard.id)

    async with stand(home, SETTINGS) as it:
        await it.start()
        plans = await asyncio.to_thread(agent_traffic, seed, data)
        for part in range(parts):
            await ask_all(it, islice(plans, requests // parts), parallel=PARALLEL, tell=hear)
            readings.append(await at_rest(it))
            if tell:
                print(f"{(part + 1) * (requests // parts):>8} {readings[-1]}", file=sys.stderr, flush=True)
        await it.end()
    rows = await asyncio.to_thread(ids, it.ledger)
    return {
        "requests": ends.total(),
        "how they ended": dict(ends.most_common()),
        "answered without a row": sum(id not in rows for id in answered),
        "minutes": round((time.monotonic() - began) / 60, 1),
    } | grown(readings)


async def at_rest(it: Stand) -> Reading:
    """Read the core once nothing is in flight and nobody is connected. Raises TimeoutError where it does not rest."""
    core = psutil.Process(it.pid)
    async with asyncio.timeout(QUIET_S):
        while (figures := await metrics(it.url))["in flight"]:  # noqa: ASYNC110 — another process's state
            await asyncio.sleep(LOOK_S)
    tasks = figures["tasks"]
    for _ in range(LOOKS):  # work of the background begins and ends
        await asyncio.sleep(LOOK_S)
        tasks = min(tasks, (await metrics(it.url))["tasks"])
    return Reading(core.memory_info().rss / 1e6, core.num_fds(), core.num_threads(), tasks)


async def metrics(url: str) -> dict[str, int]:
    """Calls that run or wait at an engine, and the core's tasks."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        lines = [line.rpartition(" ") for line in (await answer.text()).splitlines()]
    return {
        "in flight": sum(int(value) for name, _, value in lines if name.startswith(("claw_in_flight{", "claw_wait"))),
        "tasks": next(int(value) for name, _, value in lines if name == "claw_tasks"),
    }


def grown(readings: Sequence[Reading]) -> dict[str, Any]:
    """Each figure's medians at the two ends of what comes behind the warm-up, and its growth: memory's as a ratio."""
    warm = readings[int(len(readings) * WARM_UP) :]
    width = max(1, int(len(readings) * COMPARED))
    found: dict[str, Any] = {}
    for place, name in enumerate(Reading._fields):
        first, last = (median(each[place] for each in part) for part in (warm[:width], warm[-width:]))
        found[f"{name}, first and last"] = [round(first, 1), round(last, 1)]
        found[f"{name}, growth"] = round(last / first, 4) if name == "memory" else last - first
    return found


def ids(ledger: Path) -> set[str]:
    with closing(connect_read_only(ledger)) as db:
        cursor: sqlite3.Cursor = db.execute("SELECT id FROM requests")
        return {row["id"] for row in cursor}


if __name__ == "__main__":
    sys.exit(main())
