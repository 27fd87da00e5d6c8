"""LiteLLM's SDK."""

import pytest

from tests.clients.expectations import (
    Answers,
    Choices,
    Images,
    Refusals,
    Retries,
    Streams,
    Structured,
    StructuredWithTools,
    Tools,
    ToolsBackwards,
)
from tests.clients.program import PROGRAMS, VENVS

COMMAND = [str(VENVS / "sdks/bin/python"), str(PROGRAMS / "litellm_sdk.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-litellm")


class TestLiteLLM(
    Answers, Choices, Images, Refusals, Retries, Streams, Structured, StructuredWithTools, Tools, ToolsBackwards
):
    raises = {
        "window": "ContextWindowExceededError",
        "model": "NotFoundError",
        "forbidden": "PermissionDeniedError",
        "spent": "APIError",
        "limited": "RateLimitError",
    }
