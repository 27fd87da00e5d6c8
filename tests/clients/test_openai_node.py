"""OpenAI's client for Node."""

import pytest

from tests.clients.expectations import (
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
    Tools,
    ToolsBackwards,
    ToolsStreamed,
)
from tests.clients.program import NODE

COMMAND = [str(NODE / "node_modules/.bin/node"), str(NODE / "openai_sdk.mjs")]
INSTALLED_BY = "clients"
pytestmark = [pytest.mark.node, pytest.mark.xdist_group("client-openai-node")]


class TestOpenAINode(
    Answers,
    Choices,
    Images,
    Lasting,
    OneCall,
    OpenAIsOwn,
    Several,
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
