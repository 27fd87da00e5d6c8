"""Explicit caches against the Gemini twin: found by what they hold, bounded, extended, and deleted."""

from collections.abc import AsyncIterator

import pytest
from msgspec import Raw
from msgspec.structs import replace

from backends.clock import ManualClock
from backends.engines.base import ExplicitCache
from backends.engines.endpoint import Endpoint
from backends.engines.gemini.explicit_caches import MOST_EACH, PAUSE_S, ExplicitCaches, PromptParts, joined
from backends.engines.probe import Probe
from backends.engines.transport import Transport
from backends.errors import EngineError
from backends.rehearsal.gemini_twin import GeminiTwin
from tests.backends.engines.rig import API_KEY

FLASH = "gemini-3.5-flash-lite"
WANTED = ExplicitCache(owner="writer", seconds=300, make=True, messages=2, tokens=5_000)


def parts(*turns: str, system: str = "Be brief.", stable: int = 2) -> PromptParts:
    written = tuple(b'{"role":"user","parts":[{"text":"%s"}]}' % (turn.encode() * 1_500) for turn in turns)
    head = Raw(b'{"parts":[{"text":"%s"}]}' % system.encode())
    return PromptParts({"systemInstruction": head, "contents": joined(written)}, written, stable)


SESSION = parts("one ", "two ", "three ")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def caches(gemini_twin: GeminiTwin, clock: ManualClock) -> AsyncIterator[ExplicitCaches]:
    endpoint = Endpoint(engine="cloud", base_url=gemini_twin.url, label="Gemini", remedy="", billed=True)
    transport = Transport(endpoint, parallel=4)
    yield ExplicitCaches(Probe(endpoint, transport), API_KEY, clock.monotonic)
    await transport.aclose()


async def made(caches: ExplicitCaches, wanted: ExplicitCache = WANTED, prompt: PromptParts = SESSION) -> None:
    assert caches.may_make(wanted, instead_of=None)
    assert await caches.make(wanted, FLASH, prompt, instead_of=None)


async def test_one_is_found_by_its_owner_model_and_beginning(caches: ExplicitCaches) -> None:
    await made(caches)
    found = caches.find(WANTED, FLASH, parts("one ", "two ", "another ", "more "))
    assert found is not None
    assert (found.turns, found.tokens > 3_000) == (2, True)
    for wanted, model, prompt in (
        (replace(WANTED, owner="ada"), FLASH, SESSION),
        (WANTED, "gemini-2.5-pro", SESSION),
        (WANTED, FLASH, parts("one ", "other ", "three ")),
        (WANTED, FLASH, parts("one ", "two ", "three ", system="Be kind.")),
        (WANTED, FLASH, parts("one ", "two ")),  # nothing would be left to ask
    ):
        assert caches.find(wanted, model, prompt) is None


async def test_another_is_made_for_an_agent_only_once_the_last_was_read(caches: ExplicitCaches) -> None:
    await made(caches)
    assert not caches.may_make(WANTED, instead_of=None)
    assert caches.may_make(replace(WANTED, owner="ada"), instead_of=None)
    caches.find(WANTED, FLASH, SESSION)
    assert caches.may_make(WANTED, instead_of=None)


async def test_an_agent_has_a_few_at_a_time(caches: ExplicitCaches) -> None:
    for number in range(MOST_EACH):
        prompt = parts(f"s{number} ", "two ", "three ")
        await made(caches, prompt=prompt)
        assert caches.find(WANTED, FLASH, prompt) is not None
    assert not caches.may_make(WANTED, instead_of=None)


async def test_one_lives_longer_while_it_is_used(
    caches: ExplicitCaches, gemini_twin: GeminiTwin, clock: ManualClock
) -> None:
    await made(caches)
    found = caches.find(WANTED, FLASH, SESSION)
    assert found is not None
    assert caches.missing_s(found, WANTED) == 0
    clock.advance(200)
    seconds = caches.missing_s(found, WANTED)
    assert 195 <= seconds <= 200
    assert await caches.extend(found, seconds)
    clock.advance(200)
    assert caches.find(WANTED, FLASH, SESSION) is not None
    clock.advance(100)
    assert caches.find(WANTED, FLASH, SESSION) is None


async def test_after_a_refusal_none_is_made_for_a_while(caches: ExplicitCaches, clock: ManualClock) -> None:
    small = parts("x", "y", "z", stable=0)
    assert await caches.make(WANTED, FLASH, small, instead_of=None) is None
    assert not caches.may_make(WANTED, instead_of=None)
    clock.advance(PAUSE_S)
    assert caches.may_make(WANTED, instead_of=None)


async def test_where_no_answer_comes_it_is_not_known_whether_one_was_made(
    caches: ExplicitCaches, gemini_twin: GeminiTwin
) -> None:
    await gemini_twin.close()
    with pytest.raises(EngineError):
        await caches.make(WANTED, FLASH, SESSION, instead_of=None)
    assert not caches.may_make(WANTED, instead_of=None)


async def test_all_are_deleted_in_the_end(caches: ExplicitCaches, gemini_twin: GeminiTwin) -> None:
    await made(caches)
    await made(caches, replace(WANTED, owner="ada"))
    assert len(gemini_twin.caches.list()) == 2
    await caches.close()
    assert gemini_twin.caches.list() == []


async def test_one_that_grows_takes_the_place_of_the_one_before(
    caches: ExplicitCaches, gemini_twin: GeminiTwin
) -> None:
    await made(caches)
    found = caches.find(WANTED, FLASH, SESSION)
    longer = parts("one ", "two ", "three ", "four ", "five ", stable=4)
    assert await caches.make(WANTED, FLASH, longer, instead_of=found)
    (card,) = gemini_twin.caches.list()
    again = caches.find(WANTED, FLASH, longer)
    assert again is not None
    assert (again.name, again.turns) == (card["name"], 4)
