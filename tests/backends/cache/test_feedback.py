"""What an operator or a second asking says of a hit, and what the cache learns from it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends.cache import served, verdicts
from backends.cache.database import Database
from backends.cache.served import Served
from backends.cache.store import Cache
from backends.cache.verdicts import Verdict
from backends.clock import ManualClock
from backends.settings import cache as settings_cache
from tests.backends.cache.samples import WordEmbedder, entry, request, stored
from tests.waiting import until

QUESTION = "What is the queue depth of the local model?"
PARAPHRASE = "Please tell me what the queue depth of the local model is."


@pytest.fixture
async def cache(tmp_path: Path) -> AsyncIterator[Cache]:
    opened = await Cache.open(tmp_path / "cache.db", settings_cache.Cache(), clock=ManualClock())
    opened._semantic._load = WordEmbedder
    opened.start_semantic()
    await until(lambda: opened.stats().semantic == "on")
    await opened.store(request(QUESTION), stored(), model_class="auto")
    await until(lambda: opened.stats().vectors == 1)
    yield opened
    await opened.close()


async def test_a_complaint_kills_the_entry_and_counts(cache: Cache) -> None:
    hit = await cache.lookup(request(PARAPHRASE, id="r7"), model_class="auto")
    assert hit is not None
    assert await cache.complain("r7") == hit.entry
    assert await cache.lookup(request(QUESTION), model_class="auto") is None
    await until(lambda: cache.stats().vectors == 0)
    stats = cache.stats()
    assert (stats.complaints, stats.entries, stats.rechecked, stats.wrong_share) == (1, 0, 0, None)
    assert await cache.complain("unknown") is None


async def test_a_killed_entry_comes_back_with_its_record(cache: Cache) -> None:
    await cache.lookup(request(PARAPHRASE, id="r7"), model_class="auto")
    await cache.complain("r7")
    await until(lambda: cache.stats().vectors == 0)
    await cache.store(request(QUESTION), stored(), model_class="auto")
    await until(lambda: cache.stats().vectors == 1)
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is None
    assert cache.stats().near_misses[-1].endswith("stopped by record")
    assert await cache.lookup(request(QUESTION), model_class="auto") is not None


async def test_a_wrong_recheck_closes_the_entry_to_that_score_and_is_measured(cache: Cache) -> None:
    assert await cache.lookup(request(PARAPHRASE, id="r7"), model_class="auto") is not None
    await cache.rechecked("r7", right=True)
    assert await cache.lookup(request(PARAPHRASE, id="r8"), model_class="auto") is not None
    await cache.rechecked("r8", right=False)
    await cache.rechecked("unknown", right=False)
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is None
    stats = cache.stats()
    assert (stats.rechecked, stats.rechecked_wrong, stats.entries) == (2, 1, 1)
    assert stats.wrong_share is not None
    assert stats.wrong_share[0] == 0.5
    assert 0 < stats.wrong_share[1] < 0.5 < stats.wrong_share[2] < 1


async def test_an_entry_is_killed_by_the_beginning_of_its_id(cache: Cache) -> None:
    hit = await cache.lookup(request(QUESTION), model_class="auto")
    assert hit is not None
    assert await cache.kill("not an id") == []
    assert await cache.kill("") == []
    assert await cache.kill(hit.entry[:7]) == [hit.entry]
    assert cache.stats().entries == 0
    assert await cache.lookup(request(QUESTION), model_class="auto") is None


async def test_what_several_entries_may_mean_kills_none(cache: Cache) -> None:
    for number in range(40):
        await cache.store(request(f"number {number}"), stored(), model_class="auto")
    before = cache.stats().entries
    assert len(await cache.kill("0")) + len(await cache.kill("1")) + len(await cache.kill("2")) > 3
    assert before - cache.stats().entries <= 2


async def test_two_answers_are_compared_by_the_model(cache: Cache) -> None:
    assert await cache.alike("a lock", "a lock") == pytest.approx(1.0, abs=1e-5)
    assert await cache.alike("a lock", "no cat") == 0.0


async def test_without_a_model_answers_cannot_be_compared(tmp_path: Path) -> None:
    cache = await Cache.open(tmp_path / "other.db", settings_cache.Cache(semantic=False), clock=ManualClock())
    assert await cache.alike("a lock", "a lock") is None
    await cache.close()


def test_verdicts_are_bounded_and_outlive_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "KEPT", 5)
    db = Database(tmp_path / "cache.db", max_bytes=1_000_000)
    key = entry("a").key
    assert db.verdicts.of([key]) == {}
    for number in range(9):
        db.verdicts.add(Verdict(key=key, at=number, score=number / 10, right=number % 2 == 0, by="recheck"))
    db.close()
    db = Database(tmp_path / "cache.db", max_bytes=1_000_000)
    assert db.verdicts.counts == (5, 2, 0)
    assert db.verdicts.of([key, b"other"]) == {key: [(0.8, True), (0.7, False), (0.6, True), (0.5, False), (0.4, True)]}
    db.flush("ada")
    assert db.verdicts.counts == (5, 2, 0)
    db.flush(None)
    assert db.verdicts.counts == (0, 0, 0)
    db.close()


def test_who_was_served_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "KEPT", 2)
    kept = Served()
    for name in ("r1", "r2", "r3"):
        kept.note(name, name.encode(), None)
    assert kept.get("r1") is None
    assert kept.get("r3") == (b"r3", None)
