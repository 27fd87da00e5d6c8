import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from backends.cache.disk_tier import DiskTier
from backends.cache.limits import LIMITS, CacheLimits
from backends.cache.response_cache import ResponseCache
from backends.cache.semantic.embedders import Embedded, Embedder, TokenVectors
from backends.cache.semantic.semantic_lookup import NearMiss
from backends.cache.semantic.semantic_tier import LONGEST, SemanticTier
from backends.clock import ManualClock
from backends.settings import cache as settings
from backends.types import Tool
from tests.backends.cache.samples import WordEmbedder, request, stored
from tests.waiting import until

QUESTION = "What is the queue depth of the local model?"
PARAPHRASE = "Please tell me what the queue depth of the local model is."
OTHER = "What is the queue depth of the cloud model?"


async def _opened(
    path: Path,
    embedder: Embedder | None = None,
    *,
    load: Callable[[], Embedder] | None = None,
    clock: ManualClock | None = None,
    limits: CacheLimits = LIMITS,
    loaded: bool = True,
) -> ResponseCache:
    """A cache whose model is `embedder`, or what `load` returns; `loaded` waits for it."""
    words = embedder or WordEmbedder()
    cache = await ResponseCache.open(
        path / "cache.db",
        settings.Cache(),
        clock=clock or ManualClock(),
        load_embedder=load or (lambda: words),
        limits=limits,
    )
    cache.start_semantic()
    if loaded:
        await until(lambda: cache.stats().semantic != "loading")
    return cache


async def _stored(cache: ResponseCache, text: str = QUESTION) -> None:
    """Store and wait until the question is in the index."""
    before = cache.stats().vectors
    await cache.store(request(text), stored(), model_class="auto")
    await until(lambda: cache.stats().vectors > before)


async def test_a_paraphrase_is_answered(tmp_path: Path) -> None:
    cache = await _opened(tmp_path)
    await _stored(cache)
    hit = await cache.lookup(request(PARAPHRASE), model_class="auto")
    assert hit is not None
    assert hit.tier == "semantic"
    assert hit.similarity is not None
    assert 0.7 <= hit.similarity < 1
    assert cache.stats().semantic_hits == 1
    await cache.close()


async def test_a_near_miss_is_told_without_its_text(tmp_path: Path) -> None:
    cache = await _opened(tmp_path)
    await _stored(cache)
    asked = request(OTHER)
    assert await cache.lookup(asked, model_class="auto") is None
    near = cache.near_miss(asked.id)
    assert near is not None
    assert (near.agent, near.guard) == ("writer", "wording")
    assert cache.near_miss(asked.id) is None, "it is told once"
    (miss,) = cache.stats().near_misses
    assert miss.startswith("writer .")
    assert miss.endswith(" stopped by wording")
    await cache.close()


async def test_with_tools_declared_a_paraphrase_is_answered_in_the_same_surroundings_only(tmp_path: Path) -> None:
    """The ask alone may differ: tools, system prompt and what points at the world are as strict as for exact hits."""
    look, other = Tool(name="look"), Tool(name="listen")
    question, paraphrase = "What is the capital of Norway?", "Please tell me what the capital of Norway is."
    cache = await _opened(tmp_path)
    await cache.store(request(question, tools=(look,)), stored("Oslo."), model_class="auto")
    await until(lambda: cache.stats().vectors == 1)
    hit = await cache.lookup(request(paraphrase, tools=(look,)), model_class="auto")
    assert hit is not None
    assert hit.tier == "semantic"
    for asked in (
        request(paraphrase, tools=(other,)),
        request(paraphrase, tools=(look,), system="Be wrong."),
        request(paraphrase, tools=(look,), agent="scout"),
        request(paraphrase),
        request("Please tell me what the capital of Norway is now.", tools=(look,)),
        request("Please tell me what the capital of Norway is in this file.", tools=(look,)),
    ):
        assert await cache.lookup(asked, model_class="auto") is None
    await cache.close()


async def test_who_asks_for_now_is_not_served_what_was_kept(tmp_path: Path) -> None:
    cache = await _opened(tmp_path)
    await _stored(cache)
    assert await cache.lookup(request(QUESTION.replace("?", " right now?")), model_class="auto") is None
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is not None
    await cache.close()


@pytest.mark.parametrize("change", [{"agent": "ada"}, {"system": "Rhyme."}])
async def test_a_paraphrase_of_anothers_question_is_a_miss(tmp_path: Path, change: dict[str, str]) -> None:
    cache = await _opened(tmp_path)
    await _stored(cache)
    assert await cache.lookup(request(PARAPHRASE, **change), model_class="auto") is None
    assert await cache.lookup(request(PARAPHRASE), model_class="cloud") is None
    assert cache.stats().near_misses == ()
    await cache.close()


async def test_sensitive_questions_never_reach_the_embedder(tmp_path: Path) -> None:
    embedder = WordEmbedder()
    cache = await _opened(tmp_path, embedder)
    await _stored(cache)
    await cache.store(request("secret", sensitive=True), stored(), model_class="auto")
    assert await cache.lookup(request("secret plan", sensitive=True), model_class="auto") is None
    await cache.close()
    assert not any("secret" in text for batch in embedder.batches for text in batch)


async def test_a_question_is_embedded_once_for_look_up_and_store(tmp_path: Path) -> None:
    embedder = WordEmbedder()
    cache = await _opened(tmp_path, embedder)
    await _stored(cache)
    await cache.lookup(request(OTHER), model_class="auto")
    await _stored(cache, OTHER)
    assert sum(OTHER in batch for batch in embedder.batches) == 1
    await cache.close()


async def test_vectors_are_read_back_and_not_made_again(tmp_path: Path) -> None:
    first = await _opened(tmp_path)
    await _stored(first)
    await first.close()
    embedder = WordEmbedder()
    second = await _opened(tmp_path, embedder)
    assert await second.lookup(request(PARAPHRASE), model_class="auto") is not None
    assert embedder.batches == [[PARAPHRASE]]
    await second.close()


async def test_another_model_rebuilds_the_index(tmp_path: Path) -> None:
    first = await _opened(tmp_path)
    await _stored(first)
    await first.close()
    embedder = WordEmbedder("other words")
    second = await _opened(tmp_path, embedder)
    await until(lambda: second.stats().vectors == 1)
    assert [QUESTION] in embedder.batches
    assert await second.lookup(request(PARAPHRASE), model_class="auto") is not None
    await second.close()


async def test_what_was_stored_while_the_model_loads_is_embedded_later(tmp_path: Path) -> None:
    gate = threading.Event()

    def slow() -> Embedder:
        gate.wait(10)
        return WordEmbedder()

    cache = await _opened(tmp_path, load=slow, loaded=False)
    cache.start_semantic()
    assert cache.stats().semantic == "loading"
    await cache.store(request(QUESTION), stored(), model_class="auto")
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is None
    gate.set()
    await until(lambda: cache.stats().vectors == 1)
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is not None
    await cache.close()
    assert cache.stats().semantic == "off"


async def test_closing_does_not_wait_for_a_model_that_loads(tmp_path: Path) -> None:
    gate, begun = threading.Event(), threading.Event()

    def slow() -> Embedder:
        begun.set()
        gate.wait(10)
        return WordEmbedder()

    cache = await _opened(tmp_path, load=slow, limits=CacheLimits(close_s=0.01), loaded=False)
    await until(begun.is_set)
    await cache.close()
    assert not gate.is_set()
    gate.set()


@pytest.mark.parametrize(
    ("error", "state", "detail"),
    [(ImportError("add it"), "off", "add it"), (MemoryError(), "failed", "did not load (MemoryError)")],
)
async def test_without_a_model_the_state_says_why(tmp_path: Path, error: Exception, state: str, detail: str) -> None:
    def load() -> Embedder:
        raise error

    cache = await _opened(tmp_path, load=load)
    assert cache.stats().semantic == state
    assert detail in cache.stats().semantic_detail
    await cache.store(request(QUESTION), stored(), model_class="auto")
    assert await cache.lookup(request(QUESTION), model_class="auto") is not None
    await cache.close()


async def test_a_model_that_breaks_leaves_the_exact_tier(tmp_path: Path) -> None:
    cache = await _opened(tmp_path, WordEmbedder(fails=lambda text: "cloud" in text))
    await _stored(cache)
    assert await cache.lookup(request(OTHER), model_class="auto") is None
    assert cache.stats().semantic == "failed"
    assert "LookupError" in cache.stats().semantic_detail
    assert await cache.lookup(request(QUESTION), model_class="auto") is not None
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is None
    await cache.close()


async def test_a_model_that_answers_too_little_ends_the_tier(tmp_path: Path) -> None:
    class Short(WordEmbedder):
        def embed(self, texts: Sequence[str]) -> list[Embedded]:
            return super().embed(texts)[1:]

    cache = await _opened(tmp_path, Short())
    await cache.store(request(QUESTION), stored(), model_class="auto")
    await until(lambda: cache.stats().semantic == "failed")
    assert await cache.lookup(request(QUESTION), model_class="auto") is not None
    await cache.close()


async def test_what_lies_beyond_the_window_must_agree(tmp_path: Path) -> None:
    cache = await _opened(tmp_path)
    text = "Summarise this report. " + "word " * 200
    await _stored(cache, text + "It ends well.")
    assert await cache.lookup(request(text + "It ends badly."), model_class="auto") is None
    assert cache.stats().near_misses[0].endswith("stopped by length")
    await cache.close()


async def test_a_very_long_question_is_for_the_exact_tier(tmp_path: Path) -> None:
    embedder = WordEmbedder()
    cache = await _opened(tmp_path, embedder)
    long = "word " * LONGEST
    await cache.store(request(long), stored(), model_class="auto")
    await _stored(cache)
    assert await cache.lookup(request(long + "more"), model_class="auto") is None
    assert embedder.batches == [[QUESTION]]
    await cache.close()


async def test_an_expired_paraphrase_is_a_miss(tmp_path: Path) -> None:
    clock = ManualClock()
    cache = await _opened(tmp_path, clock=clock)
    await _stored(cache)
    clock.advance(365 * 86_400)
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is None
    await cache.close()


async def test_a_flushed_entry_is_in_no_index(tmp_path: Path) -> None:
    cache = await _opened(tmp_path)
    await _stored(cache)
    await cache.flush("writer")
    await until(lambda: cache.stats().vectors == 0)
    await cache.close()


async def test_an_entry_that_the_file_lost_leaves_the_index(tmp_path: Path) -> None:
    cache = await _opened(tmp_path)
    await _stored(cache)
    await asyncio.to_thread(_delete_entries, tmp_path / "cache.db")
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is None
    await until(lambda: cache.stats().vectors == 0)
    await cache.close()


def _delete_entries(path: Path) -> None:
    """As another process would."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM entries")


async def test_too_many_look_ups_at_once_go_on_without(tmp_path: Path) -> None:
    cache = await _opened(tmp_path, limits=CacheLimits(lookups_waiting=0))
    await _stored(cache)
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is None
    await cache.close()


async def test_a_look_up_does_not_wait_for_ever(tmp_path: Path) -> None:
    gate = threading.Event()

    class Slow(WordEmbedder):
        def embed(self, texts: Sequence[str]) -> list[Embedded]:
            if PARAPHRASE in texts:
                gate.wait(10)
            return super().embed(texts)

    cache = await _opened(tmp_path, Slow(), limits=CacheLimits(lookup_s=0.01))
    await _stored(cache)
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is None
    gate.set()
    await cache.close()


async def test_a_look_up_does_not_wait_for_ever_for_the_judge(tmp_path: Path) -> None:
    gate = threading.Event()

    class SlowToRead(WordEmbedder):
        def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
            gate.wait(10)
            raise LookupError("weights are broken")

    cache = await _opened(tmp_path, SlowToRead(), limits=CacheLimits(judge_s=0.01))
    await _stored(cache)
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is None
    assert not gate.is_set()
    gate.set()
    await cache.close()


async def test_a_judge_that_breaks_is_a_miss(tmp_path: Path) -> None:
    class Broken(WordEmbedder):
        def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
            raise LookupError("weights are broken")

    cache = await _opened(tmp_path, Broken())
    await _stored(cache)
    assert await cache.lookup(request(PARAPHRASE), model_class="auto") is None
    assert await cache.lookup(request(QUESTION), model_class="auto") is not None
    assert cache.stats().semantic == "on"
    await cache.close()


async def test_risk_zero_means_no_semantic_tier(tmp_path: Path) -> None:
    cache = await ResponseCache.open(tmp_path / "cache.db", settings.Cache(risk=0), clock=ManualClock())
    cache.start_semantic()
    assert cache.stats().semantic == "off"
    await cache.close()


async def test_questions_asked_together_are_embedded_together(tmp_path: Path) -> None:
    embedder = WordEmbedder()
    cache = await _opened(tmp_path, embedder)
    await _stored(cache)
    asks = [cache.lookup(request(f"What is number {n}?"), model_class="auto") for n in range(12)]
    await asyncio.gather(*asks)
    assert max(map(len, embedder.batches)) > 1
    await cache.close()


def test_a_near_miss_reads_like_a_line() -> None:
    assert str(NearMiss("writer", 0.934, "number")) == "writer .93 stopped by number"
    assert str(NearMiss("ada", 1.0, "order")) == "ada 1.00 stopped by order"


async def test_a_tier_that_never_started_closes(tmp_path: Path) -> None:
    disk = DiskTier(tmp_path / "cache.db", max_bytes=1000, clock=ManualClock())
    tier = SemanticTier(disk, WordEmbedder, LIMITS)
    tier.drop([b"k"])
    await tier.close()
    assert (tier.state, tier.vectors, tier.model) == ("off", 0, "")
    await disk.close()
