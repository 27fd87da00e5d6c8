"""Bodies of Anthropic's messages, as its SDK and Claude Code write them."""

import base64
from typing import Any

import msgspec
import pytest

from backends.gateway.dialects.anthropic.messages_request import read, session_in
from backends.gateway.dialects.dialect_request import DialectRequest
from backends.gateway.http_errors import HttpError
from backends.types import Media, Message, ResponseFormat
from tests.agent_bodies import ANTHROPIC, SCHEMA, claude_code

PNG = base64.b64encode(b"\x89PNG not really").decode()
PDF = base64.b64encode(b"%PDF-1.7 not really").decode()
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}


def wish(**fields: Any) -> DialectRequest:
    body = {"model": "auto", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}
    return read(msgspec.json.encode(body | fields))


def content(*blocks: Any, role: str = "user") -> tuple[Message, ...]:
    return wish(messages=[{"role": role, "content": list(blocks)}]).messages


def refused(**fields: Any) -> HttpError:
    with pytest.raises(HttpError) as turned:
        wish(**fields)
    assert turned.value.http_status == 400
    return turned.value


def test_claude_codes_own_body() -> None:
    asked = read(msgspec.json.encode(claude_code("fix the hinge")))
    assert [message.role for message in asked.messages] == ["system", "user", "system"]
    assert asked.messages[1].text.endswith("fix the hinge")
    assert len(asked.messages[1].seams) == 1
    assert asked.session == "5e551011-aaaa-4bbb-8ccc-000000000001"
    assert asked.ignored == ("context_management", "tools[].web_search")
    assert [tool.name for tool in asked.tools] == ["Read"]
    assert (asked.stream, asked.sampling.effort, asked.sampling.max_tokens) == (True, "high", 32000)


@pytest.mark.parametrize(
    ("user_id", "session"),
    [
        (None, ""),
        ("user_0a1b_account_2c3d_session_4e5f-66", "4e5f-66"),
        ('{"device_id": "d", "session_id": "s-1"}', "s-1"),
        ('{"session_id": 5}', ""),
        ("{not json", ""),
        ("[" * 3000, ""),
        ("somebody", ""),
    ],
)
def test_a_session_is_found_in_the_users_id(user_id: str | None, session: str) -> None:
    assert session_in(user_id) == session


def test_results_of_tools_come_before_what_is_said_beside_them() -> None:
    spoken = content(
        {"type": "text", "text": "<reminder>"},
        {"type": "tool_result", "tool_use_id": "a", "content": "one", "is_error": True},
        {"type": "tool_result", "tool_use_id": "b"},
        {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "two"}, IMAGE]},
    )
    assert [(message.role, message.tool_call_id, message.text) for message in spoken] == [
        ("tool", "a", "one"),
        ("tool", "b", ""),
        ("tool", "c", "two"),
        ("user", None, "<reminder>"),
    ]
    assert spoken[2].media == (Media(media_type="image/png", data=b"\x89PNG not really"),)


def test_documents_are_their_bytes_or_their_texts() -> None:
    (spoken,) = content(
        {
            "type": "document",
            "title": "Plan",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "in words"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "in blocks"}]}},
        {"type": "search_result", "title": "Hinges", "content": [{"type": "text", "text": "found"}]},
    )
    assert spoken.text == "Plan\nin words\nin blocks\nHinges\nfound"
    assert [file.media_type for file in spoken.media] == ["application/pdf"]


def test_thoughts_are_not_read_again_and_blocks_of_its_servers_are_named() -> None:
    asked = wish(
        messages=[
            {"role": "user", "content": "hi"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                    {"type": "redacted_thinking", "data": "eHg="},
                    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
                    {"type": "text", "text": "hello"},
                ],
            },
        ]
    )
    assert asked.messages[1] == Message(role="assistant", text="hello")
    assert asked.ignored == ("content[].server_tool_use",)


@pytest.mark.parametrize(
    ("fields", "effort", "budget"),
    [
        ({}, None, None),
        ({"thinking": {"type": "disabled"}}, "none", None),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, None, 2048),
        ({"thinking": {"type": "adaptive"}}, None, None),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, "xhigh", None),
    ],
)
def test_thinking_is_an_effort_or_a_budget(fields: dict[str, Any], effort: str | None, budget: int | None) -> None:
    sampling = wish(**fields).sampling
    assert (sampling.effort, sampling.thinking_budget) == (effort, budget)


@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        ({"type": "auto"}, "auto", None),
        ({"type": "any", "disable_parallel_tool_use": True}, "required", False),
        ({"type": "tool", "name": "read"}, "read", None),
        ({"type": "none"}, "none", None),
    ],
)
def test_which_tool_may_be_called(choice: dict[str, Any], expected: str, parallel: bool | None) -> None:
    asked = wish(tools=ANTHROPIC["tools"], tool_choice=choice)
    assert (asked.tool_choice, asked.parallel_tool_calls) == (expected, parallel)


def test_an_answer_by_a_schema() -> None:
    asked = wish(output_config={"format": {"type": "json_schema", "schema": SCHEMA}})
    assert asked.response_format == ResponseFormat(kind="schema", schema=SCHEMA, strict=True)


def test_sampling_is_carried() -> None:
    sampling = wish(temperature=0.5, top_p=0.9, top_k=40, stop_sequences=["END", ""]).sampling
    assert (sampling.temperature, sampling.top_p, sampling.top_k, sampling.stop) == (0.5, 0.9, 40, ("END",))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
        ({"temperature": 1.5}, "temperature"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, "thinking.budget_tokens"),
        ({"tools": [{"name": "read"}]}, "tools[0].input_schema"),
        ({"tools": {"name": "read"}}, "tools"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}, {"name": 5}]}, "tools[1].name"),
        ({"tools": ANTHROPIC["tools"] * 2}, "tools[1].name"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tool_choice": {"type": "tool", "name": "write"}, "tools": ANTHROPIC["tools"]}, "tool_choice"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_use", "id": "a", "name": "b", "input": {}}]}]},
            "messages[0]",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_result", "tool_use_id": "a"}]}]},
            "messages[0]",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "http://x"}}]}
                ]
            },
            "messages[0].content[0].source",
        ),
    ],
)
def test_what_anthropic_refuses_is_refused_with_its_place(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields).param == param


def test_no_model_no_answer_length() -> None:
    with pytest.raises(HttpError, match="max_tokens"):
        read(b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}')


def test_blocks_within_blocks_have_an_end() -> None:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": "a", "content": "x"}
    for _ in range(8):
        block = {"type": "tool_result", "tool_use_id": "a", "content": [block]}
    with pytest.raises(HttpError, match="nested too deeply"):
        content(block)
