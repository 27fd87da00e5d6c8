"""Answers from the cache through a whole core: what a caller is told of them, who may have which, what goes wrong."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.cache.disk_tier import RETRY_S
from backends.clock import ManualClock
from backends.errors import WrongUse
from backends.paths import Paths
from backends.rehearsal.behaviour import Counted
from backends.settings.engines import OpenAISettings
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import CLOUD, Action, Delta, Done, Routed, Sampling, Snapshot
from tests.core import Stand, ask, chunks, policy, prompt, stand
from tests.waiting import until

LIST = "name three uses of a cache"
QUESTION = "What is the queue depth of the local model?"
PARAPHRASE = "Please: what is the queue depth of the local model?"
EMBEDDER = "ollama:nomic-embed-text"


def cloudy(settings: Settings) -> Settings:
    return policy(settings, "writer", "cloud")


def rechecking(share: float = 1.0, embedder: str = EMBEDDER) -> Callable[[Settings], Settings]:
    """The semantic tier, with vectors of the local twin, for which texts of the same words lie together."""

    def change(settings: Settings) -> Settings:
        cache = replace(settings.cache, semantic=True, embedder=embedder, recheck=share)
        return replace(cloudy(settings), cache=cache)

    return change


async def snapshot_when(it: Stand, condition: Callable[[Snapshot], object]) -> Snapshot:
    """The first snapshot for which `condition` holds. Raises TimeoutError if that takes too long."""
    found = await it.core.snapshot()

    async def holds() -> object:
        nonlocal found
        found = await it.core.snapshot()
        return condition(found)

    await until(holds)
    return found


async def with_an_answer(it: Stand) -> None:
    """Wait until the semantic tier is on and QUESTION, answered once, has a vector."""
    await snapshot_when(it, lambda now: now.cache.semantic == "on")
    await ask(it.core, prompt(QUESTION, agent="writer"))
    await snapshot_when(it, lambda now: now.cache.vectors == 1)


async def test_a_hit_says_which_entry_it_is_how_old_and_whose(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        first = prompt(LIST, agent="writer")
        text, _ = await ask(it.core, first)
        routed, *parts, done = await chunks(it.core, prompt(LIST, agent="writer"))
    assert isinstance(routed, Routed)
    assert isinstance(done, Done)
    assert "".join(part.text for part in parts if isinstance(part, Delta)) == text
    entry, seconds = done.outcome.cache_entry, done.outcome.cache_age_s
    assert len(entry) == 12
    assert seconds is not None
    assert [reason.rule for reason in routed.explanation.reasons] == ["cache", "cache entry"]
    assert f"{entry}, " in done.outcome.reasons[1].detail
    assert f"asked by writer, in {first.id}" in done.outcome.reasons[1].detail


async def test_a_hit_streams_in_pieces(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        text, _ = await ask(it.core, prompt(LIST, agent="writer", sampling=Sampling(max_tokens=4000)))
        heard = await chunks(it.core, prompt(LIST, agent="writer", sampling=Sampling(max_tokens=4000)))
        pieces = [chunk.text for chunk in heard if isinstance(chunk, Delta)]
    assert "".join(pieces) == text
    assert len(pieces) > 1 or len(text) < 64


async def test_no_cache_asks_anew_and_the_new_answer_is_kept(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        await ask(it.core, prompt(LIST, agent="writer"))
        _, outcome = await ask(it.core, prompt(LIST, agent="writer", refresh=True))
        _, after = await ask(it.core, prompt(LIST, agent="writer"))
    assert (outcome.engine, outcome.cache) == ("cloud", "bypass")
    assert after.cache == "exact"
    assert outcome.id in after.reasons[1].detail


async def test_refreshes_in_flight_share_nothing(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        await asyncio.gather(*(ask(it.core, prompt(LIST, agent="writer", refresh=True)) for _ in range(3)))
        assert sum(it.gemini.usage.counts()["calls"].values()) == 3


async def test_answers_of_one_class_of_models_never_serve_another(home: Path) -> None:
    """The same agent and words, asked of another engine, under another pin."""
    async with stand(home) as it:
        await ask(it.core, prompt(LIST, engine="cloud"))
        _, local = await ask(it.core, prompt(LIST, engine="local"))
        _, again = await ask(it.core, prompt(LIST, engine="local"))
        await it.core.act(Action(verb="pin", actor="test", agent="coding", engine="local"))
        await ask(it.core, prompt(LIST, agent="coding"))
        await it.core.act(Action(verb="pin", actor="test", agent="coding", engine="cloud"))
        _, pinned = await ask(it.core, prompt(LIST, agent="coding"))
    assert (local.engine, again.cache, pinned.engine) == ("local", "exact", "cloud")


async def test_a_complaint_about_a_hit_kills_its_entry(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        await ask(it.core, prompt(LIST, agent="writer"))
        _, hit = await ask(it.core, prompt(LIST, agent="writer"))
        acted = await it.core.act(Action(verb="wrong-hit", actor="test", id=hit.id))
        _, after = await ask(it.core, prompt(LIST, agent="writer"))
        stats = (await it.core.snapshot()).cache
        with pytest.raises(WrongUse, match="kill-entry"):
            await it.core.act(Action(verb="wrong-hit", actor="test", id="unknown"))
    assert hit.cache_entry in acted.detail
    assert (after.cache, stats.complaints) == ("miss", 1)


async def test_a_hit_that_is_rated_bad_is_a_complaint(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        _, fresh = await ask(it.core, prompt(LIST, agent="writer"))
        _, hit = await ask(it.core, prompt(LIST, agent="writer"))
        good = await it.core.act(Action(verb="rate", actor="test", id=hit.id, good=True))
        elsewhere = await it.core.act(Action(verb="rate", actor="test", id=fresh.id, good=False))
        await snapshot_when(it, lambda now: now.cache.entries == 1)
        bad = await it.core.act(Action(verb="rate", actor="test", id=hit.id, good=False))
        stats = (await it.core.snapshot()).cache
    assert "entry" not in good.detail + elsewhere.detail
    assert bad.detail.endswith(f"rated bad, its cache entry {hit.cache_entry} killed")
    assert (stats.entries, stats.complaints) == (0, 1)


async def test_what_the_providers_own_cache_saved_is_counted(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        it.gemini.behaviour = replace(it.gemini.behaviour, counted=Counted(input=9000, cached=6000))
        _, outcome = await ask(it.core, prompt(LIST, agent="writer"))
        stats = (await it.core.snapshot()).cache
    assert outcome.tokens.cached_input == stats.provider_cached_tokens == 6000
    assert Decimal(0) < stats.provider_saved_usd < Decimal("0.01")


async def test_an_entry_is_killed_by_name(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        await ask(it.core, prompt(LIST, agent="writer"))
        _, hit = await ask(it.core, prompt(LIST, agent="writer"))
        acted = await it.core.act(Action(verb="kill-entry", actor="test", id=hit.cache_entry))
        with pytest.raises(WrongUse, match="no entry"):
            await it.core.act(Action(verb="kill-entry", actor="test", id=hit.cache_entry))
    assert acted.detail == f"entry {hit.cache_entry} killed"


async def test_a_cache_that_cannot_be_used_is_one_alert_and_no_lost_answer(home: Path) -> None:
    clock, blocked = ManualClock(), Paths.find(environ={"CLAW_HOME": str(home)}).cache
    await asyncio.to_thread(blocked.mkdir, parents=True)
    async with stand(home, change=cloudy, clock=clock) as it:
        for number in range(8):
            text, outcome = await ask(it.core, prompt(f"{LIST}, number {number}", agent="writer"))
            assert text
            assert outcome.finish == "stop"
            clock.advance(RETRY_S / 10)
        (alert,) = (await snapshot_when(it, lambda now: now.alerts)).alerts
        assert (alert.key, "cannot be used" in alert.text) == ("cache", True)
        await asyncio.to_thread(blocked.rmdir)
        clock.advance(RETRY_S)
        await ask(it.core, prompt(f"{LIST} that can be stored", agent="writer"))
        await snapshot_when(it, lambda now: now.cache.entries == 1 and not now.cache.problem)
        await ask(it.core, prompt(f"{LIST} that can be stored too", agent="writer"))
        await snapshot_when(it, lambda now: not now.alerts)


async def test_an_embedding_model_that_does_not_load_is_one_alert_and_no_lost_answer(home: Path) -> None:
    async with stand(home, change=rechecking(embedder="ollama:nobody")) as it:
        await snapshot_when(it, lambda now: now.cache.semantic == "failed")
        await ask(it.core, prompt(LIST, agent="writer"))
        _, hit = await ask(it.core, prompt(LIST, agent="writer"))
        (alert,) = (await snapshot_when(it, lambda now: now.alerts)).alerts
    assert hit.cache == "exact"
    assert (alert.key, "ollama pull nobody" in alert.text) == ("semantic", True)


async def test_no_question_is_embedded_outside_the_local_zone(home: Path) -> None:
    def elsewhere(settings: Settings) -> Settings:
        settings = rechecking()(settings)
        local, far = settings.engines["local"], replace(settings.engines["local"], zone=CLOUD)
        compatible = OpenAISettings(base_url=local.addresses[0])
        return replace(settings, engines=settings.engines | {"local": compatible, "far": far})

    async with stand(home, change=elsewhere) as it:
        now = await snapshot_when(it, lambda now: now.cache.semantic == "failed")
        await ask(it.core, prompt(QUESTION, agent="writer"))
    assert "in the local zone" in now.cache.semantic_detail
    assert it.ollama.usage.requests["POST /api/embed"] == 0


async def test_a_paraphrase_is_asked_anew_in_the_background_and_judged(home: Path) -> None:
    async with stand(home, change=rechecking()) as it:
        await with_an_answer(it)
        _, hit = await ask(it.core, prompt(PARAPHRASE, agent="writer"))
        stats = (await snapshot_when(it, lambda now: now.cache.rechecked == 1)).cache
    first, served, shadow = it.rows()
    assert (hit.id, hit.cache) == (served["id"], "semantic")
    assert "similarity 0.9" in hit.reasons[0].detail
    assert stats.rechecked_usd == Decimal(shadow["cost_usd"]) > 0
    assert (shadow["engine"], shadow["cache"], Decimal(shadow["baseline_usd"])) == ("cloud", "bypass", 0)
    assert shadow["model"] == first["model"]


@pytest.mark.parametrize("change", ["share", "exact", "limit", "budget"])
async def test_what_is_not_asked_anew(home: Path, change: str) -> None:
    def changed(settings: Settings) -> Settings:
        settings = rechecking(0.0 if change == "share" else 1.0)(settings)
        if change == "limit":
            return policy(settings, "writer", "cloud", requests_per_minute=100)
        if change == "budget":
            return replace(
                settings, budgets=(Budget(scope="engine:cloud", limit_usd=Decimal("0.09"), on_exceeded="refuse"),)
            )
        return settings

    async with stand(home, change=changed) as it:
        if change == "budget":  # so that asking again would cost more than a tenth of what is left
            it.gemini.behaviour = replace(it.gemini.behaviour, counted=Counted(input=30_000))
        await with_an_answer(it)
        it.gemini.behaviour = replace(it.gemini.behaviour, counted=Counted())
        _, hit = await ask(it.core, prompt(QUESTION if change == "exact" else PARAPHRASE, agent="writer"))
        # In the time of another call the question would have been asked anew.
        await ask(it.core, prompt(LIST, agent="writer"))
        assert hit.engine == "cache"
        assert (await it.core.snapshot()).cache.rechecked == 0
        assert sum(it.gemini.usage.counts()["calls"].values()) == 2


async def test_a_shadow_request_ends_with_the_core(home: Path) -> None:
    async with stand(home, change=rechecking()) as it:
        await with_an_answer(it)
        it.gemini.behaviour = replace(it.gemini.behaviour, first_token_s=60.0)
        await ask(it.core, prompt(PARAPHRASE, agent="writer"))
        await until(lambda: it.gemini.usage.open == 1)
    rows = it.rows("finish = 'cancelled'")
    assert len(rows) == 1
