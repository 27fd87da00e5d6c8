"""What an operator or a second asking says of a hit, and what the cache learns from it."""

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from backends.cache.cache_file import open_file
from backends.cache.database import Database
from backends.cache.hit_policy import HitReview, HitReviews
from backends.cache.response_cache import RECENT_HITS, ResponseCache
from backends.clock import ManualClock
from backends.settings import cache as settings_cache
from tests.backends.cache.samples import WordEmbedder, entry, request, stored
from tests.waiting import until

QUESTION = "What is the queue depth of the local model?"
PARAPHRASE = "Please tell me what the queue depth of the local model is."


@pytest.fixture
async def cache(tmp_path: Path) -> AsyncIterator[ResponseCache]:
    opened = await ResponseCache.open(
        tmp_path / "cache.db", settings_cache.Cache(), clock=ManualClock(), load_embedder=WordEmbedder
    )
    opened.start_semantic()
    await until(lambda: opened.stats().semantic == "on")
    await opened.store(request(QUESTION), stored(), model_class="auto")
    await until(lambda: opened.stats().vectors == 1)
    yield opened
    await opened.close()


async def test_a_complaint_kills_the_entry_and_counts(cache: ResponseCache) -> None:
    hit = await cache.lookup(request(PARAPHRASE, id="r7"), model_class="auto")
    assert hit is not None
    assert await cache.report_wrong_hit("r7") == hit.entry
    assert await cache.lookup(request(QUESTION), model_class="auto") is None
    await until(lambda: cache.stats().vectors == 0)
    stats = cache.stats()
    assert (stats.complaints, stats.entries, stats.rechecked, stats.wrong_share) == (1, 0, 0, None)
    assert await cache.report_wrong_hit("unknown") is None


async def test_a_killed_entry_comes_back_with_its_record(cache: ResponseCache) -> None:
    await cache.lookup(request(PARAPHRASE, id="r7"), model_class="auto")
    await cache.report_wrong_hit("r7")
    await until(lambda: cache.stats().vectors == 0)
    await cache.store(request(QUESTION), stored(), model_class="auto")
    await until(lambda: cache.stats().vectors == 1)
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is None
    assert cache.stats().near_misses[-1].endswith("stopped by record")
    assert await cache.lookup(request(QUESTION), model_class="auto") is not None


async def test_a_wrong_recheck_closes_the_entry_to_that_score_and_is_measured(cache: ResponseCache) -> None:
    assert await cache.lookup(request(PARAPHRASE, id="r7"), model_class="auto") is not None
    await cache.record_recheck("r7", right=True)
    assert await cache.lookup(request(PARAPHRASE, id="r8"), model_class="auto") is not None
    await cache.record_recheck("r8", right=False)
    await cache.record_recheck("unknown", right=False)
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is None
    stats = cache.stats()
    assert (stats.rechecked, stats.rechecked_wrong, stats.entries) == (2, 1, 1)
    assert stats.wrong_share is not None
    assert stats.wrong_share[0] == 0.5
    assert 0 < stats.wrong_share[1] < 0.5 < stats.wrong_share[2] < 1


async def test_an_entry_is_killed_by_the_beginning_of_its_id(cache: ResponseCache) -> None:
    hit = await cache.lookup(request(QUESTION), model_class="auto")
    assert hit is not None
    assert await cache.kill("not an id") == []
    assert await cache.kill("") == []
    assert await cache.kill(hit.entry[:7]) == [hit.entry]
    assert cache.stats().entries == 0
    assert await cache.lookup(request(QUESTION), model_class="auto") is None


async def test_what_several_entries_may_mean_kills_none(cache: ResponseCache) -> None:
    for number in range(40):
        await cache.store(request(f"number {number}"), stored(), model_class="auto")
    before = cache.stats().entries
    assert len(await cache.kill("0")) + len(await cache.kill("1")) + len(await cache.kill("2")) > 3
    assert before - cache.stats().entries <= 2


async def test_two_answers_are_compared_by_the_model(cache: ResponseCache) -> None:
    assert await cache.similarity("a lock", "a lock") == pytest.approx(1.0, abs=1e-5)
    assert await cache.similarity("a lock", "no cat") == 0.0


async def test_without_a_model_answers_cannot_be_compared(tmp_path: Path) -> None:
    cache = await ResponseCache.open(tmp_path / "other.db", settings_cache.Cache(semantic=False), clock=ManualClock())
    assert await cache.similarity("a lock", "a lock") is None
    await cache.close()


def test_reviews_are_bounded_and_outlive_the_process(tmp_path: Path) -> None:
    path, key = tmp_path / "cache.db", entry("a").key
    with closing(open_file(path)) as db:
        reviews = HitReviews(db, kept=5)
        assert reviews.records([key]) == {}
        for number in range(9):
            reviews.add(HitReview(key=key, at=number, score=number / 10, right=number % 2 == 0, by="recheck"))
    database = Database(path, max_bytes=1_000_000)
    assert database.reviews.counts == (5, 2, 0)
    assert database.reviews.records([key, b"other"]) == {
        key: [(0.8, True), (0.7, False), (0.6, True), (0.5, False), (0.4, True)]
    }
    database.flush("ada")
    assert database.reviews.counts == (5, 2, 0)
    database.flush(None)
    assert database.reviews.counts == (0, 0, 0)
    database.close()


async def test_only_recent_hits_can_be_reported(tmp_path: Path) -> None:
    cache = await ResponseCache.open(tmp_path / "other.db", settings_cache.Cache(semantic=False), clock=ManualClock())
    await cache.store(request(), stored(), model_class="auto")
    for number in range(RECENT_HITS + 1):
        hit = await cache.lookup(request(id=f"r{number}"), model_class="auto")
        assert hit is not None
    assert await cache.report_wrong_hit("r0") is None
    assert hit is not None
    assert await cache.report_wrong_hit("r1") == hit.entry
    await cache.close()
