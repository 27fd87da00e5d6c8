"""The third tier: how much of the input engines had in their own prefix caches, today and by agent."""

from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from backends.clock import ManualClock
from backends.commands.cache import stats_lines
from backends.rehearsal.behaviour import Counted
from backends.settings.model import Settings
from backends.types import CacheStats, Policy, PrefixUse
from tests.core import Stand, ask, policy, prompt, stand


def agents(settings: Settings) -> Settings:
    where: dict[str, Policy] = {"writer": "cloud", "coding": "cloud", "scout": "local"}
    for agent, zone in where.items():
        settings = policy(settings, agent, zone)
    return settings


async def stats(it: Stand) -> CacheStats:
    return (await it.core.snapshot()).cache


async def test_what_a_provider_had_cached_counts_for_its_agent(home: Path) -> None:
    async with stand(home, change=agents) as it:
        for agent, cached in (("writer", 6_000), ("coding", 0)):
            counted = Counted(input=8_000, cached=cached)
            it.gemini.behaviour = replace(it.gemini.behaviour, counted=counted)
            await ask(it.core, prompt(f"name a use of {agent}s", agent=agent))
        told = await stats(it)
    assert told.prefix == PrefixUse(known_tokens=16_000, cached_tokens=6_000)
    assert told.prefix.share == 0.375
    assert told.prefix_by_agent == {
        "writer": PrefixUse(known_tokens=8_000, cached_tokens=6_000),
        "coding": PrefixUse(known_tokens=8_000),
    }
    lines = stats_lines(told, running=True)
    assert "prefix     38 % of 16,000 input tokens today, from engines' prefix caches" in lines
    assert "by agent   writer: 75 % of 8,000 input tokens today, from engines' prefix caches" in lines


async def test_an_ollama_that_does_not_say_is_unknown_and_not_zero(home: Path) -> None:
    async with stand(home, change=agents) as it:
        it.ollama.behaviour = replace(it.ollama.behaviour, tells_cached=False)
        _, outcome = await ask(it.core, prompt("name a use of caches", agent="scout"))
        silent = await stats(it)
        it.ollama.behaviour = replace(it.ollama.behaviour, tells_cached=True)
        await ask(it.core, prompt("name a use of locks", agent="scout"))
        told = await stats(it)
    assert silent.prefix == PrefixUse(unknown_tokens=outcome.tokens.input)
    assert silent.prefix.share is None
    (line,) = (line for line in stats_lines(silent, running=True) if line.startswith("prefix"))
    assert line == (
        "prefix     – of 0 input tokens today, from engines' prefix caches; of "
        f"{outcome.tokens.input} others it is not known"
    )
    assert told.prefix.known_tokens > 0
    assert told.prefix.share is not None


async def test_each_day_counts_anew(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, change=agents, clock=clock) as it:
        it.gemini.behaviour = replace(it.gemini.behaviour, counted=Counted(input=8_000, cached=6_000))
        await ask(it.core, prompt("name a use of caches", agent="writer"))
        clock.jump(timedelta(days=1).total_seconds())
        tomorrow = await stats(it)
        await ask(it.core, prompt("name a use of locks", agent="writer"))
        after = await stats(it)
    assert tomorrow.prefix == PrefixUse()
    assert after.prefix.known_tokens == 8_000
