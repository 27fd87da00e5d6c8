"""Ten times the load that the core can serve: does it go on serving what it can, and say no quickly to the rest?

    python -m benchmarks.resilience.overload [--seconds 600] [--json]

Once where the engines are the limit (two local ones with four places each), once where the core's own processor is (two
cloud engines with room for more than it can prepare). Closed loops of ever more callers find the most answers a second;
then ten times as many requests a second arrive, half of `--seconds` in each case, from a process of its own. Beside it
somebody chats over the control socket, before and during the flood. Exit code 0 if goodput is at least 90 % of its
peak, refusals come within 50 ms at p99, chat's p99 is at most twice what it was, and memory ends where it was. Where
the processor is the limit, goodput is answers by second of the core's own time, since everything here shares a machine.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psutil

from backends.background import background
from backends.core.remote import RemoteCore
from backends.identity import new_id
from backends.paths import Paths
from backends.self_test.stand import Stand, stand
from backends.types import Done, Message, Request, Sampling
from benchmarks.resilience.load_generator import AGENTS, Load, Told, generate

TIMES = 10
CALLERS, PEAK_S = (16, 48, 96), 4.0
CHATS, CHAT_TOKENS, QUIET_CHATS = 2, 20, 60
SETTLE_S = 2.0
"""At either end of the flood, which does not count."""

LEAST_GOODPUT, MOST_REFUSAL_MS, MOST_CHAT, MOST_MEMORY = 0.9, 50.0, 2.0, 1.1
CASES = {"engines": ("local", 80.0), "core": ("cloud", 1_000.0)}
"""By what is the limit: every agent's policy, and the twins' tokens a second."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0, help="of the flood, both cases together")
    parser.add_argument("--case", choices=CASES, help="only where this is the limit")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    found = {}
    for case in [args.case] if args.case else CASES:
        with tempfile.TemporaryDirectory() as home:
            found[case] = asyncio.run(measure(Path(home), case, args.seconds / len(CASES)))
    if args.json:
        print(json.dumps(found))
    else:
        for case, figures in found.items():
            print(f"the limit: {case}", *(f"    {name:<44}{value!s:>28}" for name, value in figures.items()), sep="\n")
    return 0 if all(holds(case, figures) for case, figures in found.items()) else 1


def holds(case: str, figures: dict[str, Any]) -> bool:
    goodput = figures["answers a CPU second, of their peak" if case == "core" else "goodput, of its peak"]
    met = (
        goodput >= LEAST_GOODPUT,
        figures["refusals, p99 ms"] <= MOST_REFUSAL_MS,
        figures["chat p99, of the unloaded"] <= MOST_CHAT,
        figures["memory at the end, of a third in"] <= MOST_MEMORY,
    )
    return all(met)


async def measure(home: Path, case: str, seconds: float) -> dict[str, Any]:
    policy, tokens_per_s = CASES[case]
    settings = "".join(f'[agents.{agent}]\npolicy = "{policy}"\n' for agent in (*AGENTS, "chat"))
    async with stand(home, settings, tokens_per_s=tokens_per_s) as it:
        await it.start()
        peak = peak_per_cpu_s = 0.0
        for at_once in CALLERS:
            before = cpu_s(it)
            told = await generate(Load(it.url, PEAK_S, at_once=at_once))
            first = min(one.at for one in told)
            peak = max(peak, answers_a_second(told, first, first + PEAK_S))
            peak_per_cpu_s = max(peak_per_cpu_s, sum(one.status == 200 for one in told) / (cpu_s(it) - before))
        chat = Chat(it)
        await chat.ask(QUIET_CHATS)
        quiet, memory = sorted(one.seconds for one in chat.told), list[float]()
        chat.told.clear()
        before = cpu_s(it)
        async with background(*(chat.go_on() for _ in range(CHATS)), watch_memory(it, memory)):
            told = await generate(Load(it.url, seconds, rate=TIMES * peak))
        took = cpu_s(it) - before
        loud = sorted(one.seconds for one in chat.told)
        await it.end()
    first, last = min(one.at for one in told) + SETTLE_S, max(one.at for one in told) - SETTLE_S
    inside = [one for one in told if one.at >= first and one.at <= last]
    goodput = answers_a_second([*told, *chat.told], first, last)
    per_cpu_s = sum(one.status == 200 for one in (*told, *chat.told)) / took
    refused = sorted(one.seconds * 1000 for one in inside if one.status not in (0, 200))
    return {
        "peak, answers a second": round(peak, 1),
        "offered, requests a second": round(len(inside) / (last - first), 1),
        "goodput, answers a second": round(goodput, 1),
        "goodput, of its peak": round(goodput / peak, 3),
        "answers a CPU second, of their peak": round(per_cpu_s / peak_per_cpu_s, 3),
        "how they ended": dict(Counter(f"{one.status} {one.why}".strip() for one in inside).most_common()),
        "refusals, p50 ms": round(at(refused, 0.5), 1),
        "refusals, p99 ms": round(at(refused, 0.99), 1),
        "answers, p99 ms": round(at(sorted(one.seconds * 1000 for one in inside if one.status == 200), 0.99), 1),
        "chat p50, p99 ms, unloaded": [round(at(quiet, share) * 1000, 1) for share in (0.5, 0.99)],
        "chat p50, p99 ms, loaded": [round(at(loud, share) * 1000, 1) for share in (0.5, 0.99)],
        "chats that were not answered": sum(one.status != 200 for one in chat.told),
        "chat p99, of the unloaded": round(at(loud, 0.99) / at(quiet, 0.99), 2),
        "memory MB, first and most": [round(memory[0]), round(max(memory))],
        "memory at the end, of a third in": round(memory[-1] / memory[len(memory) // 3], 3),
    }


def answers_a_second(told: Sequence[Told], first: float, last: float) -> float:
    """Those that ended between these two moments."""
    return sum(one.status == 200 and first <= one.at + one.seconds <= last for one in told) / (last - first)


class Chat:
    """Somebody who chats over the control socket; a status that is not 200 is an answer that failed."""

    def __init__(self, it: Stand) -> None:
        self._core = RemoteCore(Paths.find(environ={"CLAW_HOME": str(it.home)}).socket)
        self.told: list[Told] = []

    async def ask(self, times: int) -> None:
        for _ in range(times):
            began, status = time.monotonic(), 0
            request = Request(
                id=new_id(),
                agent="chat",
                source="chat",
                messages=(Message(role="user", text=f"What follows from {new_id()}, in one sentence?"),),
                sampling=Sampling(max_tokens=CHAT_TOKENS),
                cache=False,
            )
            async with aclosing(self._core.ask(request)) as chunks:
                async for chunk in chunks:
                    if isinstance(chunk, Done) and chunk.outcome.finish in ("stop", "length"):
                        status = 200
            self.told.append(Told(began, time.monotonic() - began, status))

    async def go_on(self) -> None:
        while True:
            await self.ask(1)


def cpu_s(it: Stand) -> float:
    """Seconds of the processor that the core has used."""
    times = psutil.Process(it.pid).cpu_times()
    return float(times.user + times.system)


async def watch_memory(it: Stand, memory: list[float]) -> None:
    """Resident MB (10^6 bytes), each second."""
    core = psutil.Process(it.pid)
    while True:
        memory.append(core.memory_info().rss / 1e6)
        await asyncio.sleep(1.0)


def at(times: list[float], share: float) -> float:
    return times[int(share * (len(times) - 1))] if times else 0.0


if __name__ == "__main__":
    sys.exit(main())
