"""OpenAI's client for Node."""

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
    told_right,
)
from tests.clients.program import NODE, Program
from tests.clients.upstream import bodies

COMMAND = [str(NODE / "node_modules/.bin/node"), str(NODE / "openai_sdk.mjs")]
INSTALLED_BY = "clients"
pytestmark = [pytest.mark.node, pytest.mark.xdist_group("client-openai-node")]


class TestOpenAINode(
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
        "window": "BadRequestError",
        "model": "NotFoundError",
        "forbidden": "PermissionDeniedError",
        "spent": "APIError",
        "limited": "RateLimitError",
    }

    async def test_a_history_without_unknown_fields_keeps_its_signatures(self, client: Program, at: Door) -> None:
        heard = await client("loop", at.url, model="writer", turns=TURNS, known_fields_only=True)
        assert len(heard["answers"]) == 3
        told_right(at, "cloud")

    @AGENTS
    async def test_several_answers_are_several_calls(self, client: Program, at: Door, agent: str, engine: str) -> None:
        texts = await client("several", at.url, model=agent, text="Name a colour.", n=2)
        assert len(texts) == 2
        assert all(texts)
        assert len(bodies(at, engine)) == 2

    async def test_one_call_at_a_time_where_asked_for(self, client: Program, at: Door) -> None:
        given = {"text": TURNS[0], "choice": "auto", "parallel_tool_calls": False}
        assert await client("forced", at.url, model="writer", **given) == ["weather"]

    async def test_one_model_is_looked_up(self, client: Program, at: Door) -> None:
        assert await client("model", at.url, name="scout") == "scout"
