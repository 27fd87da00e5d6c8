"""Whose stored answers a caller may get, and what a caller can have stored, through the gateway."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from msgspec.structs import replace

from backends.rehearsal.faults import Fault
from backends.settings.agents import Agent
from backends.settings.model import Settings
from tests.core import Stand, policy, served, stand
from tests.waiting import until

QUESTION = "What is a mutex?"
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


class Door(NamedTuple):
    it: Stand
    http: httpx.AsyncClient

    async def ask(self, text: str = QUESTION, agent: str = "ada", *, system: str = "", **more: Any) -> httpx.Response:
        """One chat completion; keyword arguments that begin with a capital are headers, the others are fields."""
        headers = {name.replace("_", "-"): value for name, value in more.items() if name[0].isupper()}
        fields = {name: value for name, value in more.items() if not name[0].isupper()}
        messages = [{"role": "system", "content": system}] if system else []
        body = {"model": "auto", "messages": [*messages, {"role": "user", "content": text}]} | fields
        return await self.http.post("/v1/chat/completions", json=body, headers={"X-Claw-Agent": agent} | headers)

    async def stored(self) -> int:
        """Answers in the cache. One is stored just after its caller has heard the end."""
        return (await self.it.core.snapshot()).cache.entries

    @property
    def calls(self) -> int:
        return self.it.ollama.usage.requests.total() + self.it.gemini.usage.requests.total()


@asynccontextmanager
async def door(home: Path, change: Callable[[Settings], Settings] = lambda settings: settings) -> AsyncIterator[Door]:
    async with stand(home, change=change) as it, served(it, change) as url, httpx.AsyncClient(base_url=url) as http:
        yield Door(it, http)


def cached(answer: httpx.Response) -> str:
    return str(answer.headers["x-claw-cache"])


# ---- S22: the partition comes before anything else


async def test_s22_another_agent_s_answer_is_never_served_and_nothing_tells_of_it(home: Path) -> None:
    """A miss is told like a first question, and takes as long: an engine is asked."""
    async with door(home) as it:
        first = await it.ask()
        await until(it.stored)
        calls = it.calls
        other, never = await it.ask(agent="scout"), await it.ask("What is a semaphore?", agent="scout")
        assert [cached(answer) for answer in (first, other, never)] == ["miss", "miss", "miss"]
        assert it.calls == calls + 2
        assert other.headers.keys() == never.headers.keys()
        assert other.json()["claw"].keys() == never.json()["claw"].keys()
        assert other.json()["usage"].keys() == never.json()["usage"].keys()
        assert cached(await it.ask()) == "exact"
        assert it.calls == calls + 2


async def test_s22_a_group_shares_only_where_the_settings_declare_it(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        shared = {name: Agent(cache_scope="group:ops") for name in ("ada", "script")}
        return replace(settings, agents=settings.agents | shared)

    async with door(home, change) as it:
        assert cached(await it.ask(agent="ada")) == "miss"
        await until(it.stored)
        assert [cached(await it.ask(agent=agent)) for agent in ("script", "scout")] == ["exact", "miss"]


DIFFERENT: dict[str, dict[str, Any]] = {
    "model": {"model": "local"},
    "system": {"system": "Answer in one word."},
    "tools": {"tools": [TOOL]},
    "format": {"response_format": {"type": "json_object"}},
    "temperature": {"temperature": 0.1},
    "top_p": {"top_p": 0.5},
    "seed": {"seed": 7},
    "cap": {"max_tokens": 5},
    "stop": {"stop": ["7"]},
}


@pytest.mark.parametrize("change", DIFFERENT)
async def test_s22_whatever_changes_an_answer_is_another_partition(home: Path, change: str) -> None:
    async with door(home) as it:
        assert cached(await it.ask()) == "miss"
        await until(it.stored)
        assert cached(await it.ask(**DIFFERENT[change])) in ("miss", "bypass")
        assert cached(await it.ask()) == "exact"


# ---- S23: a caller cannot loosen anything

WISHES: list[dict[str, Any]] = [
    *({name: value} for name in ("cache_threshold", "similarity_threshold", "threshold") for value in (0, 0.0, "0")),
    *({name: "all"} for name in ("cache_scope", "cache_partition", "partition", "namespace")),
    {"prompt_cache_key": "ada"},
    {"prompt_cache_retention": "24h"},
    {"safety_identifier": "ada"},
    {"user": "ada"},
    {"metadata": {"cache": "all", "agent": "ada"}},
    {"cache": {"no-cache": False, "namespace": "ada", "s-maxage": 9999}},
    {"cache_control": {"type": "ephemeral"}},
    {"cachedContent": "cachedContents/ada"},
    {"semantic": True},
    {"claw": {"cache": "exact", "scope": "all", "risk": 1.0}},
    {"X_Claw_Cache": "exact"},
    {"X_Claw_Cache_Scope": "all"},
    {"X_Claw_Session": "ada"},
    {"X_Claw_Risk": "1.0"},
    {"Cache_Control": "only-if-cached"},
    {"Cache_Control": "max-stale=999999"},
    {"If_None_Match": "*"},
]


async def test_s23_no_field_or_header_picks_a_partition_or_loosens_a_threshold(home: Path) -> None:
    async with door(home) as it:
        await it.ask()
        await until(it.stored)
        for number, wish in enumerate(WISHES):
            other = await it.ask(agent="scout", **wish)
            assert other.status_code == 400 or cached(other) in ("miss", "bypass", "exact"), wish
            if other.status_code == 200 and cached(other) == "exact":  # its own of a wish before
                assert number
                assert other.headers["x-claw-agent"] == "scout"
            near = await it.ask(f"What is a mutex, please ({number})?", **wish)
            assert near.status_code == 400 or cached(near) in ("miss", "bypass"), wish


CUT = [
    Fault(kind="close", after=1),
    Fault(kind="drop", after=1),
    Fault(kind="reset", after=1),
    Fault(kind="half", after=1),
    Fault(kind="error", after=1, body={"error": "out of memory"}),
]
BLOCKED = [
    Fault(kind="blocked", mode="SAFETY"),
    Fault(kind="finish", mode="SAFETY"),
    Fault(kind="finish", mode="RECITATION"),
    Fault(kind="finish", mode="MAX_TOKENS"),
    Fault(kind="thought-cap"),
]


@pytest.mark.parametrize("stream", [False, True])
async def test_s23_only_whole_answers_are_stored(home: Path, stream: bool) -> None:
    def change(settings: Settings) -> Settings:
        return policy(policy(settings, "here", "local"), "there", "cloud")

    async with door(home, change) as it:
        it.it.compared = False
        cases = [*itertools.product(("here", "there"), CUT), *(("there", fault) for fault in BLOCKED)]
        for number, (agent, fault) in enumerate(cases):
            for slot in it.it.slots.values():
                slot.breaker.answered()
            twin = it.it.ollama if agent == "here" else it.it.gemini
            twin.behaviour = replace(twin.behaviour, faults=(replace(fault, times=None),))
            with_fault = f"{QUESTION} {number}"
            await it.ask(with_fault, agent, stream=stream)
            assert await it.stored() == 0, fault
            twin.behaviour = replace(twin.behaviour, faults=())
        await it.ask("name three uses of a cache", "here", stream=stream, max_tokens=3)
        await it.ask("name three uses of a cache", "here", stream=stream)
        await until(it.stored)
        assert await it.stored() == 1


async def test_s23_calls_of_tools_and_what_is_sensitive_are_not_stored(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        return policy(settings, "ada", "local", cache_with_tools=True)

    async with door(home, change) as it:
        asked = await it.ask("look now", tools=[TOOL], tool_choice="required")
        assert asked.json()["choices"][0]["message"]["tool_calls"]
        for more in ({"X_Claw_Sensitive": "true"}, {"Cache_Control": "no-store"}):
            assert cached(await it.ask(**more)) == "bypass"
        assert cached(await it.ask("mail maria.kowalska@wp.pl that it is there")) == "bypass"
        await it.ask("name three uses of a cache")
        await until(it.stored)
        assert await it.stored() == 1
