"""OpenAI's Python client."""

import time

import pytest

from backends.rehearsal.faults import Fault
from backends.rehearsal.gemini_asks import read
from tests.clients.door import Door
from tests.clients.expectations import (
    AGENTS,
    TURNS,
    Answers,
    Choices,
    Images,
    Lasting,
    Refusals,
    Retries,
    Streams,
    Structured,
    StructuredWithTools,
    Tools,
    ToolsBackwards,
    ToolsStreamed,
    told_right,
)
from tests.clients.program import PROGRAMS, VENVS, Program
from tests.clients.upstream import bodies

COMMAND = [str(VENVS / "sdks/bin/python"), str(PROGRAMS / "openai_sdk.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-openai")


class TestOpenAI(
    Answers,
    Streams,
    Tools,
    ToolsStreamed,
    ToolsBackwards,
    Choices,
    Structured,
    StructuredWithTools,
    Images,
    Lasting,
    Refusals,
    Retries,
):
    raises = {
        "window": "BadRequestError",
        "model": "NotFoundError",
        "forbidden": "PermissionDeniedError",
        "spent": "APIStatusError",
        "limited": "RateLimitError",
    }

    async def test_a_history_without_unknown_fields_keeps_its_signatures(self, client: Program, at: Door) -> None:
        heard = await client("loop", at.url, model="writer", turns=TURNS, known_fields_only=True)
        assert len(heard["answers"]) == 3
        told_right(at, "cloud")

    @AGENTS
    async def test_calls_come_whole_out_of_a_stream(self, client: Program, at: Door, agent: str, engine: str) -> None:
        calls = await client("streamed_calls", at.url, model=agent, text=TURNS[0])
        assert [(call["name"], call["arguments"]["city"]) for call in calls] == [
            ("weather", "Rome"),
            ("weather", "Oslo"),
            ("clock", "Lima"),
        ]

    @AGENTS
    async def test_one_call_at_a_time_where_asked_for(self, client: Program, at: Door, agent: str, engine: str) -> None:
        given = {"text": TURNS[0], "choice": "auto", "parallel_tool_calls": False}
        assert await client("forced", at.url, model=agent, **given) == ["weather"]

    @AGENTS
    async def test_a_system_message_alone_is_answered(self, client: Program, at: Door, agent: str, engine: str) -> None:
        assert (await client("system_only", at.url, model=agent, text="Greet the user."))["text"]

    @AGENTS
    async def test_several_answers_are_several_calls(self, client: Program, at: Door, agent: str, engine: str) -> None:
        texts = await client("several", at.url, model=agent, text="Name a colour.", n=2)
        assert len(texts) == 2
        assert all(texts)
        assert len(bodies(at, engine)) == 2

    @AGENTS
    async def test_functions_of_old_are_tools(self, client: Program, at: Door, agent: str, engine: str) -> None:
        heard = await client("legacy", at.url, model=agent, text="Please do weather(Rome)")
        assert (heard["finish"], heard["name"]) == ("function_call", "weather")
        assert heard["text"]

    async def test_effort_sets_how_much_is_thought(self, client: Program, at: Door) -> None:
        for effort in ("minimal", "low", "high"):
            await client("plain", at.url, model="writer", text=f"Think: {effort}", reasoning_effort=effort)
        levels = [read(body["generationConfig"], "thinkingConfig") for body in bodies(at, "cloud")]
        assert all(levels)
        assert len({str(level) for level in levels}) > 1

    async def test_the_code_of_a_prompt_beyond_the_window(self, client: Program, at: Door) -> None:
        heard = await client("code", at.url, model="scout", text="lorem ipsum dolor " * 4_000)
        assert heard == {"status": 400, "code": "context_length_exceeded"}

    async def test_the_code_of_a_model_that_is_not_there(self, client: Program, at: Door) -> None:
        heard = await client("code", at.url, model="gpt-unknown", text="Hi")
        assert heard == {"status": 404, "code": "model_not_found"}

    async def test_one_model_is_looked_up(self, client: Program, at: Door) -> None:
        assert await client("model", at.url, name="scout") == "scout"

    async def test_an_engine_that_is_away_for_longer_is_waited_for(self, client: Program, at: Door) -> None:
        at.stand.gemini.inject(Fault(kind="status", status=503, times=3))
        began = time.monotonic()
        assert (await client("plain", at.url, model="writer", text="Hi there", retries=3))["text"]
        assert time.monotonic() - began >= 5  # the Retry-After of the 503 in between
