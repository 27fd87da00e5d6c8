"""A local engine that is not alone in the world, through a whole core: hidden queues, windows, restarts."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.errors import NoEngine, QueueFull
from backends.settings.model import Settings
from backends.types import Sampling
from tests.core import Stand, ask, policy, prompt, stand
from tests.waiting import until

PARALLEL, QUEUE = 2, 6


def small(settings: Settings) -> Settings:
    """scout and infra are answered locally, two at once, and six may wait."""
    local = replace(settings.engines["local"], parallel=PARALLEL, queue_limit=QUEUE)
    changed = replace(settings, engines=settings.engines | {"local": local})
    return policy(policy(changed, "scout", "local"), "infra", "local")


async def asked(it: Stand, number: int) -> str:
    """How one of many requests ends: its row's end or kind of error, or "refused"."""
    agent = "scout" if number % 2 else "infra"
    try:
        _, outcome = await ask(it.core, prompt(f"is node {number} up?", agent=agent, cache=False))
    except (NoEngine, QueueFull) as error:
        assert error.http_status == 503
        assert error.retry_after_s is not None
        return "refused"
    return outcome.error_kind or outcome.finish


async def test_l2_a_server_that_hides_its_queue_never_has_more_than_its_part(home: Path) -> None:
    async with stand(home, change=small) as it:
        it.ollama.behaviour = replace(it.ollama.behaviour, parallel=1, queue_limit=None, first_token_s=0.05)
        tasks = [asyncio.create_task(asked(it, number)) for number in range(40)]
        waiting: dict[str, int] = {}

        async def both_wait() -> bool:
            nonlocal waiting
            waiting = (await it.core.snapshot()).engines[0].waiting_by_agent
            return set(waiting) == {"scout", "infra"}

        await until(both_wait)
        ends = await asyncio.gather(*tasks)
        most, refused = it.ollama.usage.most_open, (await it.core.snapshot()).refusals
        rows = await asyncio.to_thread(it.rows)
    assert sum(waiting.values()) <= QUEUE
    assert most == PARALLEL
    turned_away = [row for row in rows if row["finish"] == "error"]  # they arrived at once, and were admitted together
    assert all(row["attempts"] == "[]" for row in turned_away)
    assert ends.count("queue_full") == len(turned_away)
    assert ends.count("stop") == len(rows) - len(turned_away) >= PARALLEL + QUEUE
    assert ends.count("refused") == 40 - len(rows) == sum(each.count for each in refused)
    assert len(turned_away) + ends.count("refused") > 0


async def test_l6_whatever_callers_ask_for_the_model_is_loaded_once(home: Path) -> None:
    async with stand(home, change=small) as it:
        for number in range(24):
            sampling = Sampling(max_tokens=16 << (number % 6), temperature=number % 3 / 2)
            text = f"is node {number} up? " + "It has a long history. " * (40 * (number % 4))
            agent = "scout" if number % 2 else "infra"
            _, outcome = await ask(it.core, prompt(text, agent=agent, cache=False, sampling=sampling))
            assert outcome.engine == "local"
        assert it.ollama.usage.loads == 1


@pytest.mark.parametrize("again", [True, False])
async def test_l9_a_restart_between_two_calls_is_not_noticed(home: Path, again: bool) -> None:
    async with stand(home, change=small) as it:
        await ask(it.core, prompt("is node 1 up?", agent="scout", cache=False))
        if again:
            await it.ollama.restart()
        else:
            await it.ollama.close()
        text, outcome = await ask(it.core, prompt("is node 2 up?", agent="scout", cache=False))
        rows = await asyncio.to_thread(it.rows)
    assert len(rows) == 2
    assert (bool(text), outcome.finish) == ((True, "stop") if again else (False, "error"))
    assert again or outcome.error_kind == "unavailable"
