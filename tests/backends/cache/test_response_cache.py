import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.cache.limits import CacheLimits
from backends.cache.response_cache import ResponseCache
from backends.clock import ManualClock, SystemClock
from backends.settings.cache import Cache
from backends.types import Message, ToolCall
from tests.backends.cache.samples import request, stored
from tests.backends.ledger.samples import outcome

EXACT = Cache(semantic=False)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def cache(tmp_path: Path, clock: ManualClock) -> AsyncIterator[ResponseCache]:
    opened = await ResponseCache.open(tmp_path / "cache.db", EXACT, clock=clock)
    yield opened
    await opened.close()


async def test_a_repeat_is_answered_with_its_age(cache: ResponseCache, clock: ManualClock) -> None:
    assert await cache.lookup(request(), model_class="auto") is None
    await cache.store(request(), stored(), model_class="auto")
    clock.advance(30)
    hit = await cache.lookup(request(id="r2", source="gateway"), model_class="auto")
    assert hit is not None
    assert (hit.tier, hit.age_s, hit.similarity) == ("exact", 30.0, None)
    assert hit.stored == stored()
    stats = cache.stats()
    assert (stats.lookups, stats.exact_hits, stats.entries) == (2, 1, 1)
    assert stats.bytes == sum(top.bytes for top in stats.top) > 0
    assert [(top.agent, top.intent, top.hits, top.age_s) for top in stats.top] == [("writer", "coding", 1, 30.0)]


async def test_answers_outlive_the_process(tmp_path: Path, clock: ManualClock) -> None:
    for _ in range(2):
        cache = await ResponseCache.open(tmp_path / "cache.db", EXACT, clock=clock)
        hit = await cache.lookup(request(), model_class="auto")
        await cache.store(request(), stored(), model_class="auto")
        await cache.close()
    assert hit is not None
    assert hit.stored == stored()


async def test_an_entry_that_is_not_in_memory_comes_from_the_file(tmp_path: Path, clock: ManualClock) -> None:
    no_memory = CacheLimits(memory_bytes=0)
    cache = await ResponseCache.open(tmp_path / "cache.db", EXACT, clock=clock, limits=no_memory)
    await cache.store(request(), stored(), model_class="auto")
    assert cache.stats().memory_b == 0
    hit = await cache.lookup(request(), model_class="auto")
    assert hit is not None
    assert hit.stored == stored()
    await cache.close()


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"sensitive": True}, {}),
        ({"cache": False}, {}),
        ({}, {"finish": "length"}),
        ({}, {"finish": "blocked"}),
        ({}, {"text": ""}),
        ({}, {"tool_calls": (ToolCall(id="1", name="f", arguments="{}"),)}),
        ({}, {"intent": "tool-use"}),
        ({"messages": (Message(role="user", text="What happened today?"),)}, {}),
        ({"messages": (Message(role="user", text="\ud800"),)}, {}),
    ],
)
@pytest.mark.proves("I7")
async def test_what_may_not_be_kept_is_not(cache: ResponseCache, asked: dict[str, Any], answer: dict[str, Any]) -> None:
    await cache.store(request(**asked), stored(**answer), model_class="auto")
    assert (cache.stats().entries, cache.stats().memory_b) == (0, 0)
    assert await cache.lookup(request(**asked), model_class="auto") is None


async def test_a_sensitive_twin_of_a_stored_question_is_not_even_looked_up(cache: ResponseCache) -> None:
    await cache.store(request(), stored(), model_class="auto")
    assert await cache.lookup(request(sensitive=True), model_class="auto") is None
    assert await cache.lookup(request(cache=False), model_class="auto") is None
    assert cache.stats().lookups == 0


@hypothesis_settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.sampled_from(["ada", "scout"]), st.sampled_from("xyz"), st.booleans()), max_size=12))
@pytest.mark.proves("I7")
def test_no_agent_is_served_anothers_entry_and_nothing_sensitive_is_kept(asks: list[tuple[str, str, bool]]) -> None:
    async def play(folder: Path) -> None:
        cache = await ResponseCache.open(folder / "cache.db", EXACT, clock=ManualClock())
        kept = set()
        for agent, text, sensitive in asks:
            asked = request(text, agent=agent, sensitive=sensitive)
            hit = await cache.lookup(asked, model_class="auto")
            assert (hit is not None) == (not sensitive and (agent, text) in kept)
            assert hit is None or hit.stored.text == f"{agent}'s {text}"
            await cache.store(asked, stored(f"{agent}'s {text}"), model_class="auto")
            if not sensitive:
                kept.add((agent, text))
        assert cache.stats().entries == len(kept)
        await cache.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


async def test_an_entry_expires_by_its_intent(cache: ResponseCache, clock: ManualClock) -> None:
    await cache.store(request(), stored(intent="health-check"), model_class="auto")
    clock.advance(14)
    assert await cache.lookup(request(), model_class="auto") is not None
    clock.advance(1)
    assert await cache.lookup(request(), model_class="auto") is None


async def test_a_clock_set_back_keeps_nothing_alive(cache: ResponseCache, clock: ManualClock) -> None:
    await cache.store(request(), stored(intent="health-check"), model_class="auto")
    clock.jump(-86_400)
    clock.advance(20)
    assert await cache.lookup(request(), model_class="auto") is None


async def test_an_entry_from_a_time_that_has_not_come_is_not_served(tmp_path: Path, clock: ManualClock) -> None:
    first = await ResponseCache.open(tmp_path / "cache.db", EXACT, clock=clock)
    await first.store(request(), stored(), model_class="auto")
    await first.close()
    clock.jump(-3600)
    second = await ResponseCache.open(tmp_path / "cache.db", EXACT, clock=clock)
    assert await second.lookup(request(), model_class="auto") is None
    await second.close()


async def test_flushing_one_agent_leaves_the_others(cache: ResponseCache) -> None:
    for agent in ("ada", "scout"):
        await cache.store(request(agent=agent), stored(), model_class="auto")
    assert await cache.flush("ada") == 1
    assert await cache.lookup(request(agent="ada"), model_class="auto") is None
    assert await cache.lookup(request(agent="scout"), model_class="auto") is not None
    assert await cache.flush() == 1
    assert cache.stats().entries == 0


async def test_switched_off_it_neither_looks_nor_keeps(tmp_path: Path, clock: ManualClock) -> None:
    off = Cache(exact=False, semantic=False)
    cache = await ResponseCache.open(tmp_path / "cache.db", off, clock=clock)
    cache.start_semantic()
    await cache.store(request(), stored(), model_class="auto")
    assert await cache.lookup(request(), model_class="auto") is None
    assert (cache.stats().entries, cache.stats().lookups, cache.stats().semantic) == (0, 0, "off")
    await cache.close()


async def test_what_others_count_is_in_the_stats(cache: ResponseCache) -> None:
    whole = outcome("r1", cache="exact", cost_usd=Decimal(0), baseline_usd=Decimal("0.10"))
    cache.counts.count_shared_flight(whole)
    cache.counts.count_shared_flight(replace(whole, finish="error", baseline_usd=Decimal(0)))
    cache.counts.count_saving(Decimal("0.05"))
    stats = cache.stats()
    assert (stats.lookups, stats.hits, stats.hit_share) == (2, 1, 0.5)
    assert (stats.shared_flights, stats.saved_usd) == (1, Decimal("0.15"))
    assert cache.counts.recent_share() == cache.counts.recent_share("shared") == 0.5


async def test_without_a_file_it_answers_from_memory(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "blocked").write_text("")
    cache = await ResponseCache.open(tmp_path / "blocked" / "cache.db", EXACT, clock=clock)
    await cache.store(request(), stored(), model_class="auto")
    assert await cache.lookup(request(), model_class="auto") is not None
    assert await cache.flush() == 0
    assert await cache.lookup(request(), model_class="auto") is None
    assert "cannot be used" in cache.stats().problem
    await cache.close()


async def test_what_is_evicted_from_the_file_leaves_memory_too(tmp_path: Path, clock: ManualClock) -> None:
    cache = await ResponseCache.open(tmp_path / "cache.db", Cache(semantic=False, max_bytes=8000), clock=clock)
    for number in range(30):
        clock.advance(1)
        await cache.store(request(str(number)), stored(), model_class="auto")
    hits = [await cache.lookup(request(str(number)), model_class="auto") for number in range(30)]
    assert 4000 < cache.stats().bytes <= 8000
    assert sum(hit is not None for hit in hits) == cache.stats().entries > 0
    await cache.close()


async def test_a_prompt_of_megabytes_is_keyed_off_the_loop(cache: ResponseCache) -> None:
    long = request("x" * 2_000_000)
    await cache.store(long, stored(), model_class="auto")
    assert await cache.lookup(long, model_class="auto") is not None
    assert await cache.lookup(request("x" * 1_999_999 + "y"), model_class="auto") is None


WRITES = """
import asyncio, sys
from pathlib import Path
from backends.settings.cache import Cache
from backends.cache.response_cache import ResponseCache
from backends.clock import SystemClock
from tests.backends.cache.samples import request, stored

async def main():
    cache = await ResponseCache.open(Path(sys.argv[1]), Cache(semantic=False), clock=SystemClock())
    for number in range(10**6):
        await cache.store(request(str(number)), stored(f"answer {number} " * 40), model_class="auto")
        if number == 50:
            print("writing", flush=True)

asyncio.run(main())
"""


@pytest.mark.proves("I7")
async def test_killed_in_the_middle_of_writes_it_serves_only_whole_answers(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"

    def write_until_killed() -> int:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        with subprocess.Popen(
            [sys.executable, "-c", WRITES, str(path)], stdout=subprocess.PIPE, env=environment
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"writing\n"
            writer.send_signal(signal.SIGKILL)
            return writer.wait()

    assert await asyncio.to_thread(write_until_killed) == -signal.SIGKILL
    cache = await ResponseCache.open(path, EXACT, clock=SystemClock())
    assert cache.stats().entries >= 50
    for number in range(50):
        hit = await cache.lookup(request(str(number)), model_class="auto")
        assert hit is not None
        assert hit.stored.text == f"answer {number} " * 40
    await cache.close()
