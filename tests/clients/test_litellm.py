"""LiteLLM's SDK."""

import pytest

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
)
from tests.clients.program import PROGRAMS, VENVS, Program
from tests.clients.upstream import bodies

COMMAND = [str(VENVS / "sdks/bin/python"), str(PROGRAMS / "litellm_sdk.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-litellm")


class TestLiteLLM(
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
    ToolsStreamed,
    ToolsBackwards,
):
    raises = {
        "window": "ContextWindowExceededError",
        "model": "NotFoundError",
        "forbidden": "PermissionDeniedError",
        "spent": "APIError",
        "limited": "RateLimitError",
    }

    @AGENTS
    async def test_a_system_message_alone_is_answered(self, client: Program, at: Door, agent: str, engine: str) -> None:
        assert (await client("system_only", at.url, model=agent, text="Greet the user."))["text"]

    async def test_several_answers_are_several_calls(self, client: Program, at: Door) -> None:
        texts = await client("several", at.url, model="writer", text="Name a colour.", n=2)
        assert len(texts) == 2
        assert all(texts)
        assert len(bodies(at, "cloud")) == 2

    async def test_one_call_at_a_time_where_asked_for(self, client: Program, at: Door) -> None:
        given = {"text": TURNS[0], "choice": "auto", "parallel_tool_calls": False}
        assert await client("forced", at.url, model="writer", **given) == ["weather"]
