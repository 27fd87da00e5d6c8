"""What may go wrong with a cache: requests go on without it, nothing is served that is wrong, and bounds hold."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from backends.cache.limits import CacheLimits
from backends.cache.response_cache import ResponseCache
from backends.cache.semantic.embedders import Embedder
from backends.clock import ManualClock, SystemClock
from backends.settings import cache as settings_cache
from backends.settings.agents import Agent
from tests.backends.cache.samples import WordEmbedder, request, stored
from tests.waiting import until

EXACT = settings_cache.Cache(semantic=False)


async def test_a_half_written_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    first = await ResponseCache.open(path, EXACT, clock=ManualClock())
    for number in range(50):
        await first.store(request(str(number)), stored("answer " * 50), model_class="auto")
    await first.close()

    def cut() -> None:
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2 + 100])

    await asyncio.to_thread(cut)
    second = await ResponseCache.open(path, EXACT, clock=ManualClock())
    for number in range(50):
        hit = await second.lookup(request(str(number)), model_class="auto")
        assert hit is None or hit.stored.text == "answer " * 50
        await second.store(request(str(number)), stored("answer " * 50), model_class="auto")
        again = await second.lookup(request(str(number)), model_class="auto")
        assert again is not None
        assert again.stored.text == "answer " * 50
    assert (second.stats().entries, second.stats().problem) == (50, "")
    await second.close()


async def test_bytes_turned_over_anywhere_never_make_a_wrong_answer(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    first = await ResponseCache.open(path, EXACT, clock=ManualClock())
    for number in range(40):
        await first.store(request(str(number)), stored(f"answer {number} " * 30), model_class="auto")
    await first.close()

    def damage() -> None:
        data = bytearray(path.read_bytes())
        for at in np.random.default_rng(7).integers(4096, len(data), 400):
            data[at] ^= 0xFF
        path.write_bytes(bytes(data))

    await asyncio.to_thread(damage)
    second = await ResponseCache.open(path, EXACT, clock=ManualClock())
    hits = [await second.lookup(request(str(number)), model_class="auto") for number in range(40)]
    assert {hit.stored.text == f"answer {number} " * 30 for number, hit in enumerate(hits) if hit} <= {True}
    assert None in hits, "the damage was found"
    await second.close()


async def test_thousands_of_different_prompts_stay_within_every_bound(tmp_path: Path) -> None:
    limit, memory_bytes = 400_000, 200_000
    bounded, limits = settings_cache.Cache(semantic=False, max_bytes=limit), CacheLimits(memory_bytes=memory_bytes)
    cache = await ResponseCache.open(tmp_path / "cache.db", bounded, clock=SystemClock(), limits=limits)
    await cache.store(request("asked again and again"), stored("kept"), model_class="auto")
    for number in range(2500):
        assert await cache.lookup(request(f"prompt {number}"), model_class="auto") is None
        await cache.store(request(f"prompt {number}"), stored(f"answer {number}"), model_class="auto")
        if number % 50 == 0:
            assert await cache.lookup(request("asked again and again"), model_class="auto") is not None
    stats = cache.stats()
    assert limit * 0.9 < stats.bytes <= limit
    assert memory_bytes * 0.9 < stats.memory_b <= memory_bytes
    await cache.close()
    sizes = await asyncio.to_thread(lambda: [part.stat().st_size for part in tmp_path.iterdir()])
    assert sum(sizes) < 4 * limit


async def test_a_prompt_of_ten_megabytes_is_looked_up_and_kept_off_the_loop(tmp_path: Path) -> None:
    cache = await ResponseCache.open(tmp_path / "cache.db", EXACT, clock=ManualClock())
    huge = request("lorem ipsum " * 850_000)
    await cache.store(huge, stored(), model_class="auto")
    assert await cache.lookup(huge, model_class="auto") is not None
    assert (cache.stats().entries, cache.stats().memory_b) == (1, 0)
    await cache.close()


async def test_a_clock_set_back_and_forth_serves_nothing_too_old(tmp_path: Path) -> None:
    clock = ManualClock()
    cache = await ResponseCache.open(
        tmp_path / "cache.db", EXACT, clock=clock, agent=lambda request: Agent(cache_ttl_s=60)
    )
    await cache.store(request(), stored(), model_class="auto")
    clock.jump(-86_400)
    clock.advance(30)
    assert await cache.lookup(request(), model_class="auto") is not None
    clock.advance(30)
    clock.jump(-3600)
    assert await cache.lookup(request(), model_class="auto") is None
    await cache.close()


async def test_a_file_that_is_locked_for_long_delays_no_request_for_long(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    cache = await ResponseCache.open(path, EXACT, clock=ManualClock())
    await cache.store(request(), stored(), model_class="auto")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        await asyncio.to_thread(other.execute, "BEGIN EXCLUSIVE")
        async with asyncio.timeout(5):
            await cache.store(request("another"), stored(), model_class="auto")
            for number in range(20):
                await cache.store(request(f"more {number}"), stored(), model_class="auto")
        assert "locked" in cache.stats().problem
        assert await cache.lookup(request("another"), model_class="auto") is not None
        await asyncio.to_thread(other.execute, "ROLLBACK")
    await cache.close()


WRITES = """
import asyncio, sys
from pathlib import Path
from backends.settings import cache as settings_cache
from backends.cache.response_cache import ResponseCache
from backends.cache.semantic.embedders import Embedder
from backends.clock import SystemClock
from tests.backends.cache.samples import WordEmbedder, request, stored

async def main():
    settings = settings_cache.Cache(max_bytes=600_000)
    cache = await ResponseCache.open(Path(sys.argv[1]), settings, clock=SystemClock(), load_embedder=WordEmbedder)
    cache.start_semantic()
    for number in range(10**6):
        await cache.store(request(f"question number {number}"), stored(f"answer {number} " * 40), model_class="auto")
        await cache.lookup(request(f"question number {number}", id=str(number)), model_class="auto")
        await cache.record_recheck(str(number), right=True)
        if number == 200:
            print("writing", flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("moment", [0.0, 0.03, 0.11])
async def test_killed_while_it_writes_answers_vectors_and_evictions_the_file_is_whole(
    tmp_path: Path, moment: float
) -> None:
    path = tmp_path / "cache.db"

    def write_until_killed() -> int:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        with subprocess.Popen(
            [sys.executable, "-c", WRITES, str(path)], stdout=subprocess.PIPE, env=environment
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"writing\n"
            try:
                writer.wait(moment or 0.001)
            except subprocess.TimeoutExpired:
                writer.send_signal(signal.SIGKILL)
            return writer.wait()

    assert await asyncio.to_thread(write_until_killed) == -signal.SIGKILL

    def sound() -> list[tuple[str]]:
        with closing(sqlite3.connect(path)) as db:
            orphans = db.execute("SELECT count(*) FROM vectors WHERE id NOT IN (SELECT id FROM entries)").fetchone()
            assert orphans == (0,)
            found: list[tuple[str]] = db.execute("PRAGMA integrity_check").fetchall()
            return found

    assert await asyncio.to_thread(sound) == [("ok",)]
    settings = settings_cache.Cache(max_bytes=600_000)
    cache = await ResponseCache.open(path, settings, clock=SystemClock(), load_embedder=WordEmbedder)
    cache.start_semantic()
    await until(lambda: cache.stats().semantic == "on" and cache.stats().vectors == cache.stats().entries)
    served = 0
    for number in range(400):
        if hit := await cache.lookup(request(f"question number {number}"), model_class="auto"):
            assert hit.stored.text == f"answer {number} " * 40
            served += 1
    assert served > 50
    assert not (tmp_path / "cache.db.corrupt").exists()
    await cache.close()


async def test_a_file_of_another_embedding_model_is_embedded_anew(tmp_path: Path) -> None:
    for model in ("words", "other words"):
        embedder = WordEmbedder(model)
        cache = await _words(tmp_path / "cache.db", embedder)
        for number in range(20):
            await cache.store(request(f"question {number}"), stored(), model_class="auto")
        await _embedded(cache)
        assert sum(map(len, embedder.batches)) >= 20
        await cache.close()


async def _embedded(cache: ResponseCache) -> None:
    """Wait until each of the twenty questions has a vector."""
    await until(lambda: cache.stats().semantic == "on" and cache.stats().vectors == 20)


async def _words(path: Path, embedder: WordEmbedder) -> ResponseCache:
    """A cache that begins to load `embedder`."""

    def load() -> Embedder:
        return embedder

    cache = await ResponseCache.open(path, settings_cache.Cache(), clock=SystemClock(), load_embedder=load)
    cache.start_semantic()
    return cache


def _overwrite(path: Path, *, vector: bytes) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute("UPDATE vectors SET vector = ? WHERE id % 3 = 0", (vector,)).rowcount > 1


@pytest.mark.parametrize("damage", [b"", b"short", np.full(384, np.nan, dtype=np.float16).tobytes()])
async def test_vectors_that_are_none_are_made_anew(tmp_path: Path, damage: bytes) -> None:
    path, questions = tmp_path / "cache.db", [f"question {number}" for number in range(20)]
    cache = await _words(path, WordEmbedder())
    for question in questions:
        await cache.store(request(question), stored(), model_class="auto")
    await _embedded(cache)
    await cache.close()
    await asyncio.to_thread(_overwrite, path, vector=damage)
    embedder = WordEmbedder()
    again = await _words(path, embedder)
    await _embedded(again)
    await again.close()
    assert {text for batch in embedder.batches for text in batch} == set(questions)
