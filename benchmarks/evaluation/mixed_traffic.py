"""Is every cent and token booked that the engines counted?

    python -m benchmarks.evaluation.mixed_traffic [--requests 10000] [--json]

A whole core runs between the twins in this process, as fast as they answer. The traffic contains prompts for both
engines, repeated ones, long shared instructions that the provider caches, thinking, callers who leave at any moment,
refusals that are tried again, streams that break, and usage that is wrong or missing.

Then each upstream call in the ledger is compared with the twins' records. A call whose usage was reported must have one
record with the same counts and price. The remaining records belong to calls that are marked as estimated (except those
whose refusal no caller waited for), and budgets must have been charged at least as much for them. Exit code 0 if all of
this holds.
"""

import argparse
import asyncio
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from backends.bootstrap.build import build
from backends.core.api import Core
from backends.errors import ClawError
from backends.identity import new_id
from backends.paths import Paths
from backends.pipeline import engine_call
from backends.rehearsal.faults import Fault
from backends.rehearsal.process import Twins, twins
from backends.settings.agents import Agent
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import Delta, Message, Request, Sampling

PARALLEL = 48
TOKENS_PER_S = 4000.0  # so that callers can leave in the middle
SHARED = " ".join(f"Rule {number}: answer briefly, name the source, and never guess." for number in range(400))
"""Long enough for the provider to cache it."""

ODD = (
    Fault(kind="status", status=503),
    Fault(kind="status", status=429),
    Fault(kind="status", status=500),
    Fault(kind="close", after=1),
    Fault(kind="drop", after=1),
    Fault(kind="usage", mode="absent"),
    Fault(kind="usage", mode="absent-last"),
    Fault(kind="usage", mode="zeros-first"),
    Fault(kind="usage", mode="wrong-total"),
    Fault(kind="usage", mode="cached-over-prompt"),
    Fault(kind="blocked"),
    Fault(kind="thought-cap"),
)
ODD_SHARE = 0.04  # more, and breakers open: a call that is not made is no test
TOKENS = ("input", "output", "thinking", "cached_input")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        found = asyncio.run(measure(Path(home), args.requests, args.seed))
    found["seconds"] = round(time.monotonic() - began, 1)
    if args.json:
        print(json.dumps(found, default=str))
    else:
        for name, value in found.items():
            print(f"{name:<44}{value!s:>20}")
    return 0 if is_equal(found) else 1


def is_equal(found: dict[str, Any]) -> bool:
    return (
        not found["reported calls without an equal record"]
        and found["cloud calls, ledger"] == found["cloud calls, twin"]
        and found["local calls, ledger"] == found["local calls, twin"]
        and found["records left over"] <= found["estimated calls"]
        and found["left over, billed USD"] <= found["estimated, charged USD"]
    )


async def measure(home: Path, requests: int, seed: int) -> dict[str, Any]:
    """Send `requests` and compare."""
    paths = Paths(config=home / "claw.toml", state=home / "state", run=home / "run")
    async with twins() as pair:
        # Which prompts are worth thinking is the classifier's to say, and changes with it: here requests say it.
        with patch.object(engine_call, "THINKS_FROM", 0.0):
            async with build(_settings(pair), paths, keys={"cloud": "twin"}, drain_s=30.0) as built:
                await send(built.core, pair, requests, random.Random(seed))
        return await asyncio.to_thread(compare, paths.ledger, pair)


def _settings(pair: Twins) -> Settings:
    plain = Settings()
    local = replace(plain.engines["local"], base_url=pair.ollama.url, parallel=16, queue_limit=1000)
    cloud = replace(plain.engines["cloud"], base_url=pair.gemini.url, parallel=PARALLEL, queue_limit=1000)
    return replace(
        plain,
        engines=plain.engines | {"local": local, "cloud": cloud},
        agents={"ada": Agent(policy="cloud"), "writer": Agent(policy="prefer-cloud"), "scout": Agent(policy="local")},
        budgets=(Budget(limit_usd=Decimal(1_000_000), window="total", on_exceeded="refuse"),),
        cache=replace(plain.cache, semantic=False),
        telemetry=replace(plain.telemetry, gpu=False, interval_s=5.0),
    )


async def send(core: Core, pair: Twins, requests: int, dice: random.Random) -> None:
    """PARALLEL callers at a time."""
    left = iter(range(requests))
    pair.ollama.behaviour = replace(pair.ollama.behaviour, parallel=16)
    pair.gemini.behaviour = replace(pair.gemini.behaviour, tokens_per_s=TOKENS_PER_S)

    async def caller() -> None:
        for number in left:
            if dice.random() < ODD_SHARE:
                twin = dice.choices((pair.gemini, pair.ollama), (9, 1))[0]
                twin.inject(dice.choice(ODD if twin is pair.gemini else ODD[:5]))
            await _ask(core, _request(number, dice), dice)

    async with asyncio.TaskGroup() as group:
        for _ in range(PARALLEL):
            group.create_task(caller())


def _request(number: int, dice: random.Random) -> Request:
    kind = dice.random()
    text = f"Say hello to guest {number}"
    if kind > 0.9:
        text = f"Say hello to guest {dice.randrange(20)}"  # asked before, by many at once
    system = (Message(role="system", text=SHARED),) if dice.random() < 0.3 else ()
    return Request(
        id=new_id(),
        agent=dice.choices(("ada", "writer", "scout"), (5, 3, 2))[0],
        messages=(*system, Message(role="user", text=text)),
        sampling=Sampling(max_tokens=dice.choice((None, 20, 200)), thinking_budget=dice.choice((None, 0, 0))),
        deadline_s=60.0,
    )


async def _ask(core: Core, request: Request, dice: random.Random) -> None:
    """Hear it to its end, or leave: before the first word, after some, or at any turn of the loop."""
    how = dice.random()
    if how < 0.04:
        asking = asyncio.create_task(_hear(core, request, None))
        for _ in range(dice.randrange(60)):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking})
        return
    await _hear(core, request, dice.randrange(4) if how < 0.12 else None)


async def _hear(core: Core, request: Request, words: int | None) -> None:
    try:
        async with aclosing(core.ask(request)) as chunks:
            async for chunk in chunks:
                if words is not None and isinstance(chunk, Delta):
                    words -= 1
                    if words <= 0:
                        return
    except ClawError:
        return  # refused: no engine was called


def compare(ledger: Path, pair: Twins) -> dict[str, Any]:
    """The ledger's calls against the twins' records."""
    db = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    rows = db.execute("SELECT attempts, attempts_estimated, cost_usd, cache, finish, notes FROM requests").fetchall()
    charged = {id: Decimal(usd) for id, usd in db.execute("SELECT id, usd FROM charges")}
    spent = sum(charged.values(), Decimal(0))
    db.close()
    calls = [
        (call, estimated)
        for attempts, marks, *_ in rows
        for call, estimated in zip(json.loads(attempts), json.loads(marks), strict=True)
    ]
    cloud = [(call, estimated) for call, estimated in calls if call["engine"] == "cloud"]
    told = [record for record in pair.gemini.usage.calls if record.end != "refused"]
    records = Counter((one.model, one.input, one.output, one.thinking, one.cached, one.usd) for one in told)
    reported = Counter(_counts(call) for call, estimated in cloud if not estimated and _billed(call))
    left = records - reported
    sure = sum((Decimal(call["cost_usd"]) for call, estimated in cloud if not estimated), Decimal(0))
    return {
        "requests with a row": len(rows),
        "from the cache": sum(row[3] == "exact" for row in rows),
        "cancelled": sum(row[4] == "cancelled" for row in rows),
        "flagged": sum(row[5] != "[]" for row in rows),
        "cloud calls, ledger": len(cloud),
        "cloud calls, twin": len(pair.gemini.usage.calls),
        "local calls, ledger": len(calls) - len(cloud),
        "local calls, twin": len(pair.ollama.usage.calls),
        "reported calls": reported.total(),
        "reported calls without an equal record": (reported - records).total(),
        "reported, ledger USD": f"{sure:f}",
        "reported, tokens": {name: sum(call["tokens"][name] for call, mark in cloud if not mark) for name in TOKENS},
        "estimated calls": sum(estimated for _, estimated in cloud),
        "records left over": left.total(),
        "left over, billed USD": sum((key[-1] * number for key, number in left.items()), Decimal(0)),
        "estimated, charged USD": spent - sure,
    }


def _billed(call: dict[str, Any]) -> bool:
    """A call that was refused has no counts."""
    return any(call["tokens"][name] for name in TOKENS)


def _counts(call: dict[str, Any]) -> tuple[Any, ...]:
    return (call["model"], *(call["tokens"][name] for name in TOKENS), Decimal(call["cost_usd"]))


if __name__ == "__main__":
    sys.exit(main())
