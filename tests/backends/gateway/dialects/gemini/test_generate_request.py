"""Bodies of Gemini's generateContent, as Google's SDKs and plain HTTP write them."""

import base64
from typing import Any

import msgspec
import pytest

from backends.gateway.dialects.dialect_request import DialectRequest
from backends.gateway.dialects.gemini.generate_request import read
from backends.gateway.dialects.gemini.google_schema import as_json_schema
from backends.gateway.http_errors import HttpError
from backends.types import Message, ResponseFormat, ToolCall
from tests.agent_bodies import GEMINI, SCHEMA

PNG = base64.b64encode(b"\x89PNG not really").decode()
HI = [{"role": "user", "parts": [{"text": "hi"}]}]


def wish(**fields: Any) -> DialectRequest:
    return read(msgspec.json.encode({"contents": HI} | fields))


def configured(**fields: Any) -> DialectRequest:
    return wish(generationConfig=fields)


def parts(*each: Any, role: str = "user") -> tuple[Message, ...]:
    return wish(contents=[{"role": role, "parts": list(each)}]).messages


def test_the_path_names_the_model_and_whether_it_streams() -> None:
    asked = read(msgspec.json.encode(GEMINI), model="scout", stream=True)
    assert (asked.model, asked.stream) == ("scout", True)
    assert read(msgspec.json.encode(GEMINI | {"model": "models/ada"}), model="scout").model == "ada"
    assert wish().model == "auto"


def test_names_in_snake_case_are_googles_own_as_well() -> None:
    body = msgspec.json.encode(GEMINI)
    for camel, snake in (
        ("systemInstruction", "system_instruction"),
        ("functionDeclarations", "function_declarations"),
        ("parametersJsonSchema", "parameters_json_schema"),
        ("functionCall", "function_call"),
        ("functionResponse", "function_response"),
        ("generationConfig", "generation_config"),
        ("maxOutputTokens", "max_output_tokens"),
    ):
        assert camel.encode() in body
        body = body.replace(camel.encode(), snake.encode())
    assert read(body) == read(msgspec.json.encode(GEMINI))


def test_one_object_stands_for_a_list_of_one() -> None:
    assert wish(contents={"role": "user", "parts": {"text": "hi"}}).messages == wish().messages


def test_calls_and_responses_are_paired_without_ids() -> None:
    asked = wish(
        contents=[
            *HI,
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"name": "read", "args": {"path": "a"}}, "thoughtSignature": "c2ln"},
                    {"functionCall": {"name": "list"}},
                    {"functionCall": {"name": "read", "args": {"path": "b"}}},
                ],
            },
            {
                "role": "function",
                "parts": [
                    {"functionResponse": {"name": "list", "response": {"files": ["a"]}}},
                    {"functionResponse": {"name": "read", "response": {"result": "A"}}},
                    {"functionResponse": {"name": "read", "response": {"output": "B"}}},
                ],
            },
        ]
    )
    spoken, *results = asked.messages[1:]
    assert spoken.tool_calls[0] == ToolCall(id="call_1", name="read", arguments='{"path":"a"}', signature="c2ln")
    assert [(result.tool_call_id, result.text) for result in results] == [
        ("call_2", '{"files":["a"]}'),
        ("call_1", "A"),
        ("call_3", "B"),
    ]


def test_ids_are_kept_and_a_response_without_a_call_has_one() -> None:
    asked = wish(
        contents=[
            {"role": "model", "parts": [{"functionCall": {"id": "x1", "name": "read", "args": {}}}]},
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "x1", "name": "read", "response": {}}},
                    {"functionResponse": {"name": "gone", "response": {"error": "no"}}},
                    {"text": "and now?"},
                ],
            },
        ]
    )
    assert [message.tool_call_id for message in asked.messages] == [None, "x1", "call_of_gone", None]
    assert asked.messages[2].text == '{"error":"no"}'
    assert asked.messages[3].text == "and now?"


def test_thoughts_are_skipped_and_signatures_kept() -> None:
    (spoken,) = parts({"text": "hm", "thought": True}, {"text": "hello", "thoughtSignature": "c2ln"}, role="model")
    assert spoken == Message(role="assistant", text="hello", signature="c2ln")


def test_files_are_read_by_their_type() -> None:
    (spoken,) = parts({"text": "look"}, {"inlineData": {"mimeType": "image/png", "data": PNG}})
    assert [file.media_type for file in spoken.media] == ["image/png"]


@pytest.mark.parametrize(
    ("config", "names", "choice"),
    [
        ({}, ["read", "list"], "auto"),
        ({"mode": "VALIDATED"}, ["read", "list"], "auto"),
        ({"mode": "NONE"}, ["read", "list"], "none"),
        ({"mode": "ANY"}, ["read", "list"], "required"),
        ({"mode": "ANY", "allowedFunctionNames": ["list"]}, ["list"], "required"),
    ],
)
def test_which_function_may_be_called(config: dict[str, Any], names: list[str], choice: str) -> None:
    tools = [{"functionDeclarations": [{"name": "read"}]}, {"functionDeclarations": [{"name": "list"}]}]
    asked = wish(tools=tools, toolConfig={"functionCallingConfig": config})
    assert ([tool.name for tool in asked.tools], asked.tool_choice) == (names, choice)


def test_googles_own_tools_are_ignored_by_name() -> None:
    asked = wish(tools=[{"googleSearch": {}}, {"codeExecution": {}}], safetySettings=[])
    assert asked.tools == ()
    assert asked.ignored == ("safetySettings", "tools[].googleSearch", "tools[].codeExecution")


def test_googles_schemas_become_json_schema() -> None:
    google = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING", "nullable": True},
            "names": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "1"},
            "either": {"any_of": [{"type": "INTEGER"}, {"type": "NULL"}]},
        },
        "required": ["type"],
        "propertyOrdering": ["type", "names"],
    }
    assert as_json_schema(google) == {
        "type": "object",
        "properties": {
            "type": {"type": ["string", "null"]},
            "names": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
        "required": ["type"],
    }


def test_an_answer_as_json() -> None:
    assert configured(responseMimeType="application/json").response_format == ResponseFormat(kind="json")
    by_schema = configured(responseMimeType="application/json", responseSchema={"type": "OBJECT"})
    assert by_schema.response_format == ResponseFormat(kind="schema", schema={"type": "object"})
    own = configured(responseMimeType="application/json", responseJsonSchema=SCHEMA)
    assert own.response_format == ResponseFormat(kind="schema", schema=SCHEMA)


@pytest.mark.parametrize(
    ("config", "effort", "budget"),
    [
        ({"thinkingLevel": "LOW"}, "low", None),
        ({"thinkingBudget": 0}, "none", 0),
        ({"thinkingBudget": -1}, None, None),
        ({"thinkingBudget": 512, "includeThoughts": False}, None, 512),
    ],
)
def test_thinking_is_an_effort_or_a_budget(config: dict[str, Any], effort: str | None, budget: int | None) -> None:
    asked = configured(thinkingConfig=config)
    assert (asked.sampling.effort, asked.sampling.thinking_budget) == (effort, budget)
    assert asked.ignored == ()


def test_sampling_is_carried() -> None:
    asked = configured(temperature=1.5, topP=0.9, topK=40.0, stopSequences=["END"], seed=7, candidateCount=2)
    sampling = asked.sampling
    assert (sampling.temperature, sampling.top_p, sampling.top_k, sampling.stop) == (1.5, 0.9, 40, ("END",))
    assert (sampling.seed, asked.choices) == (7, 2)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"contents": []}, "contents"),
        ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "role"),
        ({"contents": [{"parts": [{}]}]}, "needs its data"),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "https://x"}}]}]}, "not fetched"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "video/mp4", "data": PNG}}]}]}, "a file must be"),
        ({"cachedContent": "cachedContents/1"}, "no contents are kept"),
        ({"generationConfig": {"temperature": 3}}, "temperature"),
        ({"generationConfig": {"responseModalities": ["AUDIO"]}}, "answers are text"),
        ({"generationConfig": {"responseSchema": {"type": "OBJECT"}}}, "application/json"),
        ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "text/plain or application/json"),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOUD"}}}, "thinkingLevel"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, "needs functions"),
        ({"tools": [{"functionDeclarations": [{"name": "a"}, {"name": "a"}]}]}, "two tools"),
    ],
)
def test_what_cannot_be_honoured_is_refused_in_a_line(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(HttpError, match=says) as refused:
        wish(**fields)
    assert refused.value.http_status == 400
