"""pydantic-ai."""

import pytest

from tests.clients.client_gateway import ClientGateway
from tests.clients.expectations import (
    AGENTS,
    Answers,
    Images,
    Lasting,
    Refusals,
    Retries,
    Streams,
    Structured,
    StructuredWithTools,
    Tools,
    ToolsStreamed,
)
from tests.clients.program import PROGRAMS, VENVS, Program

COMMAND = [str(VENVS / "sdks/bin/python"), str(PROGRAMS / "pydantic_ai_sdk.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-pydantic_ai")


class TestPydanticAI(
    Answers, Images, Lasting, Refusals, Retries, Streams, Structured, StructuredWithTools, Tools, ToolsStreamed
):
    raises = {
        "window": "ModelContextWindowExceededError",
        "model": "ModelNotFoundError",
        "forbidden": "ModelAPIError",
        "spent": "ModelAPIError",
        "limited": "ModelRateLimitError",
    }

    @AGENTS
    async def test_an_object_comes_by_its_native_form(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        found = await client("structured", at.url, model=agent, text="How warm is it in Rome?", native=True)
        assert set(found) == {"city", "degrees"}
