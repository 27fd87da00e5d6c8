"""OpenAI's Python client."""

import time

import pytest

from backends.rehearsal.faults import Fault
from backends.rehearsal.gemini_requests import read
from tests.clients.client_gateway import ClientGateway
from tests.clients.expectations import (
    AGENTS,
    TURNS,
    Answers,
    Choices,
    Images,
    Lasting,
    OneCall,
    OpenAIsOwn,
    Refusals,
    Retries,
    Several,
    Streams,
    Structured,
    StructuredWithTools,
    SystemAlone,
    Tools,
    ToolsBackwards,
    ToolsStreamed,
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
    OneCall,
    OpenAIsOwn,
    Several,
    SystemAlone,
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

    @AGENTS
    async def test_calls_come_whole_out_of_a_stream(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        calls = await client("streamed_calls", at.url, model=agent, text=TURNS[0])
        assert [(call["name"], call["arguments"]["city"]) for call in calls] == [
            ("weather", "Rome"),
            ("weather", "Oslo"),
            ("clock", "Lima"),
        ]

    @AGENTS
    async def test_functions_of_old_are_tools(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        heard = await client("legacy", at.url, model=agent, text="Please do weather(Rome)")
        assert (heard["finish"], heard["name"]) == ("function_call", "weather")
        assert heard["text"]

    async def test_effort_sets_how_much_is_thought(self, client: Program, at: ClientGateway) -> None:
        for effort in ("minimal", "low", "high"):
            await client("plain", at.url, model="writer", text=f"Think: {effort}", reasoning_effort=effort)
        levels = [read(body["generationConfig"], "thinkingConfig") for body in bodies(at, "cloud")]
        assert all(levels)
        assert len({str(level) for level in levels}) > 1

    async def test_the_code_of_a_prompt_beyond_the_window(self, client: Program, at: ClientGateway) -> None:
        heard = await client("code", at.url, model="scout", text="lorem ipsum dolor " * 4_000)
        assert heard == {"status": 400, "code": "context_length_exceeded"}

    async def test_the_code_of_a_model_that_is_not_there(self, client: Program, at: ClientGateway) -> None:
        heard = await client("code", at.url, model="gpt-unknown", text="Hi")
        assert heard == {"status": 404, "code": "model_not_found"}

    async def test_an_engine_that_is_away_for_longer_is_waited_for(self, client: Program, at: ClientGateway) -> None:
        at.stand.gemini.inject(Fault(kind="status", status=503, times=3))
        began = time.monotonic()
        assert (await client("plain", at.url, model="writer", text="Hi there", retries=3))["text"]
        assert time.monotonic() - began >= 5  # the Retry-After of the 503 in between
