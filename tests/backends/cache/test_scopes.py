"""Whose answers serve whom: by agent, by group, for all, encrypted, or not at all."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from backends.cache.response_cache import ResponseCache
from backends.cache.semantic.embedders import Embedder
from backends.clock import ManualClock
from backends.settings import cache as settings_cache
from backends.settings.agents import Agent
from backends.types import Request
from tests.backends.cache.samples import WordEmbedder, request, stored
from tests.waiting import until

EXACT = settings_cache.Cache(semantic=False)
SECRET = b"s" * 32
QUESTION = "What is the queue depth of the local model?"
PARAPHRASE = "Please tell me what the queue depth of the local model is."


def rules(**agents: Agent) -> Callable[[Request], Agent]:
    return lambda request: agents.get(request.agent, Agent())


async def opened(
    folder: Path,
    agent: Callable[[Request], Agent],
    settings: settings_cache.Cache = EXACT,
    *,
    embedder: Embedder | None = None,
) -> ResponseCache:
    words = embedder or WordEmbedder()
    return await ResponseCache.open(
        folder / "cache.db", settings, clock=ManualClock(), agent=agent, secret=SECRET, load_embedder=lambda: words
    )


async def test_a_group_shares_and_nobody_beside_it_is_served(tmp_path: Path) -> None:
    ops = Agent(cache_scope="group:ops")
    cache = await opened(tmp_path, rules(ada=ops, scout=ops, writer=Agent(cache_scope="group:text")))
    await cache.store(request(agent="ada"), stored(request_id="r9"), model_class="auto")
    hit = await cache.lookup(request(agent="scout"), model_class="auto")
    assert hit is not None
    assert (hit.agent, hit.stored.request_id, len(hit.entry)) == ("ada", "r9", 12)
    for other in ("writer", "coding"):
        assert await cache.lookup(request(agent=other), model_class="auto") is None
    assert await cache.lookup(request(agent="scout"), model_class="another policy") is None
    await cache.close()


async def test_all_is_shared_with_who_shares_with_all(tmp_path: Path) -> None:
    cache = await opened(tmp_path, rules(ada=Agent(cache_scope="all"), scout=Agent(cache_scope="all")))
    await cache.store(request(agent="ada"), stored(), model_class="auto")
    assert await cache.lookup(request(agent="scout"), model_class="auto") is not None
    assert await cache.lookup(request(agent="writer"), model_class="auto") is None
    await cache.close()


SCOPES = ("agent", "group:a", "group:b", "all")


@hypothesis_settings(deadline=None, max_examples=30)
@given(
    st.fixed_dictionaries({name: st.sampled_from(SCOPES) for name in ("ada", "scout", "all", "group:a")}),
    st.lists(st.tuples(st.sampled_from(["ada", "scout", "all", "group:a"]), st.sampled_from("xy"), st.booleans())),
)
def test_an_entry_of_one_scope_is_never_served_in_another(
    scopes: dict[str, str], asks: list[tuple[str, str, bool]]
) -> None:
    """An agent may even be named like a scope."""

    def scope(agent: str) -> tuple[str, ...]:
        return (scopes[agent], agent) if scopes[agent] == "agent" else (scopes[agent],)

    async def play(folder: Path) -> None:
        agents = {name: Agent(cache_scope=scope) for name, scope in scopes.items()}
        cache = await opened(folder, rules(**agents))
        kept: dict[tuple[tuple[str, ...], str], str] = {}
        for agent, text, sensitive in asks:
            asked = request(text, agent=agent, sensitive=sensitive)
            hit = await cache.lookup(asked, model_class="auto")
            expected = None if sensitive else kept.get((scope(agent), text))
            assert (hit.stored.text if hit else None) == expected
            await cache.store(asked, stored(f"{agent}'s {text}"), model_class="auto")
            if not sensitive:
                kept[scope(agent), text] = f"{agent}'s {text}"
        assert cache.stats().entries == len(kept)
        await cache.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


async def test_an_agent_whose_cache_is_off_is_neither_served_nor_kept(tmp_path: Path) -> None:
    cache = await opened(tmp_path, rules(ada=Agent(cache="off", cache_scope="all"), scout=Agent(cache_scope="all")))
    await cache.store(request(agent="ada"), stored(), model_class="auto")
    assert cache.stats().entries == 0
    await cache.store(request(agent="scout"), stored(), model_class="auto")
    assert await cache.lookup(request(agent="ada"), model_class="auto") is None
    assert cache.stats().lookups == 0
    await cache.close()


async def test_encrypted_entries_outlive_the_process_and_are_in_no_file_as_text(tmp_path: Path) -> None:
    private = rules(ada=Agent(cache="encrypted"))
    asked = request("What about project CANARY?", agent="ada")
    for _ in range(2):
        cache = await opened(tmp_path, private)
        hit = await cache.lookup(asked, model_class="auto")
        await cache.store(asked, stored("CANARY sings. " * 300), model_class="auto")
        parts = await asyncio.to_thread(lambda: [part.read_bytes() for part in tmp_path.glob("cache.db*")])
        assert not any(b"CANARY" in part for part in parts)
        await cache.close()
    assert hit is not None
    assert hit.stored.text.startswith("CANARY sings.")


async def test_with_another_key_an_encrypted_entry_is_a_miss(tmp_path: Path) -> None:
    private = rules(ada=Agent(cache="encrypted"))
    first = await opened(tmp_path, private)
    await first.store(request(agent="ada"), stored(), model_class="auto")
    await first.close()
    second = await ResponseCache.open(
        tmp_path / "cache.db", EXACT, clock=ManualClock(), agent=private, secret=b"x" * 32
    )
    assert await second.lookup(request(agent="ada"), model_class="auto") is None
    assert second.stats().entries == 0
    await second.close()


async def test_without_a_key_nothing_of_a_private_agent_is_kept(tmp_path: Path) -> None:
    private = rules(ada=Agent(cache="encrypted"))
    cache = await ResponseCache.open(tmp_path / "cache.db", EXACT, clock=ManualClock(), agent=private)
    await cache.store(request(agent="ada"), stored(), model_class="auto")
    assert cache.stats().entries == 0
    await cache.close()


async def test_encrypted_questions_have_no_vector_and_are_served_word_for_word_only(tmp_path: Path) -> None:
    private = rules(ada=Agent(cache="encrypted", cache_scope="all"), scout=Agent(cache_scope="all"))
    embedder = WordEmbedder()
    cache = await opened(tmp_path, private, settings_cache.Cache(), embedder=embedder)
    cache.start_semantic()
    await until(lambda: cache.stats().semantic == "on")
    await cache.store(request(QUESTION, agent="ada"), stored("private"), model_class="auto")
    await cache.store(request("Where is the log?", agent="scout"), stored(), model_class="auto")
    await until(lambda: cache.stats().vectors == 1)
    assert await cache.lookup(request(PARAPHRASE, agent="scout"), model_class="auto") is None
    assert await cache.lookup(request("Tell me where the log is.", agent="ada"), model_class="auto") is None
    assert await cache.lookup(request(QUESTION, agent="ada"), model_class="auto") is not None
    await cache.close()
    assert not any(QUESTION in text for batch in embedder.batches for text in batch)


async def test_a_refresh_is_not_looked_up_but_kept(tmp_path: Path) -> None:
    cache = await opened(tmp_path, rules())
    await cache.store(request(), stored("old"), model_class="auto")
    assert await cache.lookup(request(refresh=True), model_class="auto") is None
    await cache.store(request(refresh=True), stored("new"), model_class="auto")
    hit = await cache.lookup(request(), model_class="auto")
    assert hit is not None
    assert hit.stored.text == "new"
    await cache.close()


@pytest.mark.parametrize("notes", [("unverified: the sum is wrong",), ("context cut",)])
async def test_an_answer_that_failed_its_check_is_not_kept(tmp_path: Path, notes: tuple[str, ...]) -> None:
    cache = await opened(tmp_path, rules())
    await cache.store(request(), stored(), model_class="auto", notes=notes)
    assert cache.stats().entries == 0
    await cache.close()


@pytest.mark.parametrize(
    ("settings", "agent", "lives"),
    [
        (settings_cache.Cache(semantic=False, ttl_s={"coding": 5}), Agent(), 5),
        (settings_cache.Cache(semantic=False, ttl_s={"coding": 0}), Agent(), 0),
        (settings_cache.Cache(semantic=False, ttl_s={"coding": 5}), Agent(cache_ttl_s=9), 9),
        (settings_cache.Cache(semantic=False), Agent(cache_ttl_s=0), 0),
    ],
)
async def test_how_long_an_answer_is_kept_is_the_operators_word(
    tmp_path: Path, settings: settings_cache.Cache, agent: Agent, lives: int
) -> None:
    clock = ManualClock()
    cache = await ResponseCache.open(tmp_path / "cache.db", settings, clock=clock, agent=lambda request: agent)
    await cache.store(request(), stored(intent="coding"), model_class="auto")
    if lives:
        clock.advance(lives - 1)
        assert await cache.lookup(request(), model_class="auto") is not None
        clock.advance(1)
    assert await cache.lookup(request(), model_class="auto") is None
    await cache.close()


async def test_no_setting_keeps_what_is_asked_of_now(tmp_path: Path) -> None:
    cache = await opened(tmp_path, lambda name: Agent(cache_ttl_s=1e6))
    for asked, answer in ((request("What time is it now?"), {}), (request("Ring the bell."), {"intent": "tool-use"})):
        await cache.store(asked, stored(**answer), model_class="auto")
    assert cache.stats().entries == 0
    await cache.close()
