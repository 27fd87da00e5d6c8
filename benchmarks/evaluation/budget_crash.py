"""Does a hard budget hold while the core is killed again and again?

    python -m benchmarks.evaluation.budget_crash [--rounds 20] [--parallel 500] [--json]

Twins in a process of their own keep the bill. A core runs between them with a budget far below the demand. In each
round `--parallel` callers ask the cloud at once, over HTTP, streamed and not. In all rounds but the last the core is
killed with SIGKILL at a random moment and started again on the same ledger. In the end, neither the twins' bill nor the
budget's charges may exceed the limit. Exit code 0 if they do not.
"""

import argparse
import asyncio
import json
import os
import random
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import Struct

from benchmarks.evaluation.ledger_accuracy import counts, twins

LIMIT_USD = Decimal("0.20")
ANSWER_TOKENS = 60
SETTINGS = """
[[budgets]]
scope = "SCOPE"
window = "total"
limit_usd = "LIMIT"
on_exceeded = "refuse"
[engines.cloud]
parallel = 64
queue_limit = 2000
[cache]
exact = false
semantic = false
[telemetry]
gpu = false
"""
CLAW = (sys.executable, "-m", "console.entry")
START_S, ROUND_S = 60.0, 120.0


class Place(Struct, frozen=True):
    """Where the core's files are, and the environment it is started in."""

    home: Path
    env: dict[str, str]

    @property
    def ledger(self) -> Path:
        return self.home / "state" / "ledger.db"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--parallel", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    with twins() as stage, tempfile.TemporaryDirectory() as home:
        found = asyncio.run(measure(stage, Path(home), rounds=args.rounds, parallel=args.parallel, seed=args.seed))
    if args.json:
        print(json.dumps(found, default=str))
    else:
        for name, value in found.items():
            print(f"{name:<44}{value!s:>40}")
    return 0 if found["overrun USD"] == 0 and not found["faults in the ledger"] else 1


async def measure(
    stage: dict[str, str],
    home: Path,
    *,
    rounds: int,
    parallel: int,
    seed: int,
    limit: Decimal = LIMIT_USD,
    scope: str = "engine:cloud",
) -> dict[str, Any]:
    """Play the rounds and hold the bill against the limit of a budget of this scope; all calls are of one session."""
    dice = random.Random(seed)
    place = Place(home, _environment(stage, home))
    settings = SETTINGS.replace("LIMIT", f"{limit:f}").replace("SCOPE", scope)
    await asyncio.to_thread((home / "claw.toml").write_text, settings, encoding="utf-8")
    statuses: Counter[str] = Counter()
    for number in range(rounds):
        last = number == rounds - 1
        async with core(place) as (process, url):
            asking = asyncio.create_task(ask_all(url, parallel, number))
            if last:
                statuses += await asyncio.wait_for(asking, ROUND_S)
                continue
            await asyncio.sleep(dice.uniform(0.02, 5.0))
            process.kill()
            statuses += await asyncio.wait_for(asking, ROUND_S)
    async with core(place):  # settles what the last one left, if it left anything
        pass
    return await asyncio.to_thread(compare, place, stage, statuses, limit)


def _environment(stage: dict[str, str], home: Path) -> dict[str, str]:
    return os.environ | {
        "CLAW_HOME": str(home),
        "OLLAMA_HOST": stage["local_url"],
        "CLAW_GEMINI_BASE_URL": stage["cloud_url"],
        "GEMINI_API_KEY": "twin",
    }


@asynccontextmanager
async def core(place: Place) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A core of its own process that says where it listens."""
    process = await asyncio.create_subprocess_exec(
        *CLAW, "serve", "--port", "0", env=place.env, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr
    try:
        ready = await asyncio.wait_for(process.stderr.readline(), START_S)
        assert ready.startswith(b"ready "), ready.decode()
        yield process, ready.decode().split()[-1]
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), START_S)


async def ask_all(url: str, parallel: int, number: int) -> Counter[str]:
    """How each call ended: its HTTP status, or "gone" where the core went away."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(ROUND_S)) as session:
        return Counter(
            await asyncio.gather(*(_ask(session, url, f"{number}-{index}", index) for index in range(parallel)))
        )


async def _ask(session: aiohttp.ClientSession, url: str, name: str, index: int) -> str:
    body = {
        "model": "cloud",
        "stream": index % 2 == 0,
        "max_tokens": ANSWER_TOKENS,
        "messages": [{"role": "user", "content": f"Say hello to guest {name}"}],
    }
    try:
        headers = {"X-Claw-Session": "loop"}
        async with session.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
            await answer.read()
            return str(answer.status)
    except (aiohttp.ClientError, ConnectionError):
        return "gone"


def compare(place: Place, stage: dict[str, str], statuses: Counter[str], limit: Decimal) -> dict[str, Any]:
    from backends.ledger.integrity_check import find_faults
    from backends.ledger.sqlite_connection import connect_read_only

    bill = Decimal(counts(stage["cloud_url"])["usd"])
    db = connect_read_only(place.ledger)
    charged = sum((Decimal(usd) for (usd,) in db.execute("SELECT usd FROM charges")), Decimal(0))
    open_calls = db.execute("SELECT count(*) FROM admissions").fetchone()[0]
    rows = db.execute("SELECT count(*) FROM requests").fetchone()[0]
    found = list(find_faults(db, core_runs=False))
    db.close()
    return {
        "SQLite": sqlite3.sqlite_version,
        "asked": statuses.total(),
        "how they ended": dict(statuses.most_common()),
        "rows": rows,
        "calls left open": open_calls,
        "limit USD": limit,
        "charged USD": charged,
        "billed USD": bill,
        "overrun USD": max(Decimal(0), max(bill, charged) - limit),
        "faults in the ledger": found,
    }


if __name__ == "__main__":
    sys.exit(main())
