"""Local prompts that take long to be read: expected beforehand, waited for, and no outage."""

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from backends.settings.model import Settings
from backends.types import Outcome, Request
from tests.core import Stand, ask, policy, prompt, stand

RATE = 8_000.0
"""Tokens a second that the twin reads here; a word of these prompts is one."""


def impatient(settings: Settings) -> Settings:
    local = replace(settings.engines["local"], first_byte_s=0.25, parallel=4)
    settings = replace(settings, engines=settings.engines | {"local": local})
    return policy(settings, "ops", "prefer-local")


def reads_slowly(it: Stand, **more: Any) -> None:
    it.ollama.behaviour = replace(it.ollama.behaviour, prefill_tokens_per_s=RATE, **more)


def words(count: int, name: str, **more: Any) -> Request:
    return prompt(f"{name} " + "word " * count, agent="ops", cache=False, **more)


async def answered(it: Stand, request: Request) -> Outcome:
    return (await ask(it.core, request))[1]


async def test_long_prompts_that_wait_for_their_first_byte_do_not_send_small_ones_to_the_cloud(home: Path) -> None:
    async with stand(home, change=impatient) as it:
        await answered(it, words(3, "the first call loads the model"))
        reads_slowly(it)
        late = [await answered(it, words(6_000, name)) for name in ("ada", "bob", "eve")]
        small = await answered(it, words(3, "hello"))
    assert [[attempt.engine for attempt in outcome.attempts] for outcome in late] == [["local", "cloud"]] * 3
    assert small.engine == "local"


async def test_a_prompt_is_waited_for_as_long_as_its_prefill_is_expected_to_take(home: Path) -> None:
    async with stand(home, change=impatient) as it:
        reads_slowly(it)
        for name in ("first", "second"):
            await answered(it, words(1_000, name))
        patient = await answered(it, words(6_000, "long"))
    assert (patient.engine, len(patient.attempts)) == ("local", 1)
    assert patient.ttft_ms is not None
    assert patient.ttft_ms > 500


async def test_a_prefill_beyond_the_deadline_is_ruled_out_beforehand_and_shorter_prompts_stay(home: Path) -> None:
    async with stand(home, change=impatient) as it:
        reads_slowly(it)
        await answered(it, words(1_000, "first"))
        long = await it.core.explain(words(9_000, "long", deadline_s=0.9))
        loads = len(it.ollama.usage.calls)
        short = await answered(it, words(1_000, "short", deadline_s=0.9))
    (local,) = [way for way in long.alternatives if way.engine == "local"]
    assert (long.engine, local.ruled_out_by) == ("cloud", "deadline")
    assert local.detail.endswith("s prefill, deadline 1 s")
    assert (short.engine, len(it.ollama.usage.calls)) == ("local", loads + 1)


async def test_what_the_kv_cache_holds_takes_no_time(home: Path) -> None:
    async with stand(home, change=impatient) as it:
        reads_slowly(it)
        await answered(it, words(1_000, "first"))
        said = words(9_000, "long")
        assert (await answered(it, said)).engine == "local"
        turn = replace(said, id="turn2", messages=(*said.messages, *words(5, "and").messages), deadline_s=0.9)
        outcomes = []
        for number in range(4):
            turn = replace(turn, id=f"turn{number}", messages=(*turn.messages, *words(5, f"then {number}").messages))
            outcomes.append(await answered(it, turn))
    assert [outcome.engine for outcome in outcomes] == ["local"] * 4
    assert max(outcome.ttft_ms or 0 for outcome in outcomes) < 900
