"""What does the semantic tier cost beside its model: search, memory, loading, and delays of the event loop?

    python -m benchmarks.perf.cache_semantic [--json] [--seconds N] [--embedder auto|sentence-transformers|onnx]

The vectors are invented with MiniLM's spectrum (the 64 widest of 384 directions hold .55 of the squared length), in
clusters, so that a question has true neighbours. The floor is one f32 matrix product and numpy's partition. The loop's
delay is how much later than asked a 1 ms sleep returns, once with nothing else running and once while 50 prompts a
second are embedded for lookups.
"""

import argparse
import asyncio
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import uvloop

from backends.cache.response_cache import ResponseCache
from backends.cache.semantic import embedders
from backends.cache.semantic.embedders import Embedded
from backends.cache.semantic.partition_vectors import Vector
from backends.cache.semantic.vector_index import VectorIndex
from backends.clock import SystemClock
from backends.settings import cache as settings_cache
from benchmarks.perf.cache import answer, request

SIZES = (1_000, 10_000, 50_000, 100_000)
FLOOR, NEIGHBOURS = 0.8, 10
PART = b"p" * 32


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.perf.cache_semantic", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--embedder", default="auto")
    arguments = parser.parse_args(argv)
    figures: dict[str, Any] = {"look_ups": [look_ups(size) for size in SIZES]}
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures["load"] = runner.run(load(Path(folder) / "load.db", SIZES[-1]))
        figures["lag"] = runner.run(lag(Path(folder) / "lag.db", arguments.embedder, arguments.seconds))
    if arguments.json:
        print(json.dumps(figures, indent=1))
    else:
        print_table(figures)
    return 0


def print_table(figures: dict[str, Any]) -> None:
    for row in figures["look_ups"]:
        print(
            f"{row['size']:>7} vectors   look-up p50 {row['ours_ms']:6.3f} ms p99 {row['ours_p99_ms']:6.3f}   "
            f"numpy {row['numpy_ms']:6.3f}   found {row['found']} of {row['true']} neighbours   "
            f"{row['bytes']:.0f} bytes an entry"
        )
    took = figures["load"]
    print(f"load of {SIZES[-1]:,} from the file: {took['seconds']:.2f} s, {took['cpu_s']:.2f} s of CPU")
    for name, each in figures["lag"].items():
        p50, p99, most = each["p50_ms"], each["p99_ms"], each["max_ms"]
        print(f"loop lag {name:<10} p50 {p50:6.2f} ms   p99 {p99:6.2f}   max {most:6.2f}")


def made_up(size: int, seed: int) -> Vector:
    """Unit vectors: centres with MiniLM's spectrum, four questions around each."""
    rng = np.random.default_rng(seed)
    scale = 1 / np.sqrt(np.arange(embedders.DIMENSIONS) + 10.0)
    centres = rng.normal(size=(-(-size // 4), embedders.DIMENSIONS)) * scale
    found = np.repeat(centres, 4, axis=0)[:size] + rng.normal(size=(size, embedders.DIMENSIONS)) * scale * 0.4
    unit: Vector = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
    return unit


def look_ups(size: int) -> dict[str, float]:
    vectors = made_up(size, seed=size)
    keys = [number.to_bytes(8) + b"k" * 24 for number in range(size)]
    index = VectorIndex()
    index.load([(key, PART, Embedded(vector, 9).as_bytes(), 9, 0) for key, vector in zip(keys, vectors, strict=True)])
    index.learn()
    ours, numpy, found, true = [], [], 0, 0
    for asked in vectors[:: max(1, size // 300)]:
        began = time.perf_counter()
        near = index.nearest(PART, asked, floor=FLOOR, limit=NEIGHBOURS)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        cosines = vectors @ asked
        best = np.argpartition(cosines, -NEIGHBOURS)[-NEIGHBOURS:]
        numpy.append(time.perf_counter() - began)
        wanted = {keys[row] for row in best if cosines[row] >= FLOOR}
        true += len(wanted)
        found += len(wanted & {neighbour.key for neighbour in near})
    return {
        "size": size,
        "ours_ms": statistics.median(ours) * 1e3,
        "ours_p99_ms": statistics.quantiles(ours, n=100)[98] * 1e3,
        "numpy_ms": statistics.median(numpy) * 1e3,
        "found": found,
        "true": true,
        "bytes": index.nbytes / size,
    }


async def load(path: Path, size: int) -> dict[str, float]:
    """From a file of `size` vectors to the first look-up, without the model."""
    settings = settings_cache.Cache(max_bytes=2**40)
    cache = await ResponseCache.open(path, settings, clock=SystemClock())
    await cache.store(request("one"), answer(), model_class="auto")
    await cache.close()
    vectors = made_up(size, seed=1)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO meta VALUES ('embedder', 'made up')")
        db.executemany(
            "INSERT INTO vectors VALUES (?, ?, ?, ?, 9)",
            (
                (row, row.to_bytes(8) + b"k" * 24, PART, Embedded(vector, 9).as_bytes())
                for row, vector in enumerate(vectors, 10)
            ),
        )
    cache = await ResponseCache.open(path, settings, clock=SystemClock(), load_embedder=MadeUp)
    began, worked = time.perf_counter(), time.process_time()
    cache.start_semantic()
    while cache.stats().semantic == "loading":  # noqa: ASYNC110 — a benchmark may look
        await asyncio.sleep(0.001)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - worked
    assert cache.stats().vectors >= size
    await cache.close()
    return {"seconds": seconds, "cpu_s": cpu_s, "size": float(size)}


class MadeUp:
    model = "made up"
    floor = FLOOR

    def embed(self, texts: Any) -> list[embedders.Embedded]:
        return [embedders.Embedded(vector, 9) for vector in made_up(len(texts), seed=2)]


async def lag(path: Path, embedder: str, seconds: float) -> dict[str, dict[str, float]]:
    settings = settings_cache.Cache(embedder=embedder)
    cache = await ResponseCache.open(path, settings, clock=SystemClock())
    idle = await heartbeat(seconds / 2)
    cache.start_semantic()
    loading = asyncio.create_task(heartbeat(60, until=lambda: cache.stats().semantic != "loading"))
    loaded = await loading
    await cache.store(request("What is the first question?"), answer(), model_class="auto")
    while not cache.stats().vectors:  # noqa: ASYNC110 — a benchmark may look
        await asyncio.sleep(0.01)
    beating = asyncio.create_task(heartbeat(seconds))
    asks = []
    for number in range(int(50 * seconds)):
        text = f"How would question {number} about the queue of the local engine be answered by an engineer?"
        asks.append(asyncio.create_task(cache.lookup(request(text), model_class="auto")))
        await asyncio.sleep(1 / 50)
    await asyncio.gather(*asks)
    embedding = await beating
    await cache.close()
    return {"idle": idle, "loading": loaded, "embedding": embedding}


async def heartbeat(seconds: float, until: Any = None) -> dict[str, float]:
    late, end = [], time.perf_counter() + seconds
    while (before := time.perf_counter()) < end and not (until and until()):
        await asyncio.sleep(0.001)
        late.append(time.perf_counter() - before - 0.001)
    cuts = statistics.quantiles(late, n=100)
    return {"p50_ms": statistics.median(late) * 1e3, "p99_ms": cuts[98] * 1e3, "max_ms": max(late) * 1e3}


if __name__ == "__main__":
    sys.exit(main())
