"""Answers from the cache where tools are declared, through a whole core."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backends.settings.model import Settings
from backends.types import Message, Request, Tool, ToolCall
from tests.core import ask, policy, prompt, stand

WEATHER = Tool(name="weather", description="The weather", parameters={"type": "object"})
CLOCK = Tool(name="clock", description="The hour", parameters={"type": "object"})
MUTEX = "What is a mutex?"


def cloudy(settings: Settings) -> Settings:
    return policy(settings, "writer", "cloud")


def turned_off(settings: Settings) -> Settings:
    settings = cloudy(settings)
    writer = replace(settings.agent("writer"), cache_with_tools=False)
    return replace(settings, agents=settings.agents | {"writer": writer})


def asked(text: str = MUTEX, **more: Any) -> Request:
    return replace(prompt(text, agent="writer", tools=(WEATHER, CLOCK)), **more)


async def test_a_repeat_is_answered_though_tools_are_declared(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        first, _ = await ask(it.core, asked())
        again, outcome = await ask(it.core, asked())
    assert (again, outcome.cache, outcome.cost_usd) == (first, "exact", 0)


@pytest.mark.parametrize(
    "other",
    [
        asked(tools=(WEATHER,)),
        asked(tools=(CLOCK, WEATHER)),
        asked(tools=(WEATHER, replace(CLOCK, description="The minute"))),
        asked(tool_choice="none"),
        asked(messages=(Message(role="system", text="In French."), Message(role="user", text=MUTEX))),
        asked(
            messages=(
                Message(role="user", text="Hello"),
                Message(role="assistant", text="Hello."),
                Message(role="user", text=MUTEX),
            )
        ),
        asked("What is a mutex in Rust?"),
        asked(agent="ada"),
    ],
    ids=["fewer tools", "order", "description", "choice", "system", "history", "words", "agent"],
)
async def test_another_request_is_a_miss(home: Path, other: Request) -> None:
    async with stand(home, change=cloudy) as it:
        await ask(it.core, asked())
        _, outcome = await ask(it.core, other)
    assert outcome.cache == "miss"


@pytest.mark.parametrize(
    "text", ["What is in the folder?", "Is nginx running?", "What is the newest kernel?", "Fix it."]
)
async def test_an_ask_about_the_world_is_asked_each_time(home: Path, text: str) -> None:
    async with stand(home, change=cloudy) as it:
        outcomes = [(await ask(it.core, asked(text)))[1] for _ in range(2)]
        shared = await asyncio.gather(*(ask(it.core, asked(text)) for _ in range(2)))
    assert {outcome.cache for outcome in (*outcomes, *(outcome for _, outcome in shared))} == {"miss"}


async def test_an_answer_that_called_a_tool_is_not_kept(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        _, first = await ask(it.core, asked("How does weather form?"))
        _, again = await ask(it.core, asked("How does weather form?"))
    assert (first.cache, again.cache) == ("miss", "miss")


async def test_a_tool_loop_is_neither_served_nor_kept(home: Path) -> None:
    call = ToolCall(id="1", name="weather", arguments="{}")
    loop = (
        Message(role="user", text=MUTEX),
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", text="sunny", tool_call_id="1", name="weather"),
    )
    async with stand(home, change=cloudy) as it:
        outcomes = [(await ask(it.core, asked(messages=loop)))[1] for _ in range(2)]
    assert [outcome.cache for outcome in outcomes] == ["miss", "miss"]


async def test_asks_at_the_same_time_share_a_call(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        answers = await asyncio.gather(*(ask(it.core, asked()) for _ in range(5)))
        calls = it.gemini.usage.ends["finished"]
    assert calls == 1
    assert len({text for text, _ in answers}) == 1


async def test_a_setting_by_agent_turns_it_off(home: Path) -> None:
    async with stand(home, change=turned_off) as it:
        outcomes = [(await ask(it.core, asked()))[1] for _ in range(2)]
        shared = await asyncio.gather(*(ask(it.core, asked()) for _ in range(2)))
        _, bare = await ask(it.core, asked(tools=()))
        _, bare_again = await ask(it.core, asked(tools=()))
    assert {outcome.cache for outcome in (*outcomes, *(outcome for _, outcome in shared))} == {"miss"}
    assert (bare.cache, bare_again.cache) == ("miss", "exact")
