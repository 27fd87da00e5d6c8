"""What is sensitive never reaches the cloud: whatever policy, pin, budget, dial, engine asked for, check and failure.

The cloud twin's own count is the witness. Requests that are not sensitive go the same ways between, so that the cloud
is seen to be used.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.errors import ClawError
from backends.rehearsal.faults import Fault
from backends.settings.agents import Agent
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import Action, Policy, Verify
from tests.core import Stand, ask, prompt, stand

POLICIES: tuple[Policy, ...] = ("local", "prefer-local", "auto", "prefer-cloud", "cloud")
CHECKS: tuple[Verify, ...] = ("off", "format", "always")
FAULTS: dict[str, tuple[Fault, ...]] = {
    "none": (),
    "busy": (Fault(kind="status", status=503, body={"error": "server busy"}, times=None),),
    "broken": (Fault(kind="status", status=500, times=2),),
    "reset": (Fault(kind="reset"),),
    "cut": (Fault(kind="close", after=2),),
    "error line": (Fault(kind="error", after=1, body={"error": "out of memory"}),),
    "at its cap": (Fault(kind="finish", mode="length"),),
}
SECRETS = (
    "deploy with the key AKIAQ3EGTFN5LVXWBZ7P please",
    "write to maria.kowalska@wp.pl that the parcel is there",
    "postgres://admin:Tr0ub4dor@db.intern:5432/app does not answer, why?",
)


def name(policy: Policy, verify: Verify) -> str:
    return f"{policy}-{verify}"


def every_policy(base: Settings) -> Settings:
    """An agent for each policy and depth of checks, and one whose prompts are all sensitive; a little money."""
    agents = {name(policy, verify): Agent(policy=policy, verify=verify) for policy in POLICIES for verify in CHECKS}
    agents["private"] = Agent(policy="prefer-cloud", sensitive=True, verify="always")
    agents["guard"] = Agent(policy="local", sensitive=True)
    return replace(
        base,
        agents=base.agents | agents,
        router=replace(base.router, dial=1.0),
        budgets=(Budget(limit_usd=Decimal("0.05"), on_exceeded="alert"),),
    )


@pytest.fixture
def it(home: Path) -> Iterator[tuple[asyncio.Runner, Stand]]:
    with asyncio.Runner() as runner:
        opened = stand(home, change=every_policy)
        core = runner.run(opened.__aenter__())
        try:
            yield runner, core
        finally:
            runner.run(opened.__aexit__(None, None, None))


async def sent(it: Stand, request: Any, *, fault: str, pinned: str | None) -> None:
    """One request through whatever stands in its way; how it ends does not matter here."""
    it.ollama.behaviour = replace(it.ollama.behaviour, faults=FAULTS[fault], tokens_per_s=5000.0)
    it.slots["local"].breaker.answered()
    if pinned is not None:
        await it.core.act(Action(verb="pin", actor="t", agent=request.agent, engine=pinned))
    with contextlib.suppress(ClawError):
        await ask(it.core, request)
    if pinned is not None:
        await it.core.act(Action(verb="unpin", actor="t", agent=request.agent))


agents = st.builds(name, st.sampled_from(POLICIES), st.sampled_from(CHECKS))
asked = st.fixed_dictionaries(
    {
        "engine": st.sampled_from(["auto", "auto", "local", "cloud"]),
        "cache": st.booleans(),
        "deadline_s": st.sampled_from([None, 0.05, 30.0]),
    }
)
ways = st.fixed_dictionaries(
    {"fault": st.sampled_from(sorted(FAULTS)), "pinned": st.sampled_from([None, None, "local", "cloud"])}
)
told = st.one_of(
    st.builds(lambda text, agent: (text, agent, False), st.sampled_from(SECRETS), agents),
    st.builds(lambda agent: ("how are you today?", agent, True), agents),
    st.just(("summarise my diary of last week", "private", False)),
)


@pytest.mark.proves("S20")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=told, asked=asked, way=ways)
@pytest.mark.proves("I5")
def test_no_way_leads_a_sensitive_prompt_to_the_cloud(
    it: tuple[asyncio.Runner, Stand], told: tuple[str, str, bool], asked: dict[str, Any], way: dict[str, Any]
) -> None:
    runner, core = it
    text, agent, sensitive = told
    before = dict(core.gemini.usage.requests)
    runner.run(sent(core, prompt(text, agent=agent, sensitive=sensitive, **asked), **way))
    assert dict(core.gemini.usage.requests) == before
    runner.run(sent(core, prompt(f"say hello {text[:3]}", agent=name("cloud", "off")), fault="none", pinned=None))
    rows = core.rows("sensitive AND engine = 'cloud'")
    assert rows == []


def test_the_cloud_would_have_been_used(it: tuple[asyncio.Runner, Stand]) -> None:
    runner, core = it
    for fault in ("none", "busy", "reset"):
        request = prompt(f"how are you today? {fault}", agent=name("prefer-cloud", "off"))
        runner.run(sent(core, request, fault=fault, pinned=None))
    assert sum(core.gemini.usage.requests.values()) == 3


GUARDED = ("local-off", "private", "guard")
OPEN = ("cloud-off", "prefer-cloud-off", "auto-always")


@pytest.mark.proves("S20")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.tuples(st.sampled_from(GUARDED), st.sampled_from(OPEN)),
    leads=st.booleans(),
    engine=st.sampled_from(["auto", "cloud"]),
    way=ways,
)
def test_no_other_name_beside_it_takes_an_agent_that_is_kept_at_home_to_the_cloud(
    it: tuple[asyncio.Runner, Stand], names: tuple[str, str], leads: bool, engine: Any, way: dict[str, Any]
) -> None:
    """Header and model's name may name both, in either order; a pin is the other's own."""
    runner, core = it
    guarded, other = names
    pinned, fault = way["pinned"], way["fault"]
    agent, rules = (guarded, (other,)) if leads else (other, (guarded,))
    if pinned is not None:
        runner.run(core.core.act(Action(verb="pin", actor="t", agent=other, engine=pinned)))
    before = dict(core.gemini.usage.requests)
    runner.run(sent(core, prompt("hello there", agent=agent, rules=rules, engine=engine), fault=fault, pinned=None))
    assert dict(core.gemini.usage.requests) == before
    if pinned is not None:
        runner.run(core.core.act(Action(verb="unpin", actor="t", agent=other)))
