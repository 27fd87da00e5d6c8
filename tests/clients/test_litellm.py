"""LiteLLM's SDK."""

import pytest

from tests.clients.expectations import (
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
from tests.clients.program import PROGRAMS, VENVS

COMMAND = [str(VENVS / "sdks/bin/python"), str(PROGRAMS / "litellm_sdk.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-litellm")


class TestLiteLLM(
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
        "window": "ContextWindowExceededError",
        "model": "NotFoundError",
        "forbidden": "PermissionDeniedError",
        "spent": "APIError",
        "limited": "RateLimitError",
    }
