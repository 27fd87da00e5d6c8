"""A deadline is for the first byte and for silence; only a limit of the caller's own cuts an answer that goes on."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.pipeline.deadline import Deadline
from backends.rehearsal.faults import Fault
from backends.settings.model import Settings
from backends.types import Delta, Done
from tests.backends.pipeline.saying import GOOD, JSON, Says, checked
from tests.core import ask, chunks, policy, prompt, stand

seconds = st.floats(0.001, 1e6)


def writing(settings: Settings) -> Settings:
    return policy(settings, "writer", "cloud")


@given(seconds, seconds, seconds, st.none() | seconds)
def test_patience_begins_anew_with_each_sign_of_life_and_the_whole_never(
    now: float, heard: float, patience: float, timeout: float | None
) -> None:
    deadline = Deadline(started=0.0, patience_s=patience, timeout_s=timeout)
    left = deadline.left_s(now, heard)
    assert left >= 0
    assert left <= deadline.left_s(now, heard + 1)
    if timeout is not None:
        assert left <= max(0.0, timeout - now)


async def test_a_stream_that_goes_on_beyond_its_deadline_is_heard_to_its_end(home: Path) -> None:
    async with stand(home, change=writing) as it:
        await ask(it.core, prompt("the first call imports the client", agent="writer"))
        it.gemini.behaviour = replace(it.gemini.behaviour, tokens_per_s=40.0, chunk_tokens=1, first_token_s=0.0)
        _, outcome = await ask(it.core, prompt("describe a rack", agent="writer", deadline_s=0.4))
    assert outcome.finish == "stop"
    assert outcome.latency_ms > 400


@pytest.mark.parametrize("after", [None, 3])
@pytest.mark.proves("I8")
async def test_silence_ends_it_before_the_first_byte_and_after(home: Path, after: int | None) -> None:
    async with stand(home, change=writing) as it:
        await ask(it.core, prompt("the first call imports the client", agent="writer"))
        it.gemini.inject(Fault(kind="silence", after=after))
        heard = await chunks(it.core, prompt("describe a rack", agent="writer", deadline_s=0.4))
    done = heard[-1]
    assert isinstance(done, Done)
    assert (done.outcome.finish, done.outcome.error_kind, done.outcome.should_retry) == ("error", "deadline", False)
    assert any(isinstance(chunk, Delta) for chunk in heard) is (after is not None)
    assert ("before anything was heard" in (done.outcome.error or "")) is (after is None)


@pytest.mark.proves("I8")
async def test_a_limit_of_the_callers_own_holds_to_the_end(home: Path) -> None:
    async with stand(home, change=writing) as it:
        await ask(it.core, prompt("the first call imports the client", agent="writer"))
        it.gemini.behaviour = replace(it.gemini.behaviour, tokens_per_s=20.0, chunk_tokens=1, first_token_s=0.0)
        heard = await chunks(it.core, prompt("describe a rack", agent="writer", timeout_s=0.4))
    done = heard[-1]
    assert isinstance(done, Done)
    assert any(isinstance(chunk, Delta) for chunk in heard)
    assert (done.outcome.finish, done.outcome.error_kind) == ("error", "deadline")
    assert 400 <= done.outcome.latency_ms < 1_500


async def test_an_answer_that_is_kept_back_for_its_check_is_no_silence(home: Path) -> None:
    async with checked(home) as it:
        it.ollama.answerer = Says(GOOD)
        it.ollama.behaviour = replace(it.ollama.behaviour, tokens_per_s=10.0, chunk_tokens=1, first_token_s=0.0)
        text, outcome = await ask(it.core, prompt("as JSON", agent="writer", response_format=JSON, deadline_s=0.35))
    assert (text, outcome.engine, outcome.finish) == (GOOD, "local", "stop")
    assert outcome.latency_ms > 350
