"""Whatever fails and whoever asks: what must stay here reaches no cloud, and each call is in one row."""

import asyncio
import json
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.errors import ClawError
from backends.rehearsal.faults import Fault
from backends.settings.agents import Agent
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import Outcome, Policy, Verify
from tests.backends.pipeline.saying import BAD, GOOD, JSON, Says
from tests.core import Stand, ask, prompt, stand

POLICIES: tuple[Policy, ...] = get_args(Policy)
MODES: tuple[Verify, ...] = get_args(Verify)
FAULTS = [
    Fault(kind="status", status=500),
    Fault(kind="status", status=429),
    Fault(kind="close", after=1),
    Fault(kind="reset", after=0),
]
TEXTS = [BAD, GOOD, "I'm sorry, but I can't help with that.", "and so on, and so on. " * 40, "", "42"]
FAILING = st.lists(st.sampled_from(FAULTS), max_size=2)


def settings_with(budget: str) -> Any:
    def change(settings: Settings) -> Settings:
        agents = {f"{policy}.{mode}": Agent(policy=policy, verify=mode) for policy in POLICIES for mode in MODES}
        return replace(settings, agents=agents, budgets=(Budget(limit_usd=Decimal(budget)),))

    return change


class Stage:
    """One loop and two cores for all examples: one with money, one with none."""

    def __init__(self, folder: str) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.stands = {
            money: self.run(self.stack.enter_async_context(stand(Path(folder) / name, change=settings_with(money))))
            for name, money in (("rich", "1000"), ("poor", "0"))
        }
        for it in self.stands.values():
            it.compared = False  # each example has its twins forget the one before

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def close(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory() as folder:
        made = Stage(folder)
        yield made
        made.close()


async def asked(
    it: Stand, agent: str, *, text: str, sensitive: bool, local: list[Fault], cloud: list[Fault]
) -> Outcome | None:
    """One request through a core that is well again before it."""
    for slot in it.slots.values():
        slot.breaker.answered()
    it.ollama.answerer = Says(text)
    it.ollama.behaviour = replace(it.ollama.behaviour, faults=tuple(local))
    it.gemini.behaviour = replace(it.gemini.behaviour, faults=tuple(cloud))
    it.ollama.usage.reset()
    it.gemini.usage.reset()
    form = JSON if "{" in text or "!" in text else prompt("").response_format
    request = prompt("how many racks are there?", agent=agent, sensitive=sensitive, response_format=form, cache=False)
    try:
        _, outcome = await ask(it.core, request)
    except ClawError:
        return None
    return outcome


@profile(max_examples=60)
@given(
    policy=st.sampled_from(POLICIES),
    mode=st.sampled_from(MODES),
    money=st.sampled_from(("1000", "0")),
    text=st.sampled_from(TEXTS),
    sensitive=st.booleans(),
    local=FAILING,
    cloud=FAILING,
)
def test_what_must_stay_here_reaches_no_cloud_and_every_call_is_in_its_row(
    stage: Stage,
    *,
    policy: Policy,
    mode: Verify,
    money: str,
    text: str,
    sensitive: bool,
    local: list[Fault],
    cloud: list[Fault],
) -> None:
    it: Stand = stage.stands[money]
    outcome = stage.run(asked(it, f"{policy}.{mode}", text=text, sensitive=sensitive, local=local, cloud=cloud))
    if sensitive or policy == "local" or money == "0":
        assert sum(it.gemini.usage.requests.values()) == 0
    if outcome is None:
        return
    engines = [attempt.engine for attempt in outcome.attempts]
    assert engines.count("local") == sum(it.ollama.usage.ends.values())
    assert engines.count("cloud") == sum(it.gemini.usage.ends.values())
    (row,) = it.rows(f"id = '{outcome.id}'")
    assert [each["engine"] for each in json.loads(row["attempts"])] == engines
    assert outcome.cost_usd >= it.billed()
    if mode != "off" and outcome.engine == "local" and outcome.finish == "stop" and text == BAD:
        assert outcome.notes[-1].startswith("unverified: not valid JSON")
    budget = stage.run(it.budget())
    assert budget.reserved_usd == 0
