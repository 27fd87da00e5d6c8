"""What the cloud alone would have had in its prefix cache: no more than was read, and the truth where it is known."""

from dataclasses import dataclass
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.types import Message, Request
from backends.upstream.cloud_alone import CloudAlone
from backends.upstream.engine_slot import CACHED_S
from backends.upstream.prefix_cache import FIRST_SHARE, PrefixMemory, prefixes
from tests.core import ask, policy, prompt, stand

SYSTEM = Message(role="system", text="You look after a fleet of small machines. " * 400)


@dataclass
class Time:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def turn(*said: str) -> Request:
    spoken = (Message(role=("user", "assistant")[at % 2 == 1], text=text) for at, text in enumerate(said))
    return Request(id="r", messages=(SYSTEM, *spoken))


def alone(time: Time) -> CloudAlone:
    return CloudAlone(time, PrefixMemory(time, size=10, seconds=60))


def cached(it: CloudAlone, request: Request, tokens: int, measured: int = 0, *, by_cloud: bool = False) -> int:
    return it.cached_input(request, prefixes(request), tokens=tokens, measured=measured, by_cloud=by_cloud)


def test_a_local_turn_would_have_found_the_turn_before_it_in_the_clouds_cache() -> None:
    time = Time()
    it = alone(time)
    assert cached(it, turn("a"), 4_000) == 0
    assert cached(it, turn("a", "b", "c"), 4_100) == 4_000 * FIRST_SHARE
    time.now += CACHED_S + 1
    assert cached(it, turn("a", "b", "c", "d", "e"), 4_200) == 0


def test_where_the_cloud_answered_all_turns_what_it_billed_is_the_truth() -> None:
    it = alone(Time())
    assert cached(it, turn("a"), 4_000, by_cloud=True) == 0
    assert cached(it, turn("a", "b", "c"), 4_100, 0, by_cloud=True) == 0
    assert cached(it, turn("a", "b", "c", "d", "e"), 4_200, 4_050, by_cloud=True) == 4_050


def test_a_cloud_turn_after_local_ones_missed_what_the_cloud_alone_would_have_had() -> None:
    it = alone(Time())
    cached(it, turn("a"), 4_000)
    assert cached(it, turn("a", "b", "c"), 4_100, 0, by_cloud=True) == 4_000 * FIRST_SHARE


def test_another_session_begins_with_the_same_system_prompt() -> None:
    it = alone(Time())
    long = "b" * len(SYSTEM.text)
    cached(it, turn(long), 4_000)
    assert cached(it, turn("x"), 2_100) == 2_000 * FIRST_SHARE


@given(st.lists(st.tuples(st.integers(0, 50_000), st.integers(0, 50_000), st.booleans()), max_size=8))
def test_it_is_never_more_than_the_prompt_nor_less_than_what_was_measured(
    turns: list[tuple[int, int, bool]],
) -> None:
    it, said = alone(Time()), ["a"]
    for tokens, measured, by_cloud in turns:
        found = cached(it, turn(*said), tokens, measured, by_cloud=by_cloud)
        assert min(tokens, measured) <= found <= tokens
        said += ["b", "c"]


async def test_a_session_of_local_turns_saves_less_than_against_an_uncached_cloud(home: Path) -> None:
    async with stand(home, change=lambda settings: policy(settings, "ada", "local")) as it:
        request = prompt("how many are there?", agent="ada", session="s", cache=False)
        request = replace(request, messages=(SYSTEM, *request.messages))
        text, first = await ask(it.core, request)
        then = (Message(role="assistant", text=text), Message(role="user", text="and where?"))
        _, second = await ask(it.core, replace(request, id="second", messages=(*request.messages, *then)))
    assert first.cached_baseline_usd == first.baseline_usd
    assert second.cached_baseline_usd is not None
    assert second.cost_usd < second.cached_baseline_usd < second.baseline_usd
