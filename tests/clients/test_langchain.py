"""LangChain's ChatOpenAI."""

import pytest

from backends.rehearsal.gemini_requests import read
from tests.clients.client_gateway import ClientGateway
from tests.clients.expectations import (
    AGENTS,
    Answers,
    Choices,
    Images,
    Lasting,
    OneCall,
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

COMMAND = [str(VENVS / "sdks/bin/python"), str(PROGRAMS / "langchain_sdk.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-langchain")


class TestLangChain(
    Answers,
    Choices,
    Images,
    Lasting,
    OneCall,
    Several,
    SystemAlone,
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

    @pytest.mark.parametrize("method", ["function_calling", "json_schema"])
    @AGENTS
    async def test_an_object_comes_by_either_method(
        self, client: Program, at: ClientGateway, agent: str, engine: str, method: str
    ) -> None:
        found = await client("structured", at.url, model=agent, text="How warm is it in Rome?", method=method)
        assert set(found) == {"city", "degrees"}

    async def test_effort_sets_how_much_is_thought(self, client: Program, at: ClientGateway) -> None:
        await client("plain", at.url, model="writer", text="Hi", reasoning_effort="high")
        (body,) = bodies(at, "cloud")
        assert read(read(body["generationConfig"], "thinkingConfig"), "thinkingLevel") == "HIGH"
