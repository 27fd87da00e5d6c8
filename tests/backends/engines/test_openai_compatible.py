import json
from typing import Any

import pytest
from msgspec.structs import replace as changed

from backends.engines.base import Call, Finished
from backends.engines.openai import OpenAIClient
from backends.engines.openai.models import api_url
from backends.errors import EngineError, EngineErrorKind
from backends.types import Media, Message, ResponseFormat, Tokens, Tool, ToolCall
from tests.backends.engines.rig import (
    CALL,
    Answer,
    WireServer,
    answer,
    delta,
    failure,
    local_settings,
    response,
    sse,
    wire,
)

DONE = b"[DONE]"
TOOL = Tool(name="get_weather", description="Weather now", parameters={"type": "object"})


async def asked(server: WireServer, call: Call = CALL, **settings: Any) -> Answer:
    engine = OpenAIClient("local", local_settings(server.url, kind="openai", **settings))
    await engine.prepare()
    try:
        return await answer(engine, call)
    finally:
        await engine.close()


async def said(*events: Any) -> Answer:
    """The answer that these events make."""
    async with wire(response(sse(*events))) as server:
        return await asked(server)


async def refused(server: WireServer, call: Call = CALL) -> EngineError:
    engine = OpenAIClient("local", local_settings(server.url, kind="openai"))
    error = await failure(engine, call)
    await engine.close()
    return error


async def body_of(call: Call) -> dict[str, Any]:
    async with wire(response(sse(delta("x", "stop"), DONE))) as server:
        await asked(server, call)
    body: dict[str, Any] = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    return body


async def test_an_answer_with_usage_and_speed() -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    whole = await said(
        delta(""),
        delta("Hel"),
        delta("lo"),
        delta(None, "stop"),
        {"choices": [], "usage": usage, "timings": {"predicted_per_second": 51.5}},
        DONE,
    )
    assert whole.text == "Hello"
    assert whole.tokens == Tokens(input=9, output=2, thinking=5, cached_input=4)
    assert whole.finished == Finished(finish="stop")


async def test_the_request_says_all_that_the_call_does() -> None:
    call = changed(
        CALL,
        tools=(TOOL,),
        tool_choice="get_weather",
        temperature=0.5,
        top_p=0.9,
        seed=7,
        stop=("END",),
        response_format=ResponseFormat(kind="schema", schema={"type": "object"}, name="reply"),
        messages=(
            Message(role="user", text="look", media=(Media(media_type="image/png", data=b"\x89PNG"),)),
            Message(role="assistant", tool_calls=(ToolCall(id="a", name="get_weather", arguments="{}"),)),
            Message(role="tool", text="12", tool_call_id="a"),
        ),
    )
    body = await body_of(call)
    assert body["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
                {"type": "text", "text": "look"},
            ],
        },
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "12", "tool_call_id": "a"},
    ]
    assert body["tools"][0]["function"]["parameters"] == {"type": "object"}
    assert body["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    schema = {"name": "reply", "schema": {"type": "object"}, "strict": True}
    assert body["response_format"] == {"type": "json_schema", "json_schema": schema}
    assert body["stream_options"] == {"include_usage": True}
    assert (body["max_tokens"], body["temperature"], body["top_p"], body["seed"]) == (200, 0.5, 0.9, 7)
    assert body["stop"] == ["END"]


async def test_what_a_call_does_not_say_is_not_sent() -> None:
    body = await body_of(CALL)
    assert set(body) == {"model", "messages", "max_tokens", "stream", "stream_options"}
    form = changed(CALL, response_format=ResponseFormat(kind="json"), tools=(TOOL,), tool_choice="required")
    body = await body_of(form)
    assert body["response_format"] == {"type": "json_object"}
    assert body["tool_choice"] == "required"


async def test_fragments_of_tool_calls_are_put_together() -> None:
    whole = await said(
        delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]),
        delta(tool_calls=[{"index": 1, "function": {"name": "g"}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": '{"x"'}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}]),
        delta(None, "tool_calls"),
        DONE,
    )
    assert whole.calls == (
        ToolCall(id="a", name="f", arguments='{"x": 1}'),
        ToolCall(id="call_r1_1", name="g", arguments="{}"),
    )
    assert whole.finished == Finished(finish="stop")


async def test_reasons_other_than_stop() -> None:
    assert (await said(delta("x", "length"), DONE)).finished == Finished(finish="length")
    blocked = Finished(finish="blocked", reason="content_filter")
    assert (await said(delta("x", "content_filter"), DONE)).finished == blocked


@pytest.mark.parametrize("end", [[DONE], [], [delta("y", "abort"), DONE]])
async def test_an_end_without_a_reason_is_a_cut(end: list[Any]) -> None:
    async with wire(response(sse(delta("x"), *end))) as server:
        assert (await refused(server)).kind == "cut"


async def test_an_error_in_the_middle_is_a_cut() -> None:
    async with wire(response(sse(delta("x"), {"error": {"message": "out of\nmemory"}}))) as server:
        error = await refused(server)
    assert error.kind == "cut"
    assert "out of memory" in str(error)


@pytest.mark.parametrize("event", [b"not json", b"[1]", b'{"choices": [{"delta": 3}]}'])
async def test_an_event_of_another_shape_is_against_the_protocol(event: bytes) -> None:
    async with wire(response(sse(event))) as server:
        assert (await refused(server)).kind == "protocol"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        ("503 Busy", b'{"error": {"message": "Loading model"}}', "busy"),
        ("404 Not Found", b'{"error": "no such model"}', "model"),
        ("400 Bad Request", b'{"error": {"message": "maximum context length is 4096"}}', "context"),
        ("400 Bad Request", b"{}", "rejected"),
        ("401 Unauthorized", b"go away", "key"),
        ("422 Unprocessable", b"go away", "rejected"),
        ("500 Oops", b"\xff\xfe", "unavailable"),
    ],
)
async def test_errors_say_what_to_do(status: str, body: bytes, kind: EngineErrorKind) -> None:
    async with wire(response(body, status=status)) as server:
        error = await refused(server)
    assert (error.kind, error.status, error.billed) == (kind, int(status[:3]), False)


async def test_a_prompt_that_does_not_fit_is_never_sent() -> None:
    async with wire(b"") as server:
        assert (await refused(server, changed(CALL, input_tokens=16_300))).kind == "context"
    assert server.connections == 0


async def test_a_connection_is_used_again() -> None:
    async with wire(response(sse(delta("x", "stop"), DONE))) as server:
        engine = OpenAIClient("local", local_settings(server.url, kind="openai"))
        for _ in range(3):
            await answer(engine, CALL)
        await engine.close()
    assert server.connections == 1


@pytest.mark.parametrize("base", ["http://x:1", "http://x:1/", "http://x:1/v1", "http://x:1/v1/"])
def test_the_setting_may_or_may_not_name_the_version(base: str) -> None:
    assert api_url(base, "models") == "http://x:1/v1/models"
