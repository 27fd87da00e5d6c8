"""What does the cache add to a request, and how long does a hit take, through the whole pipeline?

    python -m benchmarks.perf.cache_pipeline [--json] [--rounds N]

A core runs between the two twins, on uvloop, and commits its ledger rows. The time of a lookup is what the cache adds
to `ask`. The time of a request is from `ask` to its Done, with the row committed.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import uvloop
from msgspec.structs import replace

from backends.bootstrap.build import build
from backends.cache.response_cache import ResponseCache
from backends.cache.stored_answer import CacheHit
from backends.identity import new_id
from backends.paths import Paths
from backends.rehearsal.process import twins
from backends.settings.model import Settings
from backends.types import Message, Request


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.perf.cache_pipeline", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=300)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as home, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(measure(Path(home), arguments.rounds))
    if arguments.json:
        print(json.dumps(figures, indent=1))
    else:
        for name, each in figures.items():
            print(f"{name:<46} p50 {each['p50_ms']:7.3f} ms   p99 {each['p99_ms']:7.3f} ms   n {each['n']:.0f}")
    return 0


async def measure(home: Path, rounds: int) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = {}
    for semantic in (False, True):
        paths = Paths.find(environ={"CLAW_HOME": str(home / str(semantic))})
        async with twins() as pair:
            settings = Settings()
            local = replace(settings.engines["local"], base_url=pair.ollama.url)
            cloud = replace(settings.engines["cloud"], base_url=pair.gemini.url)
            cache = replace(settings.cache, semantic=semantic, recheck=0.0)
            settings = replace(settings, engines=settings.engines | {"local": local, "cloud": cloud}, cache=cache)
            async with build(settings, paths, keys={"cloud": "twin"}) as built, timed_lookups() as lookups:
                core = built.core
                while (await core.snapshot()).cache.semantic == "loading":  # noqa: ASYNC110 — a benchmark may look
                    await asyncio.sleep(0.1)
                name = "semantic tier on" if semantic else "exact tier alone"
                whole = [await timed(core, text) for text in prompts(rounds)]
                figures[f"{name}: miss, look-up"] = spread(lookups)
                figures[f"{name}: miss, whole, at the twin"] = spread(whole)
                lookups.clear()
                whole = [await timed(core, text) for text in prompts(rounds)]
                figures[f"{name}: exact hit, look-up"] = spread(lookups)
                figures[f"{name}: exact hit, whole, row committed"] = spread(whole)
                assert (await core.snapshot()).cache.exact_hits == rounds
    return figures


def prompts(count: int) -> list[str]:
    return [f"Write a short poem about the colour of house number {number}." for number in range(count)]


@asynccontextmanager
async def timed_lookups() -> AsyncIterator[list[float]]:
    """The seconds of each look-up, in a list that grows."""
    took: list[float] = []
    lookup = ResponseCache.lookup

    async def timed_lookup(cache: ResponseCache, request: Request, *, model_class: str) -> CacheHit | None:
        began = time.perf_counter()
        try:
            return await lookup(cache, request, model_class=model_class)
        finally:
            took.append(time.perf_counter() - began)

    with patch.object(ResponseCache, "lookup", timed_lookup):
        yield took


async def timed(core: Any, text: str) -> float:
    request = Request(id=new_id(), agent="writer", engine="local", messages=(Message(role="user", text=text),))
    began = time.perf_counter()
    async with aclosing(core.ask(request)) as chunks:
        async for _ in chunks:
            pass
    return time.perf_counter() - began


def spread(took: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(took, n=100)
    return {"p50_ms": statistics.median(took) * 1e3, "p99_ms": cuts[98] * 1e3, "n": float(len(took))}


if __name__ == "__main__":
    sys.exit(main())
