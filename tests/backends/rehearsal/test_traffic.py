import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator
from datetime import datetime
from itertools import islice, pairwise
from random import Random
from typing import Any

import msgspec
import pytest

from backends.errors import QueueFull
from backends.rehearsal.traffic import Scenario, gaps, planned, play, read_scenario
from backends.settings.agents import AGENTS
from backends.types import Acted, Action, Chunk, Delta, Explanation, Request, Review, Snapshot, Status, Timeline

CAST = read_scenario()


def face(request: Request) -> bytes:
    """All of a request but its id."""
    return msgspec.json.encode(msgspec.structs.replace(request, id=""))


def test_each_of_the_eleven_has_a_dozen_prompts() -> None:
    assert set(CAST.agents) == set(AGENTS)
    assert all(len(agent.prompts) >= 12 for agent in CAST.agents.values())
    assert all(set(prompt.tools) <= set(CAST.tools) for agent in CAST.agents.values() for prompt in agent.prompts)
    assert all(0 < agent.max_tokens <= 160 for agent in CAST.agents.values())


def test_a_seed_is_a_play() -> None:
    one, two, other = (list(islice(planned(seed, CAST), 200)) for seed in (1, 1, 2))

    assert [(plan.gap_s, face(plan.request)) for plan in one] == [(plan.gap_s, face(plan.request)) for plan in two]
    assert [plan.gap_s for plan in one] != [plan.gap_s for plan in other]
    assert len({plan.request.id for plan in one + two + other}) == 600


def test_the_traffic_is_varied_and_its_words_are_filled() -> None:
    plans = list(islice(planned(5, CAST), 600))
    texts = [plan.request.messages[1].text for plan in plans]

    assert {plan.request.agent for plan in plans} == set(AGENTS)
    assert {plan.request.source for plan in plans} == {"traffic"}
    seen = Counter(face(plan.request) for plan in plans)
    assert 0.1 < sum(times - 1 for times in seen.values()) / len(plans) < 0.4
    assert not [text for text in texts if re.search(r"\$[a-z{]", text)]
    assert any("@" in text for text in texts)
    assert any("sk-live-" in text for text in texts)
    assert max(map(len, texts)) > 3_000
    assert any(plan.request.tools for plan in plans)
    assert any(plan.request.response_format.kind == "json" for plan in plans)
    assert 0.01 < sum(plan.leave_after is not None for plan in plans) / len(plans) < 0.06


def test_forty_a_minute_in_bursts_and_quiet_spells() -> None:
    found = list(islice(gaps(Random(3)), 5_000))

    assert 35 < 60 * len(found) / sum(found) < 45
    assert any(gap > 8 for gap in found)
    assert any(one < 0.3 and two < 0.3 for one, two in pairwise(found))


class Listener:
    """A core that answers with words, refuses every seventh, and notes who left early."""

    def __init__(self, enough: int) -> None:
        self.asked: list[Request] = []
        self.left = 0
        self.open = 0
        self.enough = asyncio.Event()
        self._enough = enough

    async def ask(self, request: Request) -> AsyncGenerator[Chunk]:
        self.asked.append(request)
        self.open += 1
        try:
            if len(self.asked) % 7 == 0:
                raise QueueFull("busy")
            for _ in range(20):
                yield Delta("word ")
        except GeneratorExit:
            self.left += 1
            raise
        finally:
            self.open -= 1
            if len(self.asked) >= self._enough:
                self.enough.set()

    async def explain(self, request: Request) -> Explanation:
        raise NotImplementedError

    async def snapshot(self, at: datetime | None = None) -> Snapshot:
        raise NotImplementedError

    async def timeline(self, since: datetime, until: datetime) -> Timeline:
        raise NotImplementedError

    async def status(self) -> Status:
        raise NotImplementedError

    def events(self) -> AsyncGenerator[Any]:
        raise NotImplementedError

    async def act(self, action: Action) -> Acted:
        raise NotImplementedError

    async def review(self) -> Review:
        raise NotImplementedError


async def test_a_play_goes_on_until_cancelled() -> None:
    core = Listener(enough=300)
    playing = asyncio.create_task(play(core, seed=4, pace=1e9))
    async with asyncio.timeout(20):
        await core.enough.wait()
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing

    assert len(core.asked) >= 300
    assert core.left > 0
    assert core.open == 0


def test_a_cast_is_data() -> None:
    assert msgspec.convert(msgspec.to_builtins(CAST), Scenario) == CAST
