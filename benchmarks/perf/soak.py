"""Do core and console stay small, and does the ledger stay complete, over half an hour of traffic of eleven agents?

    python -m benchmarks.perf.soak [--minutes 30] [--json]

The twins, with the small model behind the local one, run in a process of their own. A core answers from them, the
agents' traffic arrives over its socket, and a console is attached in a pseudo-terminal; a second one is attached at
half-time. The resident memory of both is read every half minute. In the end each call that the twins counted must be
one attempt in the ledger, and each request a row. Exit code 0 if none is missing.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, cast

import pexpect
import psutil

from backends.core.api import Core
from backends.core.remote import RemoteCore
from backends.rehearsal.traffic import play
from backends.types import Chunk, Request
from benchmarks.evaluation.ledger_accuracy import CLAW, Place, core, counts, query, twins

SETTINGS = "budgets = []\n"
EVERY_S = 30.0
SETTLING_S = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = soak(Path(home), args.minutes * 60)
    if args.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:<28} {value}")
    whole = found["calls in the ledger"] == found["calls at the twins"] and found["rows"] == found["requests sent"]
    return 0 if whole else 1


def soak(home: Path, seconds: float) -> dict[str, Any]:
    with twins(small_model=True) as stage, core(stage, home, settings=SETTINGS) as place:
        player = Player(place)
        player.start()
        samples = watch(place, seconds / 2) + watch(place, seconds / 2)
        player.stop()
        told = {name: counts(stage[f"{name}_url"]) for name in ("local", "cloud")}
        attempts, rows = ledger(place)
    return {
        "minutes": seconds / 60,
        "requests sent": player.sent,
        "rows": rows,
        "calls at the twins": sum(sum(twin["calls"].values()) for twin in told.values()),
        "calls in the ledger": attempts.total(),
        "how they ended, twins": {name: twin["calls"] for name, twin in told.items()},
        "how they ended, ledger": {f"{engine} {end}": number for (engine, end), number in attempts.items()},
        "core MB, first and last": [samples[0][0], samples[-1][0]],
        "console MB, first and last": [samples[0][1], samples[-1][1]],
        "core, second over first half": round(mean(samples, 2) / mean(samples, 1), 3),
    }


class Player(threading.Thread):
    """The agents, in a loop of their own; `sent` counts requests that were admitted."""

    def __init__(self, place: Place) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self._core = RemoteCore(place.socket)
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()

    def run(self) -> None:
        self._loop.run_until_complete(self._play())

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self.join()

    async def _play(self) -> None:
        playing = asyncio.create_task(play(cast(Core, self), seed=7))
        await self._ending.wait()
        playing.cancel()
        await asyncio.wait({playing})
        while (await self._core.snapshot()).in_flight:  # noqa: ASYNC110 — another process's state
            await asyncio.sleep(0.2)

    async def ask(self, request: Request) -> AsyncGenerator[Chunk]:
        """The core's own, counted."""
        async with aclosing(self._core.ask(request)) as chunks:
            admitted = False
            async for chunk in chunks:
                self.sent += not admitted
                admitted = True
                yield chunk


def watch(place: Place, seconds: float) -> list[tuple[int, int]]:
    """Attach a console, read (core's MB, console's MB) every half minute, detach."""
    console = pexpect.spawn(CLAW[0], CLAW[1:], env=place.env, dimensions=(60, 200), timeout=30)
    samples: list[tuple[int, int]] = []
    end = time.monotonic() + seconds
    due = time.monotonic() + EVERY_S / 2
    while time.monotonic() < end:
        with suppress(pexpect.TIMEOUT):
            console.read_nonblocking(65536, timeout=0.5)
        if time.monotonic() >= due:
            samples.append((resident(place.pid), resident(console.pid)))
            due += EVERY_S
    console.send("\x11")
    console.expect(pexpect.EOF)
    console.close()
    time.sleep(SETTLING_S)
    return samples


def resident(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss / 1e6)


def mean(samples: list[tuple[int, int]], half: int) -> float:
    """Of the core's memory, in the first or second half of the samples."""
    middle = len(samples) // 2
    part = samples[:middle] if half == 1 else samples[middle:]
    return sum(core for core, _ in part) / len(part)


def ledger(place: Place) -> tuple[Counter[tuple[str, str]], int]:
    """Attempts by engine and end, and the number of rows."""
    texts = [text for (text,) in query(place, "SELECT attempts FROM requests_v1")]
    each = [attempt for text in texts for attempt in json.loads(text)]
    return Counter((attempt["engine"], (attempt["error"] or "answered")[:60]) for attempt in each), len(texts)


if __name__ == "__main__":
    sys.exit(main())
