"""smolagents."""

import pytest

from tests.clients.expectations import Answers, Images, Refusals, Streams, Structured
from tests.clients.program import PROGRAMS, VENVS

COMMAND = [str(VENVS / "sdks/bin/python"), str(PROGRAMS / "smolagents_sdk.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-smolagents")


class TestSmolagents(Answers, Images, Refusals, Streams, Structured):
    raises = {
        "window": "BadRequestError",
        "model": "NotFoundError",
        "forbidden": "PermissionDeniedError",
        "spent": "APIStatusError",
        "limited": "RateLimitError",
    }
