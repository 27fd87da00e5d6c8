"""smolagents."""

import pytest

from tests.clients.client_gateway import ClientGateway
from tests.clients.expectations import AGENTS, Answers, Images, Refusals, Streams, Structured
from tests.clients.program import PROGRAMS, VENVS, Program

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

    @AGENTS
    async def test_an_agent_works_through_its_tools(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        task = "Please do weather(Rome) then clock(Oslo) then final_answer(done)"
        heard = await client("agent", at.url, model=agent, text=task)
        assert heard == {"answer": "done", "steps": [["weather"], ["clock"], ["final_answer"]]}
        assert {row["engine"] for row in at.stand.rows()} == {engine}
