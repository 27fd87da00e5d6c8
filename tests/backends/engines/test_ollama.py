import json
from typing import Any

import pytest
from msgspec.structs import replace as changed

from backends.engines.base import Call, Finished
from backends.engines.ollama import OllamaClient
from backends.errors import EngineError, EngineErrorKind
from backends.rehearsal.behaviour import Counted
from backends.rehearsal.faults import Fault
from backends.rehearsal.ollama_twin import OllamaTwin
from backends.types import Media, Message, ResponseFormat, Tokens, Tool, ToolCall
from tests.backends.engines.rig import CALL, answer, failure, local_settings, response, wire

NESTED = {
    "type": "object",
    "properties": {"where": {"type": "object", "properties": {"city": {"anyOf": [{"type": "string"}]}}}},
    "additionalProperties": False,
}
WEATHER = Tool(name="get_weather", description="Weather now", parameters=NESTED)
CLOCK = Tool(name="get_time")


async def sent(twin: OllamaTwin, engine: OllamaClient, call: Call) -> dict[str, Any]:
    """The body that the twin received for this call."""
    await answer(engine, call)
    body: dict[str, Any] = json.loads(twin.seen[-1].body)
    return body


async def test_an_answer_comes_in_pieces_and_ends_with_usage_and_a_reason(
    ollama: OllamaClient, ollama_twin: OllamaTwin
) -> None:
    whole = await answer(ollama, CALL)
    record = ollama_twin.usage.calls[-1]
    assert sum(1 for chunk in whole.chunks if hasattr(chunk, "text")) > 5
    assert whole.tokens == Tokens(input=record.input, output=record.output)
    assert isinstance(whole.chunks[-1], Finished)
    assert whole.finished is not None
    assert whole.finished.finish == "stop"
    assert not whole.finished.context_cut
    assert whole.finished.load_s is not None


async def test_every_call_has_the_same_window_a_cap_and_the_keep_alive(
    ollama: OllamaClient, ollama_twin: OllamaTwin
) -> None:
    call = changed(CALL, temperature=0.5, top_p=0.9, seed=7, stop=("END",))
    body = await sent(ollama_twin, ollama, call)
    assert body["options"] == {
        "num_ctx": 16_384,
        "num_predict": 200,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["END"],
    }
    assert body["keep_alive"] == "30m"
    assert "format" not in body
    assert "tools" not in body
    assert set((await sent(ollama_twin, ollama, CALL))["options"]) == {"num_ctx", "num_predict"}


async def test_images_tools_and_results_are_passed_on(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    call = changed(
        CALL,
        tools=(WEATHER,),
        messages=(
            Message(role="user", text="look", media=(Media(media_type="image/png", data=b"\x89PNG"),)),
            Message(role="assistant", tool_calls=(ToolCall(id="a1", name="get_weather", arguments='{"x": 1}'),)),
            Message(role="tool", text="12 degrees", tool_call_id="a1"),
        ),
    )
    body = await sent(ollama_twin, ollama, call)
    assert body["messages"] == [
        {"role": "user", "content": "look", "images": ["iVBORw=="]},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "a1", "function": {"name": "get_weather", "arguments": {"x": 1}}}],
        },
        {"role": "tool", "content": "12 degrees", "tool_name": "get_weather", "tool_call_id": "a1"},
    ]
    assert body["tools"][0]["function"]["parameters"] == NESTED


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("auto", ["get_weather", "get_time"]),
        ("required", ["get_weather", "get_time"]),
        ("get_time", ["get_time"]),
        ("none", []),
    ],
)
async def test_a_tool_choice_becomes_an_offer(
    ollama: OllamaClient, ollama_twin: OllamaTwin, choice: str, names: list[str]
) -> None:
    body = await sent(ollama_twin, ollama, changed(CALL, tools=(WEATHER, CLOCK), tool_choice=choice))
    assert [tool["function"]["name"] for tool in body.get("tools", [])] == names


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        (ResponseFormat(kind="json"), "json"),
        (ResponseFormat(kind="schema", schema=NESTED), NESTED),
        (ResponseFormat(kind="schema"), "json"),
    ],
)
async def test_a_format_is_passed_on(
    ollama: OllamaClient, ollama_twin: OllamaTwin, form: ResponseFormat, wanted: Any
) -> None:
    assert (await sent(ollama_twin, ollama, changed(CALL, response_format=form)))["format"] == wanted


async def test_tool_calls_get_ids_of_their_own(ollama: OllamaClient) -> None:
    messages = (Message(role="user", text="what is the weather?"),)
    whole = await answer(ollama, changed(CALL, messages=messages, tools=(WEATHER,)))
    assert [call.name for call in whole.calls] == ["get_weather"]
    assert whole.calls[0].id == "call_r1_1"
    assert isinstance(json.loads(whole.calls[0].arguments), dict)
    assert whole.finished is not None
    assert whole.finished.finish == "stop"


async def test_earlier_arguments_that_are_no_object_are_given_as_text_and_it_is_said(
    ollama: OllamaClient, ollama_twin: OllamaTwin
) -> None:
    message = Message(role="assistant", tool_calls=(ToolCall(id="a", name="x", arguments="[1"),))
    whole = await answer(ollama, changed(CALL, messages=(message,)))
    (call,) = json.loads(ollama_twin.seen[-1].body)["messages"][0]["tool_calls"]
    assert call["function"]["arguments"] == {"unparsed": "[1"}
    assert whole.finished is not None
    assert whole.finished.notes == (
        "arguments of 1 earlier tool call are no JSON object: given as text under 'unparsed'",
    )


async def test_a_prompt_that_does_not_fit_is_never_sent(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    error = await failure(ollama, changed(CALL, input_tokens=16_300))
    assert error.kind == "context"
    assert ollama_twin.usage.requests == {}


async def test_thinking_is_no_text() -> None:
    lines = (
        b'{"message":{"role":"assistant","content":"","thinking":"hm"}}\n'
        b'{"message":{"role":"assistant","content":"yes"}}\n'
        b'{"message":{"role":"assistant","content":""},"done":true}\n'
    )
    async with wire(response(lines)) as server:
        engine = OllamaClient("local", local_settings(server.url))
        whole = await answer(engine, CALL)
        await engine.close()
    assert whole.text == "yes"
    assert whole.finished == Finished(finish="stop")
    assert whole.tokens is None


async def test_a_last_line_that_comes_twice_is_read_once() -> None:
    last = b'{"message":{"role":"assistant","content":"yes"},"done":true,"eval_count":2,"prompt_eval_count":9}\n'
    async with wire(response(last + last)) as server:
        engine = OllamaClient("local", local_settings(server.url))
        whole = await answer(engine, CALL)
        await engine.close()
    assert (whole.text, whole.tokens) == ("yes", Tokens(input=9, output=2))


async def test_counts_that_are_missing_are_unknown(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    ollama_twin.inject(Fault(kind="usage", mode="absent"))
    whole = await answer(ollama, changed(CALL, input_tokens=5_000))
    assert whole.tokens is None
    assert whole.finished is not None
    assert not whole.finished.context_cut


async def test_a_prompt_that_ollama_cut_is_flagged(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    ollama_twin.behaviour = changed(ollama_twin.behaviour, counted=Counted(input=2_050))
    whole = await answer(ollama, changed(CALL, input_tokens=9_000))
    assert whole.finished is not None
    assert whole.finished.context_cut


@pytest.mark.parametrize("reason", ["load", "unload", "abort"])
async def test_an_end_for_another_reason_is_no_answer(reason: str) -> None:
    line = b'{"message":{"role":"assistant","content":""},"done":true,"done_reason":"%s"}\n' % reason.encode()
    async with wire(response(line)) as server:
        engine = OllamaClient("local", local_settings(server.url))
        error = await failure(engine, CALL)
        await engine.close()
    assert error.kind == "cut"
    assert reason in str(error)


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (503, "busy", "full"),
        (429, "busy", "full"),
        (404, "model", "ollama pull qwen2.5:14b"),
        (500, "unavailable", "internal error"),
        (403, "rejected", "internal error"),
        (400, "rejected", "internal error"),
    ],
)
async def test_errors_say_what_to_do(
    ollama: OllamaClient, ollama_twin: OllamaTwin, status: int, kind: EngineErrorKind, says: str
) -> None:
    ollama_twin.inject(Fault(kind="status", status=status))
    error = await failure(ollama, CALL)
    assert (error.kind, error.status, error.billed) == (kind, status, False)
    assert says in str(error)


async def test_a_model_that_is_not_pulled_says_how(ollama: OllamaClient) -> None:
    error = await failure(ollama, changed(CALL, model="nobody:7b"))
    assert (error.kind, error.status) == ("model", 404)
    assert "`ollama pull nobody:7b`" in str(error)


async def test_nobody_there_says_how_to_start_it(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    await ollama_twin.close()
    error = await failure(ollama, CALL)
    assert error.kind == "unavailable"
    assert "ollama serve" in str(error)
    assert ollama_twin.url in str(error)


@pytest.mark.parametrize("line", [b"[1]\n", b"not json\n", b'{"message": 3}\n', b'{"done": true}\n'])
async def test_what_cannot_be_read_is_against_the_protocol_and_is_not_quoted(line: bytes) -> None:
    async with wire(response(line)) as server:
        engine = OllamaClient("local", local_settings(server.url))
        error = await failure(engine, CALL)
        await engine.close()
    assert error.kind == "protocol"
    assert "not json" not in str(error)
    assert error.__cause__ is None


async def test_preparing_and_closing_ask_nothing(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    await ollama.prepare()
    await ollama.close()
    assert ollama_twin.usage.requests == {}


async def test_an_error_in_the_engines_own_words_is_cleaned(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    ollama_twin.inject(Fault(kind="status", status=400, body={"error": "bad\x1b[31m\nthing" + "y" * 900}))
    with pytest.raises(EngineError) as caught:
        await answer(ollama, CALL)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300
