"""Simon Willison's llm."""

import pytest

from tests.clients.expectations import Answers, Images, Refusals, Streams, Structured, Tools
from tests.clients.program import PROGRAMS, VENVS

COMMAND = [str(VENVS / "sdks/bin/python"), str(PROGRAMS / "llm_tool.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-llm")


class TestLLM(Answers, Images, Refusals, Streams, Structured, Tools):
    raises = {
        "window": "BadRequestError",
        "model": "NotFoundError",
        "forbidden": "PermissionDeniedError",
        "spent": "APIStatusError",
        "limited": "RateLimitError",
    }
