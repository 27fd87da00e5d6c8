"""What does the console cost, compared with the smallest Textual app?

    python -m benchmarks.perf.console [--runs 9] [--seconds 12] [--rate 200] [--json]

Both run in pseudo-terminals, in turns where a time is measured, so that a busy machine burdens both. The console is
attached to a core whose engines are twins. It is measured at rest, before any request, and under load while `--rate`
requests a second are answered by the core, mostly from the cache, on the same cores. Compile the bytecode first
(`python -m compileall -q backends console`), or the first paint includes the compiler. At rest the clock and the
time axes are drawn on the minute, about 2.7 kB: a span of rest that crosses one has them in its bytes.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.evaluation.ledger_accuracy import CLAW, Place, core, twins
from benchmarks.perf.pseudo_terminal import keys, rounded, terminal

FLOOR = """
from textual.app import App
from textual.widgets import Input, Static

class Floor(App):
    def compose(self):
        yield Static("ready")
        box = Input()
        box.cursor_blink = False
        yield box

Floor().run()
"""
SETTINGS = "[cache]\nsemantic = false\n[telemetry]\ngpu = false\n"
SETTLING_S = 4.0
CHAT = "6"
"""The key of the chat."""

PROMPTS = 3
"""Different ones under load: the others are answered from the cache, so that the cores are left to the console."""

AGENTS = ("scout", "writer", "intel")


class Load:
    """Sends requests at a rate from a thread until `stop`; at most 64 at once, so a slow core is asked less often."""

    def __init__(self, url: str, rate: float) -> None:
        self.answered = self.refused = 0
        self._url, self._rate = url, rate
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._send()))

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    async def _send(self) -> None:
        import aiohttp

        begun, sent = time.monotonic(), 0
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session,
            asyncio.TaskGroup() as group,
        ):
            running: set[asyncio.Task[None]] = set()
            while not self._stopped.is_set():
                if len(running) < 64:
                    task = group.create_task(self._one(session, sent))
                    running.add(task)
                    task.add_done_callback(running.discard)
                sent += 1
                await asyncio.sleep(max(0.0, begun + sent / self._rate - time.monotonic()))

    async def _one(self, session: Any, number: int) -> None:
        prompt = f"What is {number % PROMPTS} plus four?"
        body = {"model": "auto", "temperature": 0, "messages": [{"role": "user", "content": prompt}]}
        headers = {"x-claw-agent": AGENTS[number % len(AGENTS)]}
        async with session.post(f"{self._url}/v1/chat/completions", json=body, headers=headers) as answer:
            await answer.read()
            if answer.status == 200:
                self.answered += 1
            else:
                self.refused += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9, help="first paints of each")
    parser.add_argument("--seconds", type=float, default=12.0, help="of rest, and of load")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second under load")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, twins() as stage, core(stage, Path(home), settings=SETTINGS) as place:
        found = measure(place, runs=args.runs, seconds=args.seconds, rate=args.rate)
    found["load of the machine"] = round(os.getloadavg()[0], 2)
    print(json.dumps(found) if args.json else "\n".join(f"{name:<44} {value}" for name, value in found.items()))
    return 0


def measure(place: Place, *, runs: int, seconds: float, rate: float) -> dict[str, object]:
    claw, floor = [*CLAW, "--attach", str(place.socket)], [sys.executable, "-c", FLOOR]
    pairs = [(first_paint(claw, place.env, "Runtime"), first_paint(floor, place.env, "ready")) for _ in range(runs)]
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    found: dict[str, object] = {
        "first paint, × floor: median, least, most": rounded(statistics.median(ratios), ratios[0], ratios[-1]),
    }
    with terminal(floor, place.env) as least, terminal(claw, place.env) as console:
        console.painted("Runtime")
        least.read_for(SETTLING_S)
        console.read_for(SETTLING_S)
        console.send("\x1b")  # the card of the first run
        console.read_for(SETTLING_S)
        rest = console.cost(seconds)  # before the floor, or what it writes meanwhile would count, too
        bare = least.cost(seconds)
        found["at rest: CPU %, floor's"] = rounded(rest["cpu_pct"], bare["cpu_pct"])
        found["at rest: bytes a second"] = round(rest["bytes_s"])
        found["resident, × floor, MB"] = rounded(rest["rss_mb"] / bare["rss_mb"], rest["rss_mb"])
        console.read_for(SETTLING_S)
        with Load(place.url, rate) as load:
            console.read_for(SETTLING_S)
            answered, begun = load.answered, time.monotonic()
            busy = console.cost(seconds)
            found["under load: answers a second, refused"] = (
                round((load.answered - answered) / (time.monotonic() - begun)),
                load.refused,
            )
            found["under load: CPU %"] = rounded(busy["cpu_pct"])
            found["under load: bytes a second"] = round(busy["bytes_s"])
            found["under load: resident, × floor, MB"] = rounded(busy["rss_mb"] / bare["rss_mb"], busy["rss_mb"])
            console.send(CHAT)
            console.read_for(1.0)
            found["under load: key p50, p99 ms, lost of 100"] = rounded(*keys(console, 100))
    return found


def first_paint(command: Sequence[str], env: dict[str, str], text: str) -> float:
    with terminal(command, env) as opened:
        return opened.painted(text)


if __name__ == "__main__":
    sys.exit(main())
