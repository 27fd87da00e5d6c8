"""What one engine refuses, or falls over, and who answers then; and what one prompt may not do to everybody."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.errors import ContextTooLong, EngineError, NoEngine, Unsupported
from backends.rehearsal.faults import Fault
from backends.settings.model import Settings
from backends.types import Media, Message, Sampling
from tests.core import ask, policy, prompt, stand

MALFORMED = {"error": {"code": 400, "message": "Invalid value at generation_config", "status": "INVALID_ARGUMENT"}}


def cloud_first(settings: Settings) -> Settings:
    return policy(policy(settings, "writer", "prefer-cloud"), "ada", "cloud")


async def test_a_request_that_one_engine_calls_malformed_is_answered_by_the_other(home: Path) -> None:
    async with stand(home, change=cloud_first) as it:
        for _ in range(8):  # more than a budget for retries would allow
            it.gemini.inject(Fault(kind="status", status=400, body=MALFORMED))
            _, outcome = await ask(it.core, prompt("describe a rack", agent="writer", cache=False))
            assert (outcome.engine, outcome.finish) == ("local", "stop")
            assert [attempt.error is None for attempt in outcome.attempts] == [False, True]
            assert "Invalid value" in str(outcome.attempts[0].error)
        assert it.slots["cloud"].breaker.usable()


async def test_where_no_other_may_answer_a_malformed_request_is_the_callers(home: Path) -> None:
    async with stand(home, change=cloud_first) as it:
        it.gemini.inject(Fault(kind="status", status=400, body=MALFORMED))
        _, outcome = await ask(it.core, prompt("describe a rack", agent="ada"))
    assert (outcome.finish, outcome.error_kind) == ("error", "rejected")


async def test_an_image_type_that_nobody_takes_is_refused_before_any_engine_is_asked(home: Path) -> None:
    gif = Message(role="user", text="what is this?", media=(Media(media_type="image/gif", data=b"GIF89a"),))
    async with stand(home, change=cloud_first) as it:
        with pytest.raises(Unsupported, match="cloud takes no image/gif"):
            await ask(it.core, replace(prompt("", agent="writer"), messages=(gif,)))
        assert it.gemini.usage.requests.total() == 0


async def test_one_prompt_that_an_engine_falls_over_closes_it_for_nobody_else(home: Path) -> None:
    async with stand(home, change=cloud_first) as it:
        it.gemini.inject(Fault(kind="status", status=500, times=None))
        for _ in range(5):
            _, outcome = await ask(it.core, prompt("the poisoned one", agent="ada", cache=False))
            assert (outcome.finish, outcome.should_retry) == ("error", False)
        assert it.slots["cloud"].breaker.usable()
        for number in range(2):
            await ask(it.core, prompt(f"another one {number}", agent="ada", cache=False))
        assert not it.slots["cloud"].breaker.usable()


async def test_an_engine_that_nobody_reaches_is_closed_by_one_prompt_as_well(home: Path) -> None:
    async with stand(home, change=cloud_first) as it:
        await it.gemini.close()
        for _ in range(2):
            await ask(it.core, prompt("the same one", agent="ada", cache=False))
        with pytest.raises(NoEngine) as away:
            await ask(it.core, prompt("another one", agent="ada", cache=False))
    assert away.value.retry_after_s is not None


async def test_the_second_caller_after_a_limit_hears_429_with_what_is_left_of_it(home: Path) -> None:
    async with stand(home, change=cloud_first) as it:
        it.gemini.incident("C1")
        _, first = await ask(it.core, prompt("describe a rack", agent="ada"))
        assert (first.error_kind, first.retry_after_s) == ("rate-limited", 36.0)
        with pytest.raises(EngineError) as second:
            await ask(it.core, prompt("describe a shelf", agent="ada"))
    assert second.value.kind == "rate-limited"
    assert second.value.retry_after_s is not None
    assert 30 < second.value.retry_after_s <= 36


async def test_a_sensitive_prompt_while_ollama_is_down_hears_503_that_names_it(home: Path) -> None:
    async with stand(home) as it:
        await it.ollama.close()
        with pytest.raises(NoEngine, match=r"qwen2\.5:14b does not answer") as away:
            await ask(it.core, prompt("hello", agent="writer", sensitive=True))
    assert (away.value.http_status, away.value.retry_after_s) == (503, 10.0)


async def test_a_prompt_too_long_for_every_window_names_both_numbers(home: Path) -> None:
    async with stand(home) as it:
        with pytest.raises(ContextTooLong, match=r"maximum context length is 32768 tokens.*in about \d+ tokens"):
            await ask(it.core, prompt("word " * 40_000, agent="scout"))
        assert it.ollama.usage.counts()["calls"] == {}


@pytest.mark.parametrize(("asked", "given"), [(None, 4096), (300, 300), (12_000, 12_000), (32_760, None)])
async def test_a_callers_output_cap_is_honoured_as_far_as_the_window_goes_and_told_where_not(
    home: Path, asked: int | None, given: int | None
) -> None:
    async with stand(home) as it:
        request = prompt("describe a rack", agent="scout", sampling=Sampling(max_tokens=asked))
        _, outcome = await ask(it.core, request)
        explained = await it.core.explain(request)
        tokens = explained.classes.input_tokens if explained.classes else 0
    cut = [note for note in outcome.notes if "max_tokens" in note]
    assert cut == ([] if given is not None else [f"max_tokens 32760 cut to {32_768 - tokens}"])


async def test_a_prompt_near_the_window_stays_local_and_gets_what_room_there_is(home: Path) -> None:
    """What is decided, reserved and asked of the engine is one count."""
    async with stand(home, change=lambda s: policy(s, "writer", "prefer-local")) as it:
        it.ollama.behaviour = replace(it.ollama.behaviour, first_token_s=0.0)
        _, outcome = await ask(it.core, prompt("word " * 12_000, agent="writer", cache=False))
    assert (outcome.engine, outcome.finish, len(outcome.attempts)) == ("local", "stop", 1)


async def test_an_agents_prompt_of_30_000_tokens_is_answered_at_home_whatever_output_it_asks_for(home: Path) -> None:
    async with stand(home) as it:
        long = prompt("word " * 28_700, agent="infra", sampling=Sampling(max_tokens=32_000))
        _, outcome = await ask(it.core, long)
        (window,) = [engine.window for engine in (await it.core.snapshot()).engines if engine.name == "local"]
        assert it.ollama.usage.calls[-1].input > 28_700
    assert (outcome.engine, outcome.finish, window) == ("local", "stop", 32_768)
    assert [note for note in outcome.notes if note.startswith("max_tokens 32000 cut to ")]
