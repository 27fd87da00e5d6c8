"""What an operator does from a shell, and a runner that dies under a twin."""

from collections.abc import AsyncGenerator

import httpx
import ollama
import pytest
from google.genai.client import AsyncClient

from backends.rehearsal.ollama_twin import OllamaTwin
from backends.rehearsal.process import Twins
from backends.rehearsal.scripted_answers import AnswerEnd, RunnerDied, ScriptedRequest, ToolInvocation
from tests.backends.rehearsal.requests import generated, said


async def test_counts_over_http_are_the_twins_own(pair: Twins, cloud: AsyncClient) -> None:
    await generated(cloud)
    async with httpx.AsyncClient(base_url=pair.gemini.url) as http:
        counts = (await http.get("/rehearsal/counts")).json()
        none = (await http.get("/rehearsal/counts?calls=0")).json()
        wrong = await http.get("/rehearsal/counts?calls=many")

    assert counts["calls"] == {"finished": 1}
    assert counts["usd"] == format(pair.gemini.usage.usd, "f") == counts["records"][0]["usd"]
    assert (counts["running"], counts["waiting"], counts["open"]) == (0, 0, 0)
    assert none["records"] == []
    assert wrong.status_code == 400
    assert list(counts["requests"]) == ["POST /v1/models/gemini-3.5-flash-lite:streamGenerateContent"]


async def test_behaviour_is_changed_field_by_field(pair: Twins, local: ollama.AsyncClient) -> None:
    async with httpx.AsyncClient(base_url=pair.ollama.url) as http:
        before = (await http.get("/rehearsal/behaviour")).json()
        change = {"parallel": 7, "faults": [{"kind": "status", "status": 503}]}
        after = (await http.put("/rehearsal/behaviour", json=change)).json()
        wrong = [
            await http.put("/rehearsal/behaviour", content=body) for body in (b"{", b'{"speed": 1}', b'{"parallel": 0}')
        ]

    assert before | after == after
    assert (after["parallel"], after["faults"][0]["kind"]) == (7, "status")
    assert all(answer.status_code == 400 and "error" in answer.json() for answer in wrong)
    assert pair.ollama.behaviour.parallel == 7
    with pytest.raises(ollama.ResponseError):
        await said(local)
    assert (await said(local))[-1].done


async def test_incidents_by_name(pair: Twins) -> None:
    async with httpx.AsyncClient(base_url=pair.gemini.url) as http:
        names = (await http.get("/rehearsal/incidents")).json()
        begun = (await http.put("/rehearsal/incidents/C1")).json()
        unknown = await http.put("/rehearsal/incidents/Z9")
        reset = await http.post("/rehearsal/reset")
        calm = (await http.get("/rehearsal/behaviour")).json()

    assert names["C1"] == "minute quota"
    assert begun["faults"][0]["status"] == 429
    assert unknown.status_code == 404
    assert reset.json() == {"reset": True}
    assert calm["faults"] == []


async def test_what_was_said_can_be_looked_at(pair: Twins, cloud: AsyncClient) -> None:
    await generated(cloud, "the canary sings")
    [seen] = pair.gemini.seen

    assert seen.method == "POST"
    assert b"the canary sings" in seen.body
    assert seen.headers["x-goog-api-key"] == "any word"
    assert "any word" not in seen.path
    pair.gemini.reset()
    assert not pair.gemini.seen


class Dying:
    """Writes some words, then is gone."""

    def __init__(self, words: int) -> None:
        self.words = words

    async def answer(self, ask: ScriptedRequest) -> AsyncGenerator[str | ToolInvocation | AnswerEnd]:
        for number in range(self.words):
            yield f"{number} "
        raise RunnerDied("the small model broke off: ClientError")


@pytest.mark.parametrize(("words", "status", "end"), [(0, 500, "refused"), (3, -1, "cut")])
async def test_a_dying_runner_is_told_in_ollamas_way(words: int, status: int, end: str) -> None:
    twin = OllamaTwin(answerer=Dying(words))
    async with ollama.AsyncClient(host=await twin.start()) as client:
        with pytest.raises(ollama.ResponseError) as error:
            await said(client)
    await twin.close()

    assert error.value.status_code == status
    assert [call.end for call in twin.usage.calls] == [end]
