"""What does an exact hit cost, compared with the least that any cache could do?

    python -m benchmarks.perf.cache [--json] [--rounds N]

The floors are JSON + sha256 + dict for a hit in memory and for a miss, and the same with one SQLite SELECT for a hit
that is only in the file. uvloop is what `claw serve` runs on; the console uses asyncio's own loop.
"""

import argparse
import asyncio
import hashlib
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import uvloop

from backends.cache.limits import CacheLimits
from backends.cache.response_cache import ResponseCache
from backends.cache.stored_answer import StoredAnswer
from backends.clock import SystemClock
from backends.settings import cache as settings_cache
from backends.types import Message, Request, Tokens

ENTRIES = 1000
ANSWER = "An answer of some length, as a model gives it. " * 20


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.perf.cache", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5000)
    arguments = parser.parse_args(argv)
    figures: dict[str, float] = {}
    for name, runner in (("uvloop", uvloop.new_event_loop), ("asyncio", asyncio.new_event_loop)):
        with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=runner) as loop:
            found = loop.run(measure(Path(folder), arguments.rounds))
        figures |= {f"{name}.{key}": value for key, value in found.items()}
    if arguments.json:
        print(json.dumps(figures, indent=1))
    else:
        print_table(figures)
    return 0


def print_table(figures: dict[str, float]) -> None:
    for loop in ("uvloop", "asyncio"):
        for name, ours, floor in (
            ("memory", "hit_us", "dict_us"),
            ("file", "disk_hit_us", "sqlite_us"),
            ("miss", "miss_us", "dict_us"),
        ):
            mine, least = figures[f"{loop}.{ours}"], figures[f"{loop}.{floor}"]
            print(f"{loop:<8} {name:<7} p50 {mine:6.1f} µs   floor {least:6.1f} µs   ratio {mine / least:.2f}")


async def measure(folder: Path, rounds: int) -> dict[str, float]:
    """Medians in microseconds."""
    requests = [request(f"What is the answer to question {number}?") for number in range(ENTRIES)]
    unknown = [request(f"Has nobody asked about {number} before?") for number in range(ENTRIES)]
    settings = settings_cache.Cache(semantic=False)
    cache = await ResponseCache.open(folder / "cache.db", settings, clock=SystemClock())
    for each in requests:
        await cache.store(each, answer(), model_class="auto")
    figures = {
        "dict_us": median(dict_floor(requests), rounds),
        "sqlite_us": median(sqlite_floor(folder, requests), rounds),
        "hit_us": await hits(cache, requests, rounds),
        "miss_us": await hits(cache, unknown, rounds, found=False),
    }
    await cache.close()
    cache = await ResponseCache.open(
        folder / "cache.db", settings, clock=SystemClock(), limits=CacheLimits(memory_bytes=0)
    )
    figures["disk_hit_us"] = await hits(cache, requests, rounds)
    await cache.close()
    return figures


async def hits(cache: ResponseCache, requests: list[Request], rounds: int, *, found: bool = True) -> float:
    took = []
    for number in range(rounds):
        asked = requests[number % ENTRIES]
        before = time.perf_counter()
        hit = await cache.lookup(asked, model_class="auto")
        took.append(time.perf_counter() - before)
        assert (hit is not None) == found
    return statistics.median(took) * 1e6


def median(look: Callable[[int], object], rounds: int) -> float:
    took = []
    for number in range(rounds):
        before = time.perf_counter()
        look(number % ENTRIES)
        took.append(time.perf_counter() - before)
    return statistics.median(took) * 1e6


def dict_floor(requests: list[Request]) -> Callable[[int], object]:
    shapes = [shape(each) for each in requests]
    known = {digest(each): ANSWER for each in shapes}
    return lambda number: known[digest(shapes[number])]


def sqlite_floor(folder: Path, requests: list[Request]) -> Callable[[int], object]:
    shapes = [shape(each) for each in requests]
    db = sqlite3.connect(folder / "floor.db")
    db.execute("CREATE TABLE answers (key BLOB PRIMARY KEY, body TEXT)")
    db.executemany("INSERT INTO answers VALUES (?, ?)", [(digest(each), ANSWER) for each in shapes])
    return lambda number: db.execute("SELECT body FROM answers WHERE key = ?", (digest(shapes[number]),)).fetchone()


def shape(asked: Request) -> dict[str, object]:
    messages = [{"role": message.role, "content": message.text} for message in asked.messages]
    return {"agent": asked.agent, "model": "auto", "messages": messages, "temperature": None, "tools": []}


def digest(shaped: dict[str, object]) -> bytes:
    return hashlib.sha256(json.dumps(shaped, sort_keys=True).encode()).digest()


def request(text: str) -> Request:
    system = Message(role="system", text="You are a careful engineer. Answer briefly. " * 4)
    return Request(id="bench", agent="writer", messages=(system, Message(role="user", text=text)))


def answer() -> StoredAnswer:
    return StoredAnswer(
        text=ANSWER,
        engine="local",
        model="qwen2.5:14b",
        finish="stop",
        tokens=Tokens(input=40, output=200),
        intent="coding",
        complexity=0.2,
        baseline_usd=Decimal("0.0005"),
        cost_usd=Decimal(0),
        stored_at=SystemClock().now(),
    )


if __name__ == "__main__":
    sys.exit(main())
