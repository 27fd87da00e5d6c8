"""instructor."""

import pytest

from tests.clients.client_gateway import ClientGateway
from tests.clients.expectations import AGENTS, Answers, Lasting, Refusals, Retries, Structured
from tests.clients.program import PROGRAMS, VENVS, Program

COMMAND = [str(VENVS / "instructor/bin/python"), str(PROGRAMS / "instructor_sdk.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-instructor")


class TestInstructor(Answers, Lasting, Refusals, Retries, Structured):
    raises = {
        "window": "BadRequestError",
        "model": "NotFoundError",
        "forbidden": "PermissionDeniedError",
        "spent": "APIStatusError",
        "limited": "RateLimitError",
    }

    @pytest.mark.parametrize("mode", ["tools", "json", "schema"])
    @AGENTS
    async def test_an_object_comes_by_every_mode(
        self, client: Program, at: ClientGateway, agent: str, engine: str, mode: str
    ) -> None:
        text = 'Say <<{"city": "Rome", "degrees": 18}>>' if mode == "json" else "How warm is it in Rome?"
        found = await client("structured", at.url, model=agent, text=text, mode=mode)
        assert (type(found["city"]), type(found["degrees"])) == (str, int)
        assert {row["engine"] for row in at.stand.rows()} == {engine}

    @AGENTS
    async def test_an_object_grows_out_of_a_stream(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        found = await client("partial", at.url, model=agent, text="How warm is it in Rome?")
        assert (type(found["city"]), type(found["degrees"])) == (str, int)
