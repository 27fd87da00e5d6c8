"""An embedding model behind the real SDK, at the twin."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from backends.cache.limits import CacheLimits
from backends.cache.response_cache import ResponseCache
from backends.cache.semantic import embedders
from backends.cache.semantic.embedders import Embedder
from backends.cache.semantic.ollama_embedder import EmbedTexts, OllamaEmbedder
from backends.clock import ManualClock
from backends.engines.ollama import OllamaClient
from backends.engines.ollama.embed import embed_texts
from backends.rehearsal.faults import Fault
from backends.rehearsal.process import Twins, twins
from backends.settings import cache as settings_cache
from backends.settings.engines import OllamaSettings
from tests.backends.cache.samples import request, stored
from tests.waiting import until

MODEL = "nomic-embed-text"
SETTINGS = settings_cache.Cache(embedder=f"ollama:{MODEL}")
QUESTION = "What is the queue depth of the local model?"
PARAPHRASE = "Please tell me what the queue depth of the local model is."


@pytest.fixture
async def pair() -> AsyncIterator[Twins]:
    async with twins() as opened:
        yield opened


@pytest.fixture
async def embed(pair: Twins) -> AsyncIterator[EmbedTexts]:
    client = OllamaClient("local", OllamaSettings(base_url=pair.ollama.url))
    yield embed_texts(client)
    await client.close()


async def loaded(embed: EmbedTexts, model: str = MODEL) -> Embedder:
    return await asyncio.to_thread(embedders.load, f"ollama:{model}", embed_texts=embed)


async def test_texts_come_back_as_unit_vectors_in_their_order(embed: EmbedTexts) -> None:
    embedder = await loaded(embed)
    first, second, again = await asyncio.to_thread(embedder.embed, ["a cat", "a dog", "a cat"])
    assert embedder.model == f"ollama:{MODEL}"
    assert np.linalg.norm(first.vector) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(first.vector, again.vector)
    assert not np.array_equal(first.vector, second.vector)
    assert (first.read, await asyncio.to_thread(embedder.embed, [])) == (5, [])


async def test_a_text_beyond_the_window_is_like_nothing_and_spares_its_batch(embed: EmbedTexts) -> None:
    embedder = await loaded(embed)
    long, short = await asyncio.to_thread(embedder.embed, ["word " * 5000, "a cat"])
    assert (float(np.linalg.norm(long.vector)), long.read) == (0.0, 0)
    assert short.read == 5


async def test_a_model_that_is_not_there_is_named_with_the_remedy(embed: EmbedTexts) -> None:
    with pytest.raises(ConnectionError, match="ollama pull nobody"):
        await loaded(embed, "nobody")


async def test_an_engine_that_does_not_answer_is_told(pair: Twins, embed: EmbedTexts) -> None:
    await pair.ollama.close()
    with pytest.raises(ConnectionError, match="ollama serve"):
        await loaded(embed)


async def test_without_an_ollama_engine_the_setting_is_named() -> None:
    with pytest.raises(ConnectionError, match="needs an Ollama in the local zone"):
        await asyncio.to_thread(embedders.load, f"ollama:{MODEL}")


async def opened(folder: Path, embed: EmbedTexts) -> ResponseCache:
    """A cache that embeds through the engine and soon tries again where that fails."""
    return await ResponseCache.open(
        folder / "cache.db",
        SETTINGS,
        clock=ManualClock(),
        load_embedder=lambda: OllamaEmbedder(MODEL, embed, floor=0.5),
        limits=CacheLimits(retry_s=0.01),
    )


async def test_paraphrases_are_found_by_the_engines_model(embed: EmbedTexts, tmp_path: Path) -> None:
    cache = await opened(tmp_path, embed)
    cache.start_semantic()
    await until(lambda: cache.stats().semantic == "on")
    await cache.store(request(QUESTION), stored(), model_class="auto")
    await until(lambda: cache.stats().vectors == 1)
    hit = await cache.lookup(request(PARAPHRASE), model_class="auto")
    assert hit is not None
    assert hit.tier == "semantic"
    assert cache.stats().embedder == f"ollama:{MODEL}"
    await cache.close()


async def test_an_engine_that_fails_for_a_while_is_asked_again(pair: Twins, embed: EmbedTexts, tmp_path: Path) -> None:
    pair.ollama.inject(Fault(kind="status", status=500, on="embed", times=2))
    cache = await opened(tmp_path, embed)
    cache.start_semantic()
    await until(lambda: cache.stats().semantic == "failed")
    await until(lambda: cache.stats().semantic == "on")
    assert cache.stats().semantic_detail == ""
    pair.ollama.inject(Fault(kind="status", status=500, on="embed", times=1))
    await cache.store(request(QUESTION), stored(), model_class="auto")
    await until(lambda: cache.stats().vectors == 1)
    await cache.close()
