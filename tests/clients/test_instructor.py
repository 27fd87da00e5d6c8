"""instructor."""

import pytest

from tests.clients.expectations import Answers, Refusals, Retries, Structured
from tests.clients.program import PROGRAMS, VENVS

COMMAND = [str(VENVS / "instructor/bin/python"), str(PROGRAMS / "instructor_sdk.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-instructor")


class TestInstructor(Answers, Refusals, Retries, Structured):
    raises = {
        "window": "BadRequestError",
        "model": "NotFoundError",
        "forbidden": "PermissionDeniedError",
        "spent": "APIStatusError",
        "limited": "RateLimitError",
    }
