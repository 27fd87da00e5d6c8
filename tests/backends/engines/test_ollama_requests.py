"""What Ollama refuses is not sent to it, and what it tells is kept: against the twin, which is as strict."""

import json
from typing import Any

import pytest
from msgspec.structs import replace as changed

from backends.engines.ollama import OllamaClient
from backends.rehearsal.behaviour import Calling, TwinModel
from backends.rehearsal.faults import Fault
from backends.rehearsal.ollama_twin import OllamaTwin
from backends.types import Media, Message, ResponseFormat, Tokens, Tool, ToolCall
from tests.backends.engines.rig import CALL, answer, failure, local_settings, response, wire

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER, CLOCK = Tool(name="get_weather", parameters=CITY), Tool(name="get_time")
REPORT = {"type": "object", "properties": {"degrees": {"$ref": "#/$defs/D"}}, "$defs": {"D": {"type": "integer"}}}
BY_SCHEMA = ResponseFormat(kind="schema", schema=REPORT)
ASKING = changed(CALL, messages=(Message(role="user", text="what is the weather?"),), tools=(WEATHER, CLOCK))
HELLO = changed(ASKING, messages=(Message(role="user", text="good day"),))


async def body(twin: OllamaTwin, engine: OllamaClient, call: Any) -> dict[str, Any]:
    await answer(engine, call)
    found: dict[str, Any] = json.loads(twin.seen[-1].body)
    return found


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": ["object", "null"], "properties": {"a": True, "b": {"type": ["string", "null"]}}},
        {"properties": []},
        {"type": "object", "properties": {"a": {"description": 3, "enum": "x"}}, "required": None},
        {"type": "object", "properties": {"a": {"anyOf": [True, {"type": "object", "properties": {"b": False}}]}}},
        {"description": ["a", "b"], "required": [1, "a"]},
    ],
)
async def test_a_tools_schema_that_go_cannot_read_is_put_otherwise(
    ollama: OllamaClient, parameters: dict[str, Any]
) -> None:
    assert (await answer(ollama, changed(HELLO, tools=(Tool(name="t", parameters=parameters),)))).text


async def test_a_history_of_anything_is_taken(ollama: OllamaClient) -> None:
    image = Media(media_type="image/webp", data=b"RIFF0000WEBP")
    messages = (
        Message(role="system", text="Be brief.\ud800"),
        Message(role="assistant", text=""),
        Message(role="assistant", tool_calls=(ToolCall(id="a", name="get_time", arguments="{cut"),)),
        Message(role="tool", tool_call_id="a", text="12:00", media=(image,)),
    )
    call = changed(
        CALL, messages=messages, stop=("", "END"), seed=-(2**40), top_k=40, min_p=0.1, logit_bias=(("1", 1),)
    )
    assert (await answer(ollama, call)).text


async def test_an_id_that_comes_again_means_the_call_before_it(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    messages = (
        Message(role="assistant", tool_calls=(ToolCall(id="0", name="search", arguments="{}"),)),
        Message(role="tool", tool_call_id="0", text="found"),
        Message(role="assistant", tool_calls=(ToolCall(id="0", name="read", arguments="{}"),)),
        Message(role="tool", tool_call_id="0", text="text"),
    )
    sent = (await body(ollama_twin, ollama, changed(CALL, messages=messages)))["messages"]
    assert [message["tool_name"] for message in sent if message["role"] == "tool"] == ["search", "read"]


@pytest.mark.parametrize(
    ("given", "sent"),
    [("30m", "30m"), ("1800", 1800), (1800, 1800), ("-1", -1), (0, 0), ("1.5", 1.5), ("1h30m", "1h30m")],
)
async def test_keep_alive_is_sent_as_ollama_reads_it(ollama_twin: OllamaTwin, given: str | int, sent: Any) -> None:
    engine = OllamaClient("local", local_settings(ollama_twin.url, keep_alive=given))
    assert (await body(ollama_twin, engine, CALL))["keep_alive"] == sent
    await engine.close()


async def test_thinking_is_asked_of_models_that_think(ollama_twin: OllamaTwin) -> None:
    thinker = TwinModel(name="qwen3:8b", capabilities=("completion", "tools", "thinking"))
    ollama_twin.behaviour = changed(ollama_twin.behaviour, models=(*ollama_twin.behaviour.models, thinker))
    engine = OllamaClient("local", local_settings(ollama_twin.url))
    assert (await body(ollama_twin, engine, changed(CALL, model="qwen3:8b", effort="high")))["think"] is True
    assert "think" not in await body(ollama_twin, engine, changed(CALL, effort="high"))
    await engine.close()


# ---- tools that must be called, and tools beside a format


@pytest.mark.parametrize(("choice", "names"), [("required", {"get_weather", "get_time"}), ("get_time", {"get_time"})])
async def test_a_tool_that_must_be_called_is_called(
    ollama: OllamaClient, ollama_twin: OllamaTwin, choice: str, names: set[str]
) -> None:
    whole = await answer(ollama, changed(HELLO, tool_choice=choice))
    assert len(whole.calls) == 1
    assert whole.calls[0].name in names
    assert isinstance(json.loads(whole.calls[0].arguments), dict)
    assert whole.text == ""
    forms = json.loads(ollama_twin.seen[-1].body)["format"]
    assert {each["properties"]["name"]["const"] for each in forms.get("anyOf", [forms])} == names


async def test_tools_and_a_format_are_both_kept_to(ollama: OllamaClient) -> None:
    called = await answer(ollama, changed(ASKING, response_format=BY_SCHEMA))
    assert [call.name for call in called.calls] == ["get_weather"]
    said = await answer(ollama, changed(HELLO, response_format=BY_SCHEMA))
    assert not said.calls
    assert set(json.loads(said.text)) == {"degrees"}


async def test_a_schema_that_refers_to_itself_is_sent_as_it_is(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    call = changed(HELLO, response_format=ResponseFormat(kind="schema", schema=tree))
    assert (await body(ollama_twin, ollama, call))["format"] == tree


@pytest.mark.parametrize("calling", ["calls", "tags", "bare", "fence", "xml"])
async def test_a_call_is_read_however_the_model_writes_it(
    ollama: OllamaClient, ollama_twin: OllamaTwin, calling: Calling
) -> None:
    ollama_twin.behaviour = changed(ollama_twin.behaviour, calling=calling)
    whole = await answer(ollama, ASKING)
    assert [(call.name, set(json.loads(call.arguments))) for call in whole.calls] == [("get_weather", {"city"})]
    assert whole.text == ""
    assert whole.finished is not None
    assert bool(whole.finished.notes) is (calling != "calls")


async def test_a_call_that_cannot_be_read_stays_text(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    ollama_twin.behaviour = changed(ollama_twin.behaviour, calling="broken")
    whole = await answer(ollama, ASKING)
    assert not whole.calls
    assert whole.text.startswith("<tool_call>")


# ---- what Ollama says


@pytest.mark.parametrize(("mode", "side"), [("no-input", "output"), ("no-output", "input")])
async def test_a_count_of_one_side_is_kept(ollama: OllamaClient, ollama_twin: OllamaTwin, mode: str, side: str) -> None:
    ollama_twin.inject(Fault(kind="usage", mode=mode))
    whole = await answer(ollama, CALL)
    assert whole.tokens == Tokens(**{side: getattr(ollama_twin.usage.calls[-1], side)})


async def test_what_was_found_in_the_cache_is_told() -> None:
    line = (
        b'{"message":{"role":"assistant","content":"yes"},"done":true,"done_reason":"stop",'
        b'"prompt_eval_count":20,"prompt_eval_cached_count":12,"eval_count":1}\n'
    )
    async with wire(response(line)) as server:
        engine = OllamaClient("local", local_settings(server.url))
        whole = await answer(engine, CALL)
        await engine.close()
    assert whole.tokens == Tokens(input=20, output=1, cached_input=12)


@pytest.mark.parametrize(
    ("status", "line", "kind"),
    [
        (500, "error parsing tool call: raw='{\"a\": }', err=invalid character '}'", "empty"),
        (500, "Failed to create new sequence: failed to process inputs: image: unknown format", "rejected"),
        (500, "llama runner process has terminated", "unavailable"),
        (400, '"qwen2.5:14b" does not support thinking', "rejected"),
    ],
)
async def test_errors_of_the_model_and_of_the_prompt_are_no_outage(
    ollama: OllamaClient, ollama_twin: OllamaTwin, status: int, line: str, kind: str
) -> None:
    ollama_twin.inject(Fault(kind="status", status=status, body={"error": line}))
    assert (await failure(ollama, ASKING)).kind == kind


async def test_an_answer_with_nothing_in_it_is_none() -> None:
    line = b'{"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}\n'
    async with wire(response(line)) as server:
        engine = OllamaClient("local", local_settings(server.url))
        assert (await failure(engine, CALL)).kind == "empty"
        assert (await answer(engine, changed(CALL, stop=("END",)))).text == ""
        await engine.close()
