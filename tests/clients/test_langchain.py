"""LangChain's ChatOpenAI."""

import pytest

from tests.clients.expectations import (
    Answers,
    Choices,
    Images,
    Refusals,
    Retries,
    Streams,
    Structured,
    Tools,
    ToolsBackwards,
)
from tests.clients.program import PROGRAMS, VENVS

COMMAND = [str(VENVS / "sdks/bin/python"), str(PROGRAMS / "langchain_sdk.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-langchain")


class TestLangChain(Answers, Choices, Images, Refusals, Retries, Streams, Structured, Tools, ToolsBackwards):
    raises = {
        "window": "ContextOverflowError",
        "model": "NotFoundError",
        "forbidden": "PermissionDeniedError",
        "spent": "APIStatusError",
        "limited": "RateLimitError",
    }
