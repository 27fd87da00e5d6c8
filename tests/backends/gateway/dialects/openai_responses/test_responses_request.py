"""Bodies of OpenAI's Responses, as its SDK, Codex and OpenClaw write them."""

import base64
from typing import Any

import msgspec
import pytest

from backends.gateway.dialects.openai_responses.responses_request import ResponsesRequest, read
from backends.gateway.http_errors import HttpError
from backends.types import Message, ResponseFormat, ToolCall
from tests.agent_bodies import RESPONSES, SCHEMA, codex

PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG not really").decode()
PDF = "data:application/pdf;base64," + base64.b64encode(b"%PDF-1.7 not really").decode()


def wish(**fields: Any) -> ResponsesRequest:
    return read(msgspec.json.encode({"model": "auto", "input": "hi", "store": False} | fields))


def items(*given: Any) -> tuple[Message, ...]:
    return wish(input=list(given)).messages


def test_codexs_own_body() -> None:
    asked = read(msgspec.json.encode(codex("list the files")))
    assert [message.role for message in asked.messages] == ["system", "user", "user"]
    assert asked.messages[-1].text == "list the files"
    assert asked.session == "5e551011-0000-7000-8000-000000000002"
    assert asked.ignored == ("tools[].helpers", "tools[].web_search")
    assert [tool.name for tool in asked.tools] == ["shell"]
    assert (asked.sampling.effort, asked.parallel_tool_calls, asked.stream) == ("medium", True, True)


def test_a_text_alone_with_its_instructions() -> None:
    assert wish(instructions="Be brief.").messages == (
        Message(role="system", text="Be brief."),
        Message(role="user", text="hi"),
    )


def test_what_a_model_said_in_a_row_is_one_message() -> None:
    spoken = items(
        {"role": "user", "content": "hi"},
        {"type": "reasoning", "id": "r", "summary": []},
        {
            "role": "assistant",
            "content": [{"type": "output_text", "text": "one"}, {"type": "output_text", "text": "two"}],
        },
        {"role": "assistant", "content": "three"},
        {"type": "function_call", "call_id": "a", "name": "read", "arguments": ""},
        {"type": "custom_tool_call", "call_id": "b", "name": "patch", "input": "+ x"},
        {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "A"}]},
        {"type": "custom_tool_call_output", "call_id": "b", "output": "B"},
    )
    assert [message.role for message in spoken] == ["user", "assistant", "tool", "tool"]
    assert spoken[1] == Message(
        role="assistant",
        text="one\ntwo\nthree",
        seams=(4, 8),
        tool_calls=(
            ToolCall(id="a", name="read", arguments="{}"),
            ToolCall(id="b", name="patch", arguments='{"input":"+ x"}'),
        ),
    )
    assert [(message.tool_call_id, message.text) for message in spoken[2:]] == [("a", "A"), ("b", "B")]


def test_items_of_openais_servers_are_ignored_by_name_whatever_they_hold() -> None:
    asked = wish(
        input=[
            {"role": "user", "content": "hi"},
            {"type": "web_search_call", "id": "w", "action": 5, "content": {"any": "form"}},
            {"type": "compaction", "encrypted_content": "eHg="},
        ]
    )
    assert asked.messages == (Message(role="user", text="hi"),)
    assert asked.ignored == ("input[].web_search_call", "input[].compaction")


def test_files_are_their_bytes() -> None:
    (spoken,) = items(
        {
            "role": "user",
            "content": [
                {"type": "input_image", "image_url": PNG, "detail": "auto"},
                {"type": "input_file", "file_data": PDF, "filename": "plan.pdf"},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                {"type": "input_text", "text": "look"},
            ],
        }
    )
    assert [file.media_type for file in spoken.media] == ["image/png", "application/pdf", "audio/wav"]
    assert spoken.text == "look"


@pytest.mark.parametrize(
    ("choice", "names", "expected"),
    [
        ("none", ["read", "list"], "none"),
        ("required", ["read", "list"], "required"),
        ({"type": "function", "name": "list"}, ["read", "list"], "list"),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "list"}]},
            ["list"],
            "required",
        ),
    ],
)
def test_which_tool_may_be_called(choice: Any, names: list[str], expected: str) -> None:
    tools = [RESPONSES["tools"][0], {"type": "function", "name": "list"}]
    asked = wish(tools=tools, tool_choice=choice)
    assert ([tool.name for tool in asked.tools], asked.tool_choice) == (names, expected)


def test_an_answer_as_json_or_by_a_schema() -> None:
    assert wish(text={"format": {"type": "json_object"}}).response_format == ResponseFormat(kind="json")
    form = {"type": "json_schema", "name": "stock", "schema": SCHEMA, "strict": True, "description": "what is there"}
    assert wish(text={"format": form}).response_format == ResponseFormat(
        kind="schema", schema=SCHEMA | {"description": "what is there"}, name="stock", strict=True
    )


@pytest.mark.parametrize(
    ("fields", "session"),
    [
        ({"conversation": "conv_1", "prompt_cache_key": "key"}, "conv_1"),
        ({"conversation": {"id": "conv_2"}}, "conv_2"),
        ({"prompt_cache_key": "key"}, "key"),
        ({}, ""),
    ],
)
def test_a_session_is_named_by_conversation_or_cache_key(fields: dict[str, Any], session: str) -> None:
    assert wish(**fields).session == session


def test_an_earlier_answer_is_named_and_not_forgotten_in_silence() -> None:
    asked = wish(previous_response_id="resp_1", store=True)
    assert asked.previous == "resp_1"
    assert asked.ignored == ("previous_response_id", "store")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"input": [{"type": "reasoning", "summary": []}]}, "input"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        ({"input": [{"type": "message", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"type": "function_call", "name": "x", "arguments": "{}"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0]"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "https://x/y.png"}]}]},
            "input[0].content[0].image_url",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]},
            "input[0].content[0].file_id",
        ),
        ({"background": True}, "background"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"temperature": 2.5}, "temperature"),
        ({"tools": "all"}, "tools"),
        ({"tools": [{"type": "function", "name": "a b"}]}, "tools[0].name"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
    ],
)
def test_what_openai_refuses_is_refused_with_its_place(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(HttpError) as refused:
        wish(**fields)
    assert (refused.value.http_status, refused.value.param) == (400, param)
