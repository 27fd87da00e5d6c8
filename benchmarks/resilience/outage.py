"""One engine is down from one moment to the next: who is answered by the other, and what does it cost them?

    python -m benchmarks.resilience.outage [--requests 4000] [--json]

Two agents take turns at a core between the twins: one that would rather have the engine that goes down, and one that
may only use the other. The difference of their times is what the outage adds, on whatever machine this runs. Once for
each of the two engines. Exit code 0 if 99.9 % are answered and no more than 5 ms are added at p99.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backends.self_test.callers import Heard, Posted, ask_all
from backends.self_test.stand import stand

PARALLEL, WARM_UP = 4, 100
OPENED_S = 2.0
"""After which the breaker has opened; who is answered counts from the first moment on."""

LEAST_ANSWERED, MOST_ADDED_MS = 0.999, 5.0
DIRECTIONS = {"cloud": ("prefer-cloud", "local"), "local": ("prefer-local", "cloud")}
"""By the engine that goes down: the policy of who would rather have it, and the engine that is left."""

SETTINGS = """
[agents.ada]
policy = "{policy}"
engines = ["local", "cloud"]
[agents.writer]
policy = "{left}"
engines = ["{left}"]
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=4_000, help="of both agents together, in each direction")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    found = {}
    for down in DIRECTIONS:
        with tempfile.TemporaryDirectory() as home:
            found[down] = asyncio.run(measure(Path(home), down, args.requests))
    if args.json:
        print(json.dumps(found))
    else:
        for down, figures in found.items():
            print(f"{down} is down", *(f"    {name:<42}{value!s:>12}" for name, value in figures.items()), sep="\n")
    met = (
        figures["share answered"] >= LEAST_ANSWERED and figures["added at p99, ms"] <= MOST_ADDED_MS
        for figures in found.values()
    )
    return 0 if all(met) else 1


async def measure(home: Path, down: str, requests: int, *, opened_s: float = OPENED_S) -> dict[str, Any]:
    """Times count of requests that began so long after the first one."""
    policy, left = DIRECTIONS[down]
    heard: list[Heard] = []
    async with stand(home, SETTINGS.format(policy=policy, left=left)) as it:
        await it.start()
        await ask_all(it, plans(range(WARM_UP)), parallel=PARALLEL, tell=heard.append)
        assert {each.end for each in heard} == {"answered"}, heard
        heard.clear()
        await it.twins[down].close()
        await ask_all(it, plans(range(WARM_UP, WARM_UP + requests)), parallel=PARALLEL, tell=heard.append)
    opened = min(each.at for each in heard) + opened_s
    other, control = ([each for each in heard if each.number % 2 == odd] for odd in (0, 1))
    late = [[each.seconds for each in side if each.at >= opened] for side in (other, control)]
    p50, p99 = ((at(late[0], share) - at(late[1], share)) * 1000 for share in (0.5, 0.99))
    return {
        "requests that would rather have it": len(other),
        "share answered": sum(each.end == "answered" for each in other) / len(other),
        "the longest before the breaker opened, ms": round(max(each.seconds for each in other) * 1000, 1),
        "p99 of who may only use the other, ms": round(at(late[1], 0.99) * 1000, 2),
        "added at p50, ms": round(p50, 2),
        "added at p99, ms": round(p99, 2),
    }


def plans(numbers: range) -> Iterator[Posted]:
    """The two agents by turns; no two ask the same."""
    for number in numbers:
        agent = ("ada", "writer")[number % 2]
        text = f"Explain step {number} of the plan to a colleague, in one sentence."
        body = {"model": "auto", "messages": [{"role": "user", "content": text}], "max_tokens": 20, "stream": False}
        yield Posted(number, body, {"X-Claw-Agent": agent, "Cache-Control": "no-store"}, leaves=False)


def at(times: list[float], share: float) -> float:
    return sorted(times)[int(share * (len(times) - 1))]


if __name__ == "__main__":
    sys.exit(main())
