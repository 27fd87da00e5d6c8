"""Does the ledger stay true, and private text at home, while everything fails at once?

    python -m benchmarks.chaos [--requests 20000] [--kills 50] [--seed 1] [--data ../shared/data] [--json]

Eleven agents ask over HTTP a core in a process of its own, with two local and two cloud engines, all of them twins.
Meanwhile calls meet every kind of fault that the twins know, engines fall into named incidents, the network goes, the
wall clock jumps, the disk fills up, consoles are attached and lose their terminal, and the core is killed with SIGKILL
and started again. All of it follows from the seed, but for what the machine's speed decides. In the end the ledger is
held against what callers heard and what the twins counted. Exit code 0 if every line that must be 0 is.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random

from msgspec.structs import replace

from backends.background import background
from backends.self_test.callers import Heard, ask_all
from backends.self_test.invariants import Compared, Limit, compare, files_with
from backends.self_test.observer import Observer
from backends.self_test.posted_traffic import CANARY
from backends.self_test.stand import Stand, stand
from benchmarks.evaluation.rehearsed_core import Machine
from benchmarks.resilience.agent_traffic import agent_traffic
from benchmarks.resilience.disturbances import Disturbances, SmallDisk, small_disk

PARALLEL = 32
TOKENS_PER_S = 3_000.0
STRIKE_S, LASTING_S = 0.12, (1.0, 4.0)
LIMITS = (Limit("", Decimal(1_000)), Limit("coding", Decimal("0.25")))
SETTINGS = """
[agents.ada]
policy = "cloud"
[agents.writer]
policy = "prefer-cloud"
[agents.intel]
engines = ["backup", "gpu"]
[agents.claw]
engines = ["gpu", "local"]
[agents.script]
policy = "prefer-local"
[ledger]
on_unwritable = "serve"
spill_bytes = 1048576
""" + "".join(
    f"""
[[budgets]]
scope = "{f"agent:{limit.agent}" if limit.agent else "all"}"
window = "total"
limit_usd = "{limit.usd:f}"
on_exceeded = "refuse"
"""
    for limit in LIMITS
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="recorded bodies and sessions; without it, shapes of our own")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = asyncio.run(
            measure(Path(home), requests=args.requests, kills=args.kills, seed=args.seed, data=args.data)
        )
    if args.json:
        print(json.dumps({"must be 0": found.must_be_zero, **found.figures, "details": found.details}, default=str))
    else:
        for name, value in found.figures.items():
            print(f"{name}: {value}")
        print("\nmust be 0")
        for name, number in found.must_be_zero.items():
            print(f"{'' if not number else '! '}{name:<70}{number!s:>14}")
        print(*found.details, sep="\n")
    return 0 if found.holds else 1


async def measure(home: Path, *, requests: int, kills: int, seed: int, data: Path | None = None) -> Compared:
    began = time.monotonic()
    async with (
        small_disk(home) as disk,
        stand(home, SETTINGS, modules=home / "machine", tokens_per_s=TOKENS_PER_S, first_byte_s=2.0, idle_s=1.5) as it,
    ):
        machine, dice = Machine(home / "machine"), Random(seed)
        disturbing, observer = Disturbances(it, machine, dice, disk=disk), Observer(it, LIMITS, (CANARY,))
        callers = Callers(requests, kills)
        await it.start()
        plans = islice(await asyncio.to_thread(agent_traffic, seed, data), requests)
        async with (
            background(strikes(disturbing), lasting(disturbing, dice), observer.run()),
            asyncio.TaskGroup() as group,
        ):
            group.create_task(callers.kill(disturbing))
            await ask_all(it, plans, parallel=PARALLEL, tell=callers.tell)
        machine.put(jumped_s=0.0)
        code = await calm_end(it, disk)
        observer.look()
        compared = await asyncio.to_thread(compare, it.ledger, it.twins, heard=callers.heard, limits=LIMITS)
        kept = await asyncio.to_thread(files_with, CANARY, home)
    extra: dict[str, Decimal | int] = {
        "sensitive requests that a cloud twin heard of": observer.leaked,
        "USD over a budget at any look": observer.over,
        "files with a sensitive prompt in them": len(kept),
        "exit code of the last two cores": code,
        "tracebacks on stderr": sum("Traceback" in line for line in it.lines),
    }
    figures = {
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        "disturbances": dict(sorted(disturbing.counts.items())),
        "disk": "a file system of its own" if disk else "not filled: this needs the right to mount one",
        "starts refused": dict(disturbing.failed_starts),
    }
    details = (*compared.details, *kept)
    return replace(
        compared, must_be_zero=compared.must_be_zero | extra, figures=figures | compared.figures, details=details
    )


class Callers:
    """What callers heard so far. The core is killed as often as asked, spread evenly over the requests."""

    def __init__(self, requests: int, kills: int) -> None:
        self.heard: list[Heard] = []
        self._due = [requests * number // (kills + 1) for number in range(1, kills + 1)]
        self._more = asyncio.Event()

    def tell(self, heard: Heard) -> None:
        self.heard.append(heard)
        self._more.set()

    async def kill(self, disturbing: Disturbances) -> None:
        for due in self._due:
            while len(self.heard) < due:
                self._more.clear()
                await self._more.wait()
            await disturbing.kill()


async def strikes(disturbing: Disturbances) -> None:
    while True:
        await disturbing.strike()
        await asyncio.sleep(STRIKE_S)


async def lasting(disturbing: Disturbances, dice: Random) -> None:
    """One thing after the other that lasts a while, with pauses as long."""
    while True:
        await asyncio.sleep(dice.uniform(*LASTING_S) / 2)
        await dice.choice(disturbing.others())(dice.uniform(*LASTING_S))


async def calm_end(it: Stand, disk: SmallDisk | None) -> int:
    """End the core, and another one, which settles what is left; the exit code of both is 0, else the first other."""
    it.mend()
    if disk is not None:
        await disk.release()
    code = await it.end()
    await it.start()
    return code or await it.end()


if __name__ == "__main__":
    sys.exit(main())
