"""OpenAI's Agents SDK."""

import pytest

from tests.clients.expectations import (
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
)
from tests.clients.program import PROGRAMS, VENVS

COMMAND = [str(VENVS / "sdks/bin/python"), str(PROGRAMS / "openai_agents_sdk.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-openai_agents")


class TestOpenAIAgents(
    Answers, Choices, Images, Lasting, Refusals, Retries, Streams, Structured, StructuredWithTools, Tools, ToolsStreamed
):
    raises = {
        "window": "BadRequestError",
        "model": "NotFoundError",
        "forbidden": "PermissionDeniedError",
        "spent": "APIStatusError",
        "limited": "RateLimitError",
    }
