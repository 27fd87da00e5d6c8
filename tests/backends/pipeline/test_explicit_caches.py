"""Explicit caches of Gemini through a whole core: made where they pay, read, paid for, and given back."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backends.clock import ManualClock
from backends.rehearsal.gemini_caches import Caches
from backends.rehearsal.process import twins
from backends.settings.engines import GeminiSettings
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import Message, Outcome, Request, Tool
from tests.core import Stand, ask, policy, prompt, stand

LOOK = Tool(name="look", description="Looks", parameters={"type": "object"})
FACTS = "Some fact that the program has read. " * 1_200


def cloudy(settings: Settings) -> Settings:
    return policy(policy(settings, "writer", "cloud"), "ada", "cloud")


def switched_off(settings: Settings) -> Settings:
    cloud = settings.engines["cloud"]
    assert isinstance(cloud, GeminiSettings)
    off = replace(cloud, explicit_cache="off")
    return cloudy(replace(settings, engines=settings.engines | {"cloud": off}))


TURNS = 18
"""As many as show that a cache of the facts pays."""


def turn(number: int, *, agent: str = "writer", facts: str = FACTS, **more: Any) -> Request:
    """The session's request of this number: its first turn is long, and the same each time."""
    history = [Message(role="user", text=facts), Message(role="assistant", text="Read.")]
    for earlier in range(number):
        history += [Message(role="user", text=f"Question {earlier}"), Message(role="assistant", text="So it is.")]
    history.append(Message(role="user", text=f"Question {number}"))
    asked = prompt("", agent=agent, tools=(LOOK,), session="s", cache=False, **more)
    return replace(asked, messages=tuple(history))


async def play(it: Stand, clock: ManualClock, turns: int, **more: Any) -> list[Outcome]:
    outcomes = []
    for number in range(turns):
        outcomes.append((await ask(it.core, turn(number, **more)))[1])
        clock.advance(5)
    return outcomes


def bodies(it: Stand) -> list[dict[str, Any]]:
    return [json.loads(seen.body) for seen in it.gemini.seen if "GenerateContent" in seen.path]


def noted(outcome: Outcome) -> list[str]:
    return [note for note in outcome.notes if note.startswith("explicit cache")]


async def test_one_is_made_once_a_session_has_shown_that_it_pays_and_its_rows_say_what_it_brought(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, change=cloudy, clock=clock) as it:
        it.compared = False  # what a kept prompt costs is spread over the rows it serves
        outcomes = await play(it, clock, TURNS)
        made = next(at for at, outcome in enumerate(outcomes) if noted(outcome))
        before, after = bodies(it)[made], bodies(it)[made + 1]
        rows, billed = it.rows(), it.billed()
        kept = it.gemini.caches.list()
    assert made >= 4
    assert "cachedContent" not in before
    assert after["cachedContent"].startswith("cachedContents/")
    assert not {"tools", "toolConfig", "systemInstruction"} & set(after)
    assert len(after["contents"]) < len(before["contents"])
    (card,) = kept
    tokens = card["usageMetadata"]["totalTokenCount"]
    assert noted(outcomes[made]) == [f"explicit cache: {tokens} tokens kept for 300 s"]
    assert noted(outcomes[made + 1]) == [f"explicit cache: {tokens} tokens read"]
    assert outcomes[made + 1].tokens.cached_input == tokens
    assert outcomes[made + 1].cost_usd < outcomes[0].cost_usd / 3
    assert sum(Decimal(row["cost_usd"]) for row in rows) == pytest.approx(billed, abs=Decimal("1e-9"))


async def test_it_is_deleted_when_the_core_ends(home: Path) -> None:
    clock = ManualClock()
    async with twins() as pair:
        async with stand(home, change=cloudy, clock=clock, pair=pair) as it:
            it.compared = False  # what a kept prompt costs is spread over the rows it serves
            await play(it, clock, TURNS)
            assert len(pair.gemini.caches.list()) == 1
        assert pair.gemini.caches.list() == []


async def test_another_agent_reads_none_of_it(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, change=cloudy, clock=clock) as it:
        it.compared = False  # what a kept prompt costs is spread over the rows it serves
        await play(it, clock, TURNS)
        await ask(it.core, turn(TURNS, agent="ada"))
        assert "cachedContent" not in bodies(it)[-1]
        await ask(it.core, turn(TURNS))
        assert "cachedContent" in bodies(it)[-1]


async def test_other_tools_or_another_history_are_sent_whole(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, change=cloudy, clock=clock) as it:
        it.compared = False  # what a kept prompt costs is spread over the rows it serves
        await play(it, clock, TURNS)
        others = (
            replace(turn(TURNS), tools=()),
            replace(turn(TURNS), tool_choice="required"),
            turn(TURNS, facts="X" + FACTS),
        )
        for other in others:
            await ask(it.core, other)
            assert "cachedContent" not in bodies(it)[-1]


async def test_where_it_has_ended_the_whole_prompt_is_sent_and_the_caller_hears_nothing(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, change=cloudy, clock=clock) as it:
        it.compared = False  # what a kept prompt costs is spread over the rows it serves
        await play(it, clock, TURNS)
        it.gemini.caches = Caches()
        _, outcome = await ask(it.core, turn(TURNS))
        body = bodies(it)[-1]
        rows, billed = it.rows(), it.billed()
    assert (outcome.finish, outcome.error) == ("stop", None)
    assert "cachedContent" not in body
    assert len(outcome.attempts) == 1
    assert sum(Decimal(row["cost_usd"]) for row in rows) == pytest.approx(billed, abs=Decimal("1e-9"))


async def test_a_setting_switches_it_off(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, change=switched_off, clock=clock) as it:
        outcomes = await play(it, clock, TURNS)
        assert it.gemini.caches.list() == []
    assert not any(map(noted, outcomes))


@pytest.mark.parametrize("facts", [FACTS + "write to maria.kowalska@wp.pl"], ids=["an address"])
async def test_nothing_that_is_sensitive_or_redacted_is_kept(home: Path, facts: str) -> None:
    def redacting(settings: Settings) -> Settings:
        return cloudy(replace(settings, privacy=replace(settings.privacy, action="redact")))

    clock = ManualClock()
    async with stand(home, change=redacting, clock=clock) as it:
        outcomes = await play(it, clock, TURNS, facts=facts)
        assert it.gemini.caches.list() == []
    assert {outcome.engine for outcome in outcomes} == {"cloud"}
    assert not any(map(noted, outcomes))


async def test_a_budget_without_room_for_it_gets_the_answer_without_it(home: Path) -> None:
    clock = ManualClock()
    budget = Budget(limit_usd=Decimal("0.06"), on_exceeded="refuse")
    async with stand(home, change=lambda base: cloudy(replace(base, budgets=(budget,))), clock=clock) as it:
        outcomes = await play(it, clock, TURNS)
        state = await it.budget()
        assert state.spent_usd <= budget.limit_usd
    assert {outcome.finish for outcome in outcomes} == {"stop"}


async def test_a_program_that_rewrites_its_history_pays_for_one_at_the_most(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, change=cloudy, clock=clock) as it:
        outcomes = []
        for number in range(12):
            whole = turn(number)
            history = (*whole.messages[:2], replace(whole.messages[0], text=f"Summary {number}"), whole.messages[-1])
            outcomes.append((await ask(it.core, replace(whole, messages=history)))[1])
            clock.advance(5)
        rows, billed = it.rows(), it.billed()
    assert sum("kept for" in note for outcome in outcomes for note in noted(outcome)) <= 1
    assert sum(Decimal(row["cost_usd"]) for row in rows) == pytest.approx(billed, abs=Decimal("1e-9"))
