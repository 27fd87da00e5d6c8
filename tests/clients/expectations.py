"""What holds for every client, whichever library it is: a test module says which of these its client has."""

import re
import time
from typing import Any, ClassVar

import pytest

from backends.rehearsal.faults import Fault
from tests.clients.client_gateway import ClientGateway
from tests.clients.program import Program, RaisedError
from tests.clients.upstream import answered, bodies, images, signatures

AGENTS = pytest.mark.parametrize(("agent", "engine"), [("scout", "local"), ("writer", "cloud")])

PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5E"
    "rkJggg=="
)
TURNS = [
    "Please do weather(Rome) weather(Oslo) clock(Lima)",
    "And now clock(Rome) then weather(Bern)",
    "Once more weather(Rome)",
]
"""Three questions with five calls, three of them in parallel."""

TOLD = [
    ("weather", "Rome", "Rome: 18 degrees"),
    ("weather", "Oslo", "Oslo: 18 degrees"),
    ("clock", "Lima", "Lima: noon"),
    ("clock", "Rome", "Rome: noon"),
    ("weather", "Bern", "Bern: 18 degrees"),
    ("weather", "Rome", "Rome: 18 degrees"),
]


def limited(seconds: int) -> dict[str, Any]:
    """Google's 429 of a limit by the minute."""
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [
                {
                    "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
                    "quotaId": "GenerateRequestsPerMinutePerProjectPerModel",
                }
            ],
        },
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds}s"},
    ]
    words = f"You exceeded your current quota. Please retry in {seconds}s."
    return {"error": {"code": 429, "message": words, "status": "RESOURCE_EXHAUSTED", "details": details}}


class Answers:
    """Plain answers and their usage."""

    @AGENTS
    async def test_an_answer_has_text_and_usage(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        heard = await client("plain", at.url, model=agent, text="Why is the sky blue?")
        (row,) = at.stand.rows()
        assert heard["text"]
        assert row["engine"] == engine
        assert heard["input"] == row["input_tokens"] > 0
        assert heard["output"] == row["output_tokens"] + row["thinking_tokens"] > 0

    async def test_a_cached_answer_has_the_usage_of_the_first(self, client: Program, at: ClientGateway) -> None:
        first = await client("plain", at.url, model="writer", text="Why is the sky blue?")
        second = await client("plain", at.url, model="writer", text="Why is the sky blue?")
        assert [row["cache"] for row in at.stand.rows()] == ["miss", "exact"]
        for what in ("text", "input", "output"):
            assert second[what] == first[what]
        assert second["input"] > 0


class Streams:
    """Answers as they come."""

    @AGENTS
    async def test_a_stream_has_text_and_usage(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        heard = await client("stream", at.url, model=agent, text="Why is the sky blue?")
        (row,) = at.stand.rows()
        assert row["engine"] == engine
        assert len(heard["text"]) > 20
        assert heard["input"] == row["input_tokens"] > 0
        assert heard["output"] == row["output_tokens"] + row["thinking_tokens"] > 0

    async def test_a_cached_stream_has_the_usage_of_the_first(self, client: Program, at: ClientGateway) -> None:
        first = await client("stream", at.url, model="writer", text="Why is the sky blue?")
        assert await client("stream", at.url, model="writer", text="Why is the sky blue?") == first
        assert [row["cache"] for row in at.stand.rows()] == ["miss", "exact"]
        assert first["input"] > 0


class Tools:
    """Loops of calls and results, three turns long."""

    @AGENTS
    async def test_each_result_stands_for_its_call(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        heard = await client("loop", at.url, model=agent, turns=TURNS)
        assert [len(step) for step in heard["steps"]] == [3, 1, 1, 1]
        assert len(heard["answers"]) == 3
        assert all(heard["answers"])
        told_right(at, engine)


class ToolsStreamed:
    """The same loops out of streams."""

    @AGENTS
    async def test_each_streamed_call_gets_its_result(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        heard = await client("loop", at.url, model=agent, turns=TURNS, streamed=True)
        assert [len(step) for step in heard["steps"]] == [3, 1, 1, 1]
        assert len(heard["answers"]) == 3
        assert all(heard["answers"])
        told_right(at, engine)


class ToolsBackwards:
    """For clients whose user writes the loop."""

    @AGENTS
    async def test_results_in_another_order_stand_for_their_calls(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        heard = await client("loop", at.url, model=agent, turns=TURNS, backwards=True)
        assert len(heard["answers"]) == 3
        told_right(at, engine)


class Choices:
    """Calls that the caller insists on."""

    @AGENTS
    async def test_a_required_call_is_made(self, client: Program, at: ClientGateway, agent: str, engine: str) -> None:
        assert await client("forced", at.url, model=agent, text="Good morning.", choice="required")
        assert {row["engine"] for row in at.stand.rows()} == {engine}

    async def test_a_named_tool_is_called(self, client: Program, at: ClientGateway) -> None:
        choice = {"type": "function", "function": {"name": "clock"}}
        assert await client("forced", at.url, model="writer", text="Good morning.", choice=choice) == ["clock"]


class OneCall:
    """One call at a time."""

    @AGENTS
    async def test_one_call_at_a_time_where_asked_for(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        given = {"text": TURNS[0], "choice": "auto", "parallel_tool_calls": False}
        assert await client("forced", at.url, model=agent, **given) == ["weather"]
        assert {row["engine"] for row in at.stand.rows()} == {engine}


class SystemAlone:
    """Instructions without a question."""

    @AGENTS
    async def test_a_system_message_alone_is_answered(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        assert (await client("system_only", at.url, model=agent, text="Greet the user."))["text"]
        assert {row["engine"] for row in at.stand.rows()} == {engine}


class Several:
    """Several answers to one request."""

    @AGENTS
    async def test_several_answers_are_several_calls(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        texts = await client("several", at.url, model=agent, text="Name a colour.", n=2)
        assert len(texts) == 2
        assert all(texts)
        assert len(bodies(at, engine)) == 2


class OpenAIsOwn:
    """For OpenAI's own clients."""

    async def test_a_history_without_unknown_fields_keeps_its_signatures(
        self, client: Program, at: ClientGateway
    ) -> None:
        heard = await client("loop", at.url, model="writer", turns=TURNS, known_fields_only=True)
        assert len(heard["answers"]) == 3
        told_right(at, "cloud")

    async def test_one_model_is_looked_up(self, client: Program, at: ClientGateway) -> None:
        assert await client("model", at.url, name="scout") == "scout"


class Structured:
    """Answers of a given form."""

    @AGENTS
    async def test_an_answer_keeps_to_its_schema(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        found = await client("structured", at.url, model=agent, text="How warm is it in Rome?")
        assert (type(found["city"]), type(found["degrees"])) == (str, int)
        assert {row["engine"] for row in at.stand.rows()} == {engine}


class StructuredWithTools:
    """Answers of a given form while tools are declared: Gemini before 3 takes no request that has both."""

    @AGENTS
    async def test_an_answer_keeps_to_its_schema_beside_tools(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        found = await client("structured", at.url, model=agent, text="How warm is it in Rome?", with_tools=True)
        assert (type(found["city"]), type(found["degrees"])) == (str, int)
        assert {row["engine"] for row in at.stand.rows()} == {engine}


class Images:
    """Pictures on their way to an engine that sees."""

    async def test_an_image_reaches_the_cloud_as_bytes(self, client: Program, at: ClientGateway) -> None:
        assert (await client("image", at.url, model="writer", data_url=PNG))["text"]
        assert images(at) == [("image/png", PNG.partition(",")[2])]


class Refusals:
    """Statuses become the client's own classes. `raises` names the class for each situation."""

    raises: ClassVar[dict[str, str]]

    async def test_a_prompt_beyond_the_window(self, client: Program, at: ClientGateway) -> None:
        with pytest.raises(RaisedError, match="maximum context length") as raised:
            await client("plain", at.url, model="scout", text="lorem ipsum dolor " * 4_000)
        assert self.raises["window"] in raised.value.classes
        assert at.stand.rows() == []

    async def test_a_model_that_is_not_there(self, client: Program, at: ClientGateway) -> None:
        with pytest.raises(RaisedError, match="model") as raised:
            await client("plain", at.url, model="gpt-unknown", text="Hi")
        assert self.raises["model"] in raised.value.classes

    async def test_what_the_operator_forbids(self, client: Program, at: ClientGateway) -> None:
        with pytest.raises(RaisedError) as raised:
            await client("plain", at.url, model="vault", text="Hi")
        assert self.raises["forbidden"] in raised.value.classes
        assert bodies(at, "cloud") == []

    async def test_a_budget_that_is_spent(self, client: Program, at: ClientGateway) -> None:
        with pytest.raises(RaisedError) as raised:
            await client("plain", at.url, model="poor", text="Hi")
        assert self.raises["spent"] in raised.value.classes
        assert bodies(at, "cloud") == []

    async def test_a_limit_by_the_minute(self, client: Program, at: ClientGateway) -> None:
        at.stand.gemini.inject(Fault(kind="status", status=429, times=None, body=limited(1)))
        with pytest.raises(RaisedError) as raised:
            await client("plain", at.url, model="writer", text="Hi")
        assert self.raises["limited"] in raised.value.classes
        assert "quota" not in raised.value.said  # to OpenClaw that is worth no wait


class Retries:
    """What a client sends again by itself, and what it does not."""

    async def test_a_wait_is_obeyed_and_the_answer_comes(self, client: Program, at: ClientGateway) -> None:
        at.stand.gemini.inject(Fault(kind="status", status=429, times=1, body=limited(2)))
        began = time.monotonic()
        heard = await client("plain", at.url, model="writer", text="Hi there", retries=3)
        assert heard["text"]
        assert time.monotonic() - began >= 1.9

    async def test_an_engine_that_is_back_answers_the_second_try(self, client: Program, at: ClientGateway) -> None:
        at.stand.gemini.inject(Fault(kind="status", status=503, times=2))  # the core tries twice itself
        assert (await client("plain", at.url, model="writer", text="Hi there", retries=3))["text"]


class Lasting:
    """What a client that reads x-should-retry does not send again."""

    async def test_a_deadline_is_not_tried_again(self, client: Program, at: ClientGateway) -> None:
        at.stand.gemini.inject(Fault(kind="silence", times=None))
        with pytest.raises(RaisedError, match=re.compile("deadline|time", re.IGNORECASE)):
            await client("plain", at.url, model="hasty", text="Hi there", retries=3)
        assert len(bodies(at, "cloud")) == 1


def told_right(at: ClientGateway, engine: str) -> None:
    """The engine was told each call's own result, and Gemini got the signature of every step."""
    found = answered(at, engine)
    assert [call[:2] for call in found] == [call[:2] for call in TOLD]
    assert [call for call, told in zip(found, TOLD, strict=True) if told[2] not in call[2]] == []
    if engine == "cloud":
        assert all(signatures(at))
