"""Bodies of Ollama's chat and generate, as its clients write them."""

import base64
from typing import Any

import msgspec
import pytest

from backends.gateway.dialects.dialect_request import DialectRequest
from backends.gateway.dialects.ollama.ollama_request import read
from backends.gateway.http_errors import HttpError
from backends.types import Media, ResponseFormat, Sampling
from tests.agent_bodies import OLLAMA, SCHEMA, openclaw_ollama

PNG = base64.b64encode(b"\x89PNG not really").decode()


def wish(**fields: Any) -> DialectRequest:
    return read(msgspec.json.encode({"model": "auto", "messages": [{"role": "user", "content": "hi"}]} | fields))


def test_openclaws_own_body() -> None:
    asked = read(msgspec.json.encode(openclaw_ollama("list the bolts")))
    assert asked.messages[-1].text == "list the bolts"
    assert (asked.stream, asked.sampling.effort, asked.ignored) == (True, "none", ())


def test_a_stream_is_what_nobody_declines() -> None:
    assert (wish().stream, wish(stream=True).stream, wish(stream=False).stream) == (True, True, False)


def test_a_prompt_with_its_system_is_a_conversation() -> None:
    asked = read(msgspec.json.encode({"model": "auto", "prompt": "hi", "system": "Be brief.", "images": [PNG]}))
    assert [(message.role, message.text) for message in asked.messages] == [("system", "Be brief."), ("user", "hi")]
    assert asked.messages[1].media == (Media(media_type="image/png", data=b"\x89PNG not really"),)


def test_calls_get_ids_and_results_belong_to_the_open_call_of_their_tool() -> None:
    asked = wish(
        messages=[
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"function": {"name": name, "arguments": {}}} for name in ("read", "list", "read")],
            },
            {"role": "tool", "content": "files", "tool_name": "list"},
            {"role": "tool", "content": "one"},
            {"role": "tool", "content": "two", "name": "read"},
            {"role": "tool", "content": "stray"},
            {"role": "tool", "content": "own", "tool_call_id": "mine"},
        ]
    )
    assert [call.id for call in asked.messages[0].tool_calls] == ["call_1", "call_2", "call_3"]
    assert [message.tool_call_id for message in asked.messages[1:]] == [
        "call_2",
        "call_1",
        "call_3",
        "call_of_4",
        "mine",
    ]


@pytest.mark.parametrize(
    ("think", "effort"),
    [(None, None), (True, "medium"), (False, "none"), ("low", "low"), ("high", "high"), ("max", "xhigh")],
)
def test_think_is_an_effort(think: Any, effort: str | None) -> None:
    assert wish(think=think).sampling.effort == effort


def test_options_are_carried_and_those_of_the_engine_are_named_or_accepted() -> None:
    asked = wish(
        options={
            "temperature": 0.5,
            "top_k": 40,
            "top_p": 0.9,
            "min_p": 0.1,
            "num_predict": 50,
            "seed": 3,
            "stop": "END",
            "num_ctx": 32768,
            "num_gpu": 1,
            "mirostat": 2,
        },
        keep_alive="5m",
    )
    assert asked.sampling == Sampling(
        temperature=0.5, top_k=40, top_p=0.9, min_p=0.1, max_tokens=50, seed=3, stop=("END",)
    )
    assert asked.ignored == ("options.mirostat", "options.num_ctx")


def test_numbers_that_turn_a_limit_off() -> None:
    sampling = wish(options={"num_predict": -1, "top_k": 0}).sampling
    assert (sampling.max_tokens, sampling.top_k) == (None, None)


def test_a_temperature_beyond_what_engines_take_is_cut_with_a_note() -> None:
    asked = wish(options={"temperature": 3.5})
    assert (asked.sampling.temperature, asked.notes) == (2.0, ("temperature 3.5 cut to 2",))


def test_an_answer_as_json_or_by_a_schema() -> None:
    assert wish(format="").response_format == ResponseFormat()
    assert wish(format="json").response_format == ResponseFormat(kind="json")
    assert wish(format=SCHEMA).response_format == ResponseFormat(kind="schema", schema=SCHEMA)


@pytest.mark.parametrize(
    "fields",
    [
        {"model": ""},
        {"messages": []},
        {"messages": [{"role": "developer", "content": "x"}]},
        {"messages": [{"role": "user", "content": ["x"]}]},
        {"messages": [{"role": "user", "content": "x", "images": ["not base64!"]}]},
        {"messages": [{"role": "user", "content": "x", "images": ["aGVsbG8="]}]},
        {"options": {"temperature": "hot"}},
        {"format": "yaml"},
        {"think": "much"},
        {"tools": [{"type": "custom", "function": {"name": "x"}}]},
        {"tools": OLLAMA["tools"] * 2},
        {"suffix": "the end"},
        {"logprobs": True},
    ],
    ids=lambda fields: str(fields)[:50],
)
def test_what_cannot_be_honoured_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(HttpError) as refused:
        wish(**fields)
    assert refused.value.http_status == 400
