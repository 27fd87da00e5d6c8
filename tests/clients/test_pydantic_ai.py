"""pydantic-ai."""

import pytest

from tests.clients.expectations import (
    Answers,
    Images,
    Refusals,
    Retries,
    Streams,
    Structured,
    StructuredWithTools,
    Tools,
)
from tests.clients.program import PROGRAMS, VENVS

COMMAND = [str(VENVS / "sdks/bin/python"), str(PROGRAMS / "pydantic_ai_sdk.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-pydantic_ai")


class TestPydanticAI(Answers, Images, Refusals, Retries, Streams, Structured, StructuredWithTools, Tools):
    raises = {
        "window": "ModelContextWindowExceededError",
        "model": "ModelNotFoundError",
        "forbidden": "ModelAPIError",
        "spent": "ModelAPIError",
        "limited": "ModelRateLimitError",
    }
