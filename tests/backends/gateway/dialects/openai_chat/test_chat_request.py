"""A body's messages, files and tools, in the many ways in which clients write them."""

import base64
import json
from typing import Any

import msgspec
import pytest

from backends.gateway.dialects.openai_chat.chat_request import ChatRequest, read
from backends.gateway.http_errors import HttpError
from backends.types import Media, Message, Tool, ToolCall

PNG = b"\x89PNG not really"
PDF = b"%PDF-1.7 not really"
WAV = b"RIFF\xff\xfe\xfd not really"


def wish(**fields: Any) -> ChatRequest:
    return read(msgspec.json.encode({"model": "auto", "messages": [{"role": "user", "content": "hi"}]} | fields))


def messages(content: object) -> tuple[Message, ...]:
    return wish(messages=[{"role": "user", "content": content}]).messages


def refused(**fields: Any) -> HttpError:
    with pytest.raises(HttpError) as turned:
        wish(**fields)
    assert turned.value.http_status == 400
    return turned.value


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("texts", "whole", "seams"),
    [
        (["one"], "one", ()),
        (["one", "two"], "one\ntwo", (4,)),
        (["", "a", "", "bc"], "\na\n\nbc", (1, 3, 4)),
        ([], "", ()),
    ],
)
def test_parts_are_joined_and_their_seams_kept(texts: list[str], whole: str, seams: tuple[int, ...]) -> None:
    parts = [{"type": "text", "text": text} for text in texts]
    assert messages(parts) == (Message(role="user", text=whole, seams=seams),)
    assert messages(texts) == messages(parts)


def test_a_plain_text_has_no_seams() -> None:
    assert messages("one\ntwo") == (Message(role="user", text="one\ntwo"),)
    assert messages(None) == (Message(role="user"),)


@pytest.mark.parametrize(
    "url",
    [
        f"data:image/png;base64,{encoded(PNG)}",
        f"DATA:image/PNG;charset=utf-8;name=a.png;base64,{encoded(PNG)}",
        f"data:image/x-png; base64,{encoded(PNG)}",
        f"data:image/png;base64,{encoded(PNG).rstrip('=')}",
        f"data:image/png;base64,{base64.urlsafe_b64encode(PNG).decode()}",
        f"data:image/png;base64,{encoded(PNG)[:7]}\r\n {encoded(PNG)[7:]}\n",
    ],
)
def test_an_image_s_bytes_are_the_same_however_they_are_written(url: str) -> None:
    for said in ({"url": url}, url):
        (found,) = messages([{"type": "image_url", "image_url": said}])
        assert found.media == (Media(media_type="image/png", data=PNG),)


def test_a_jpg_is_a_jpeg() -> None:
    (found,) = messages([{"type": "image_url", "image_url": {"url": f"data:image/jpg;base64,{encoded(PNG)}"}}])
    assert found.media[0].media_type == "image/jpeg"


@pytest.mark.parametrize(
    "file",
    [
        {"file_data": f"data:application/pdf;base64,{encoded(PDF)}", "filename": "a.pdf"},
        {"file_data": f"data:application/pdf;name=a.pdf;base64,{encoded(PDF).rstrip('=')}"},
        {"file_data": encoded(PDF)},
    ],
)
def test_a_pdf_is_carried_with_its_type(file: dict[str, str]) -> None:
    (found,) = messages([{"type": "file", "file": file}])
    assert found.media == (Media(media_type="application/pdf", data=PDF),)


@pytest.mark.parametrize(("format", "media_type"), [("wav", "audio/wav"), ("MP3", "audio/mp3")])
def test_a_recording_is_carried_with_its_type(format: str, media_type: str) -> None:
    (found,) = messages([{"type": "input_audio", "input_audio": {"data": encoded(WAV), "format": format}}])
    assert found.media == (Media(media_type=media_type, data=WAV),)


@pytest.mark.parametrize(
    ("part", "at"),
    [
        ({"type": "file", "file": {"file_data": f"data:text/html;base64,{encoded(PDF)}"}}, "file.file_data"),
        ({"type": "file", "file": {"file_data": encoded(PNG)}}, "file.file_data"),
        ({"type": "file", "file": {"file_data": "https://example.com/a.pdf"}}, "file.file_data"),
        ({"type": "file", "file": {"filename": "a.pdf"}}, "file.file_data"),
        ({"type": "input_audio", "input_audio": {"data": encoded(WAV), "format": "flac"}}, "input_audio.format"),
        ({"type": "input_audio", "input_audio": {"data": "***", "format": "wav"}}, "input_audio.data"),
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded(PNG)}\u00e9"}}, "image_url.url"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_its_place(part: dict[str, Any], at: str) -> None:
    assert refused(messages=[{"role": "user", "content": [part]}]).param == f"messages[0].content[0].{at}"


def test_half_a_surrogate_pair_is_replaced_and_a_whole_one_kept() -> None:
    def text(said: bytes) -> str:
        return read(b'{"model":"auto","messages":[{"role":"user","content":"%s"}]}' % said).messages[0].text

    assert text(rb"a\ud83d") == "a\ufffd"
    assert text(rb"\ude00b\uD83D") == "\ufffdb\ufffd"
    assert text(rb"\ud83d\ude00") == "\U0001f600"
    assert text(rb"\ud83d\ud83d\ude00") == "\ufffd\U0001f600"
    assert text(rb"C:\\ud83d") == "C:\\ud83d"
    assert text(rb"\\\ud83d") == "\\\ufffd"


def test_a_tool_s_result_may_hold_an_image() -> None:
    content = [
        {"type": "text", "text": "see:"},
        {"type": "image_url", "image_url": f"data:image/png;base64,{encoded(PNG)}"},
    ]
    (found,) = wish(messages=[{"role": "tool", "tool_call_id": "a", "content": content}]).messages
    assert (found.text, found.media[0].data, found.tool_call_id) == ("see:", PNG, "a")


def test_an_assistant_s_empty_content_and_its_refusal() -> None:
    said = [
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": None, "refusal": "I cannot."},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "I will not."}]},
    ]
    assert [message.text for message in wish(messages=said).messages] == ["", "I cannot.", "I will not."]


def test_arguments_may_be_empty_or_an_object() -> None:
    said: list[dict[str, Any]] = [{}, {"arguments": ""}, {"arguments": None}, {"arguments": {"a": [1]}}]
    calls = [{"id": str(place), "function": {"name": "f"} | each} for place, each in enumerate(said)]
    (found,) = wish(messages=[{"role": "assistant", "content": None, "tool_calls": calls}]).messages
    assert [call.arguments for call in found.tool_calls] == ["{}", "{}", "{}", '{"a":[1]}']


@pytest.mark.parametrize(
    "sealed",
    [
        {"extra_content": {"google": {"thought_signature": "c2ln"}}},
        {"provider_specific_fields": {"thought_signature": "c2ln"}},
    ],
)
def test_a_thought_signature_comes_back_on_calls_and_on_texts(sealed: dict[str, Any]) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}} | sealed
    (found,) = wish(messages=[{"role": "assistant", "content": "so", "tool_calls": [call]} | sealed]).messages
    assert found.signature == "c2ln"
    assert found.tool_calls == (ToolCall(id="a", name="f", arguments="{}", signature="c2ln"),)


@pytest.mark.parametrize("broken", [None, "x", [], {"google": None}, {"google": {"thought_signature": 1}}])
def test_a_signature_that_is_none_is_no_fault(broken: Any) -> None:
    (found,) = wish(messages=[{"role": "assistant", "content": "so", "extra_content": broken}]).messages
    assert found.signature is None


def test_functions_of_the_older_kind_are_tools_and_their_results_find_their_calls() -> None:
    told = wish(
        functions=[{"name": "look", "description": "looks", "parameters": {"type": "object"}}, {"name": "go"}],
        function_call={"name": "look"},
        messages=[
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": '{"a":1}'}},
            {"role": "function", "name": "look", "content": "one"},
            {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
            {"role": "function", "name": "look", "content": "two"},
            {"role": "function", "name": "go", "content": "nobody asked"},
        ],
    )
    assert told.legacy is True
    assert told.parallel_tool_calls is False
    assert told.tools[0] == Tool(name="look", description="looks", parameters={"type": "object"})
    assert told.tool_choice == "look"
    called = [message.tool_calls[0].id for message in told.messages if message.tool_calls]
    answered = [message.tool_call_id for message in told.messages if message.role == "tool"]
    assert len({*called, *answered}) == 3
    assert answered[:2] == called


@pytest.mark.parametrize(
    "name", ["3d_print", "a" * 85, "a" * 128, "mcp:files/read", "\u00e4rger", "get.weather", "-", "\U0001f600"]
)
def test_a_tool_may_have_any_name_without_spaces(name: str) -> None:
    tools = [{"type": "function", "function": {"name": name, "strict": True}}]
    told = wish(tools=tools, tool_choice={"type": "function", "function": {"name": name}})
    assert (told.tools[0].name, told.tools[0].strict, told.tool_choice) == (name, True, name)


@pytest.mark.parametrize("name", ["", "a b", "a\n", "a\u00a0b", "a\u200bb", "a" * 129])
def test_a_tool_s_name_is_bounded_and_printable(name: str) -> None:
    assert refused(tools=[{"type": "function", "function": {"name": name}}]).param == "tools[0].function.name"


def test_two_tools_of_one_name_are_refused_by_it() -> None:
    error = refused(tools=[{"type": "function", "function": {"name": name}} for name in ("a", "look", "look")])
    assert (error.param, "look" in str(error)) == ("tools[2].function.name", True)
    assert refused(functions=[{"name": "look"}] * 2).param == "functions[1].name"


def test_tools_and_functions_together_are_refused() -> None:
    tool = {"type": "function", "function": {"name": "look"}}
    assert refused(tools=[tool], functions=[{"name": "go"}]).param == "functions"


TWO = [{"type": "function", "function": {"name": name}} for name in ("look", "go")]


@pytest.mark.parametrize(
    ("choice", "names", "canonical"),
    [
        (None, ["look", "go"], "auto"),
        ("required", ["look", "go"], "required"),
        ({"type": "required"}, ["look", "go"], "required"),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": TWO[1:]}},
            ["go"],
            "required",
        ),
    ],
)
def test_a_choice_of_tools(choice: Any, names: list[str], canonical: str) -> None:
    told = wish(tools=TWO, tool_choice=choice)
    assert ([tool.name for tool in told.tools], told.tool_choice) == (names, canonical)


def test_a_tool_whose_name_means_something_as_a_choice_can_still_be_chosen() -> None:
    tools = [*TWO, {"type": "function", "function": {"name": "none"}}]
    told = wish(tools=tools, tool_choice={"type": "function", "function": {"name": "none"}})
    assert ([tool.name for tool in told.tools], told.tool_choice) == (["none"], "required")


def test_a_choice_of_no_tool_is_refused() -> None:
    for fields in (
        {"tool_choice": "required"},
        {"tools": TWO, "tool_choice": {"type": "function", "function": {"name": "stay"}}},
        {"tools": TWO, "tool_choice": {"type": "function"}},
    ):
        assert refused(**fields).param == "tool_choice"


def test_a_schema_s_description_goes_with_it() -> None:
    form = {
        "type": "json_schema",
        "json_schema": {"name": "it", "description": "a city", "schema": {"type": "object"}, "strict": True},
    }
    told = wish(response_format=form).response_format
    assert (told.schema, told.strict) == ({"type": "object", "description": "a city"}, True)


def test_the_keys_of_a_bias_have_no_order() -> None:
    assert wish(logit_bias={"2": 1, "1": -100}).sampling == wish(logit_bias={"1": -100, "2": 1}).sampling


@pytest.mark.parametrize("top_k", [0, -1])
def test_no_top_k_is_none(top_k: int) -> None:
    assert wish(top_k=top_k).sampling.top_k is None


def test_a_body_of_python_s_own_json_is_read_as_any_other() -> None:
    said = {"model": "auto", "messages": [{"role": "user", "content": "\U0001f600 \u00e4"}]}
    assert read(json.dumps(said).encode()) == read(json.dumps(said, ensure_ascii=False).encode())
