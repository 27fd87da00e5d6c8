"""With privacy.action redact no part of what is private reaches the cloud, whatever fails, and the answer has it back.

The cloud twin keeps what it was sent; both twins repeat their prompt in pieces of a few characters.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.errors import ClawError
from backends.rehearsal.faults import Fault
from backends.rehearsal.scripted_answers import (
    AnswerEnd,
    ScriptedAnswerer,
    ScriptedRequest,
    ToolInvocation,
    count_prompt,
)
from backends.settings.agents import Agent
from backends.settings.model import Settings
from backends.types import Action, Media, Message, Policy, Reason, Request
from tests.core import Stand, ask, prompt, stand

POLICIES: tuple[Policy, ...] = ("prefer-local", "auto", "prefer-cloud", "cloud")
PRIVATE = {
    "write to maria.kowalska@wp.pl that the parcel is there": ("maria", "kowalska", "wp.pl"),
    "deploy with the key AKIAQ3EGTFN5LVXWBZ7P please": ("AKIA", "Q3EGTFN5LVXWBZ7P"),
    "postgres://admin:Tr0ub4dor@db.intern:5432/app does not answer": ("Tr0ub4dor", "admin:"),
    "card 4539 5787 6362 1486 of +49 151 53437436 was refused": ("4539", "6362", "53437436"),
    "decode QUtJQVEzRUdURk41TFZYV0JaN1AgYW5kIHRoZSByZXN0IG9mIGl0 for me": ("QUtJQVEz", "AKIA"),
    "the key is ghp_\u200baB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5z, rotate it": ("ghp_", "aB3dE5", "vW3xY5z"),
}
FAULTS: dict[str, tuple[Fault, ...]] = {
    "none": (),
    "busy": (Fault(kind="status", status=503, body={"error": "server busy"}, times=None),),
    "broken": (Fault(kind="status", status=500, times=2),),
    "reset": (Fault(kind="reset"),),
    "cut": (Fault(kind="close", after=2),),
}


class Repeats(ScriptedAnswerer):
    """Answers with the last turn, a few characters at a time."""

    async def answer(self, ask: ScriptedRequest) -> AsyncGenerator[str | ToolInvocation | AnswerEnd]:
        text = ask.turns[-1].text
        for start in range(0, len(text), 5):
            yield text[start : start + 5]
        yield AnswerEnd(input=count_prompt(ask), output=len(text) // 4 + 1, finish="stop")


def redacting(base: Settings) -> Settings:
    agents: dict[str, Agent] = {policy: Agent(policy=policy) for policy in POLICIES}
    agents |= {f"first-{name}": Agent(policy=name, privacy="local-else-redact") for name in POLICIES}
    agents["here"] = Agent(policy="prefer-cloud", privacy="local")
    agents["labelled"] = Agent(policy="prefer-cloud", sensitive=True)
    return replace(
        base,
        agents=base.agents | agents,
        privacy=replace(base.privacy, action="redact"),
        router=replace(base.router, dial=1.0),
    )


@pytest.fixture
def it(home: Path) -> Iterator[tuple[asyncio.Runner, Stand]]:
    with asyncio.Runner() as runner:
        opened = stand(home, change=redacting)
        made = runner.run(opened.__aenter__())
        made.gemini.behaviour = replace(made.gemini.behaviour, tokens_per_s=50_000.0, first_token_s=0.0)
        made.ollama.behaviour = replace(made.ollama.behaviour, tokens_per_s=50_000.0, first_token_s=0.0)
        made.gemini.script = made.ollama.answerer = Repeats()
        try:
            yield runner, made
        finally:
            runner.run(opened.__aexit__(None, None, None))


def heard_by_cloud(it: Stand) -> str:
    return "\n".join(seen.path + seen.body.decode() for seen in it.gemini.seen)


async def sent(it: Stand, request: Request, *, local: str = "none", cloud: str = "none") -> tuple[str, Any] | None:
    for twin, fault in ((it.ollama, local), (it.gemini, cloud)):
        twin.behaviour = replace(twin.behaviour, faults=FAULTS[fault])
    for slot in it.slots.values():
        slot.breaker.answered()
    with contextlib.suppress(ClawError):
        return await ask(it.core, request)
    return None


@profile(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.sampled_from(sorted(PRIVATE)),
    asked=st.fixed_dictionaries(
        {
            "agent": st.sampled_from([*POLICIES, *(f"first-{name}" for name in POLICIES)]),
            "engine": st.sampled_from(["auto", "auto", "local", "cloud"]),
        }
    ),
    faults=st.fixed_dictionaries({"local": st.sampled_from(sorted(FAULTS)), "cloud": st.sampled_from(sorted(FAULTS))}),
)
def test_no_private_part_reaches_the_cloud_whatever_fails(
    it: tuple[asyncio.Runner, Stand], text: str, asked: dict[str, Any], faults: dict[str, str]
) -> None:
    runner, core = it
    heard = runner.run(sent(core, prompt(text, **asked), **faults))
    said = heard_by_cloud(core)
    assert not [part for parts in PRIVATE.values() for part in parts if part in said]
    if heard is not None and heard[1].finish == "stop":
        assert heard[0] == text
        assert heard[1].sensitive


@pytest.mark.parametrize("text", sorted(PRIVATE))
def test_the_cloud_answers_with_placeholders_and_the_caller_hears_the_values(
    it: tuple[asyncio.Runner, Stand], text: str
) -> None:
    runner, core = it
    heard = runner.run(sent(core, prompt(text, agent="prefer-cloud")))
    assert heard is not None
    answer, outcome = heard
    assert (answer, outcome.engine, outcome.sensitive, outcome.cache) == (text, "cloud", True, "bypass")
    assert re.search(r"\[\[[A-Z_]+_\d+\]\]", heard_by_cloud(core)) is not None
    assert any(note.startswith("redacted ") for note in outcome.notes)
    assert any(reason.rule == "privacy" and reason.detail.startswith("redacted: ") for reason in outcome.reasons)
    (row,) = core.rows()
    assert row["sensitive"] == 1
    assert not any(part in str(row) for part in PRIVATE[text])


def test_a_placeholder_that_was_never_given_out_stays_and_is_noted(it: tuple[asyncio.Runner, Stand]) -> None:
    runner, core = it
    heard = runner.run(sent(core, prompt("write to lena.ortiz@webmail.net and [[PHONE_7]]", agent="prefer-cloud")))
    assert heard is not None
    answer, outcome = heard
    assert answer == "write to lena.ortiz@webmail.net and [[PHONE_7]]"
    assert outcome.notes[-2:] == ("redacted 1", "unknown placeholders 1")


def test_local_hears_the_original_and_the_cloud_takes_over_with_placeholders(
    it: tuple[asyncio.Runner, Stand],
) -> None:
    runner, core = it
    text = "write to maria.kowalska@wp.pl that the parcel is there"
    heard = runner.run(sent(core, prompt(text, agent="prefer-local")))
    assert heard is not None and heard[1].engine == "local"
    assert "maria.kowalska@wp.pl" in "".join(seen.body.decode() for seen in core.ollama.seen)
    assert heard_by_cloud(core) == ""
    heard = runner.run(sent(core, prompt(text, agent="prefer-local"), local="busy"))
    assert heard is not None and heard[1].engine == "cloud"
    assert heard[0] == text
    assert "maria" not in heard_by_cloud(core)
    assert Reason(rule="privacy", detail="redacted: email") in heard[1].reasons
    heard = runner.run(sent(core, prompt(text, agent="prefer-cloud"), cloud="busy"))
    assert heard is not None and (heard[0], heard[1].engine) == (text, "local")


STAYS = {
    "label of the request": prompt("hello there", agent="prefer-cloud", sensitive=True),
    "label, with something found": prompt(sorted(PRIVATE)[0], agent="prefer-cloud", sensitive=True),
    "label of the agent": prompt(sorted(PRIVATE)[0], agent="labelled"),
    "the agent's own privacy": prompt(sorted(PRIVATE)[0], agent="here"),
    "an image": Request(
        id="i",
        agent="prefer-cloud",
        messages=(
            Message(role="user", text=sorted(PRIVATE)[0], media=(Media(media_type="image/png", data=b"\x89PNG"),)),
        ),
    ),
}


@pytest.mark.parametrize("why", STAYS)
def test_what_placeholders_are_not_for_stays(it: tuple[asyncio.Runner, Stand], why: str) -> None:
    runner, core = it
    runner.run(sent(core, STAYS[why]))
    runner.run(sent(core, replace(STAYS[why], id=f"{why}2"), local="busy"))
    assert heard_by_cloud(core) == ""


def test_a_pin_to_the_cloud_sends_placeholders_too(it: tuple[asyncio.Runner, Stand]) -> None:
    runner, core = it
    runner.run(core.core.act(Action(verb="pin", actor="t", agent="auto", engine="cloud")))
    heard = runner.run(sent(core, prompt(sorted(PRIVATE)[0], agent="auto")))
    assert heard is not None and heard[1].engine == "cloud"
    assert not any(part in heard_by_cloud(core) for part in PRIVATE[sorted(PRIVATE)[0]])


def test_explain_names_the_kinds_and_makes_no_call(it: tuple[asyncio.Runner, Stand]) -> None:
    runner, core = it
    explanation = runner.run(core.core.explain(prompt("write to maria.kowalska@wp.pl", agent="prefer-cloud")))
    assert explanation.engine == "cloud"
    assert explanation.verdict is not None and explanation.verdict.redacted
    assert Reason(rule="privacy", detail="redacted: email") in explanation.reasons
    assert heard_by_cloud(core) == ""
