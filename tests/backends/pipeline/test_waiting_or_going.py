"""With the local queue full, a tight deadline goes to the cloud and a loose one waits its turn."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from backends.settings.model import Settings
from backends.types import Source
from tests.core import Stand, ask, policy, prompt, stand
from tests.waiting import until


def narrow(settings: Settings) -> Settings:
    """One place at the local engine, and an agent whose prompts it is always good enough for."""
    local = replace(settings.engines["local"], parallel=1)
    settings = replace(settings, engines=settings.engines | {"local": local})
    return policy(settings, "writer", "auto", dial=0.0)


@asynccontextmanager
async def held(it: Stand, calls: int) -> AsyncGenerator[None]:
    """`calls` slow ones of another agent: one at the engine, the others in its queue."""
    it.ollama.behaviour = replace(it.ollama.behaviour, tokens_per_s=0.5)
    async with AsyncExitStack() as stack:
        tasks = [asyncio.create_task(ask(it.core, prompt(f"count to {n}", agent="scout"))) for n in range(calls)]
        slot = it.slots["local"]
        await until(lambda: slot.limiter.waiting == calls - 1 and it.ollama.usage.open == 1)
        stack.callback(lambda: setattr(it.ollama, "behaviour", replace(it.ollama.behaviour, tokens_per_s=5000.0)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def test_a_tight_deadline_goes_to_the_cloud_and_a_loose_one_waits(home: Path) -> None:
    async with stand(home, change=narrow) as it:
        it.slots["local"].throughput.record(intent="chat", output=400, first_token_s=0.5, total_s=20.0)
        async with held(it, 3):
            _, tight = await ask(it.core, prompt("hello there", agent="writer", deadline_s=30.0))
            loose = asyncio.create_task(ask(it.core, prompt("good evening", agent="writer", deadline_s=300.0)))
            await until(lambda: it.slots["local"].limiter.waiting == 3)
        _, waited = await loose
    assert (tight.engine, waited.engine) == ("cloud", "local")
    (reason,) = [reason for reason in tight.reasons if reason.rule == "deadline"]
    assert reason.detail.endswith("deadline 30 s")
    assert "deadline" not in {reason.rule for reason in waited.reasons}


async def test_before_anything_was_measured_the_running_calls_tell_how_long_it_takes(home: Path) -> None:
    async with stand(home, change=narrow) as it, held(it, 3):
        slot = it.slots["local"]
        assert slot.throughput.service_s is None
        await until(lambda: (slot.wait_s() or 0.0) > 0.6)
        told = await it.core.explain(prompt("hello there", agent="writer", deadline_s=0.6))
        patient = await it.core.explain(prompt("hello there", agent="writer", deadline_s=3000.0))
    assert (told.engine, patient.engine) == ("cloud", "local")
    assert told.weighed is not None
    assert told.weighed.waiting == 2
    assert told.alternatives[0].ruled_out_by == "deadline"


async def test_a_full_queue_is_no_place_to_wait(home: Path) -> None:
    def full(settings: Settings) -> Settings:
        settings = narrow(settings)
        local = replace(settings.engines["local"], queue_limit=1)
        return replace(settings, engines=settings.engines | {"local": local})

    async with stand(home, change=full) as it, held(it, 2):
        _, outcome = await ask(it.core, prompt("hello there", agent="writer", deadline_s=3000.0))
    assert outcome.engine == "cloud"
    assert ("engine", "its queue of 1 is full") in {(reason.rule, reason.detail) for reason in outcome.reasons}


async def test_a_prompt_of_the_chat_is_told_its_place_in_the_queue(home: Path) -> None:
    sources: tuple[Source, ...] = ("chat", "chat", "chat", "gateway")
    asked = [prompt(f"say {n}", agent="writer", engine="local", source=each) for n, each in enumerate(sources)]
    async with stand(home, change=narrow) as it, held(it, 1):
        tasks = []
        for request in asked:
            tasks.append(asyncio.create_task(ask(it.core, request)))
            await until(lambda: it.slots["local"].limiter.waiting == len(tasks))
        told = {call.id: call.position for call in (await it.core.snapshot()).in_flight}
        tasks[0].cancel()

        async def moved() -> bool:
            now = {call.id: call.position for call in (await it.core.snapshot()).in_flight}
            return [now.get(request.id) for request in asked] == [None, 1, 2, None]

        await until(moved)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert [told[request.id] for request in asked] == [1, 2, 3, None]
