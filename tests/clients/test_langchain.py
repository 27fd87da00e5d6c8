"""LangChain's ChatOpenAI."""

import pytest

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
)
from tests.clients.program import PROGRAMS, VENVS, Program
from tests.clients.upstream import bodies

COMMAND = [str(VENVS / "sdks/bin/python"), str(PROGRAMS / "langchain_sdk.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-langchain")


class TestLangChain(
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
        "window": "ContextOverflowError",
        "model": "NotFoundError",
        "forbidden": "PermissionDeniedError",
        "spent": "APIStatusError",
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

    @pytest.mark.parametrize("method", ["function_calling", "json_schema"])
    @AGENTS
    async def test_an_object_comes_by_either_method(
        self, client: Program, at: Door, agent: str, engine: str, method: str
    ) -> None:
        found = await client("structured", at.url, model=agent, text="How warm is it in Rome?", method=method)
        assert set(found) == {"city", "degrees"}

    async def test_one_call_at_a_time_where_asked_for(self, client: Program, at: Door) -> None:
        given = {"text": TURNS[0], "choice": "auto", "parallel": False}
        assert await client("forced", at.url, model="writer", **given) == ["weather"]

    async def test_effort_sets_how_much_is_thought(self, client: Program, at: Door) -> None:
        await client("plain", at.url, model="writer", text="Hi", reasoning_effort="low")
        (body,) = bodies(at, "cloud")
        assert read(read(body["generationConfig"], "thinkingConfig"), "thinkingLevel") == "LOW"
