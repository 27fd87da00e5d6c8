"""One conversation means the same in every dialect; a body's keys tell its dialect; no JSON breaks a reader."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.gateway.dialects.any_dialect import READERS, Dialect, dialect_of, read_fields
from backends.gateway.dialects.dialect_request import DialectRequest
from backends.gateway.http_errors import HttpError
from tests.agent_bodies import CONVERSATIONS, PROGRAMS, RESULT, SECOND

DIALECTS: dict[str, Dialect] = {
    "Claude Code": "anthropic",
    "Codex": "openai_responses",
    "Qwen Code": "openai_chat",
    "opencode": "openai_chat",
    "pi": "openai_chat",
    "OpenClaw on Ollama": "ollama",
    "OpenClaw on Google": "gemini",
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def comparable(asked: DialectRequest) -> dict[str, Any]:
    """What must be equal in all dialects; only some keep a result's tool, and only some declare strictness."""
    return {
        "messages": [replace(message, name=None, seams=()) for message in asked.messages],
        "tools": [replace(tool, strict=None) for tool in asked.tools],
        "choice": asked.tool_choice,
        "most": asked.sampling.max_tokens,
        "model": asked.model,
    }


@pytest.mark.parametrize("dialect", CONVERSATIONS)
def test_one_conversation_is_the_same_in_every_dialect(dialect: Dialect) -> None:
    fields = CONVERSATIONS[dialect]
    assert dialect_of(fields) == dialect
    asked = read_fields(fields)
    assert comparable(asked) == comparable(read_fields(CONVERSATIONS["openai_chat"]))
    assert [message.role for message in asked.messages] == ["system", "user", "assistant", "tool", "user"]
    assert asked.ignored == ()
    call = asked.messages[2].tool_calls[0]
    assert (asked.messages[3].tool_call_id, asked.messages[3].text) == (call.id, RESULT)
    assert msgspec.json.decode(call.arguments) == {"path": "stock.txt"}
    assert asked.messages[4].text == SECOND


@pytest.mark.parametrize("dialect", [name for name in CONVERSATIONS if name != "ollama"])
def test_texts_that_stand_apart_keep_their_seams(dialect: Dialect) -> None:
    system = read_fields(CONVERSATIONS[dialect]).messages[0]
    assert [system.text[seam:].startswith("## Notes") for seam in system.seams] == [True]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_programs_first_turn_is_told_by_its_keys_and_read(program: str) -> None:
    body, _ = PROGRAMS[program]
    fields = body("list the files")
    assert dialect_of(fields) == DIALECTS[program]
    asked = read_fields(fields)
    assert any("list the files" in message.text for message in asked.messages if message.role == "user")
    assert asked.tools


@pytest.mark.parametrize(
    ("fields", "dialect"),
    [
        (
            {"thinking": {"type": "adaptive"}, "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]},
            "anthropic",
        ),
        ({"thinking": {"type": "enabled"}, "messages": [{"role": "user", "content": "x"}]}, "openai_chat"),
        ({"thinking": {}, "max_tokens": 9, "messages": [{"role": "system", "content": "x"}]}, "openai_chat"),
        ({"max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "anthropic"),
        ({"system": "x", "messages": [{"role": "tool", "content": "x"}]}, "openai_chat"),
        ({"messages": [{"role": [], "content": [{"type": {}}]}]}, "openai_chat"),
        ({"keep_alive": -1, "messages": []}, "ollama"),
        ({"prompt": "x"}, "ollama"),
        ({"input": "x"}, "openai_responses"),
        ({"contents": "x"}, "gemini"),
    ],
)
def test_a_few_keys_tell_a_dialect(fields: dict[str, Any], dialect: Dialect) -> None:
    assert dialect_of(fields) == dialect


def test_a_body_that_nothing_tells_apart_is_a_chat_completion() -> None:
    assert dialect_of({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}) == "openai_chat"
    assert dialect_of({}) == "openai_chat"


def mutated(fields: Any, at: list[int], value: Any) -> Any:
    """`fields` with one thing replaced: the places in `at` lead to it."""
    if not at or not isinstance(fields, dict | list) or not fields:
        return value
    place, *rest = at
    if isinstance(fields, list):
        index = place % len(fields)
        return [mutated(each, rest, value) if i == index else each for i, each in enumerate(fields)]
    name = sorted(fields)[place % len(fields)]
    return fields | {name: mutated(fields[name], rest, value)}


@given(st.sampled_from(sorted(READERS)), st.dictionaries(st.text(max_size=6), JSON, max_size=4))
def test_no_object_breaks_a_reader(dialect: Dialect, fields: dict[str, Any]) -> None:
    try:
        READERS[dialect](CONVERSATIONS[dialect] | fields)
        read_fields(fields)
    except HttpError as error:
        assert error.http_status == 400
        assert len(str(error).splitlines()) == 1


@given(st.sampled_from(sorted(READERS)), st.lists(st.integers(0, 30), min_size=1, max_size=7), JSON)
def test_a_body_with_one_wrong_value_is_read_or_refused(dialect: Dialect, at: list[int], value: Any) -> None:
    fields = mutated(CONVERSATIONS[dialect], at, value)
    assert dialect_of(fields) in READERS
    assert dialect_of({name: fields[name] for name in fields if name not in ("tools", "model")}) in READERS
    try:
        asked = READERS[dialect](fields)
    except HttpError as error:
        assert error.http_status == 400
    else:
        assert asked.messages


def nested(levels: int) -> Any:
    value: Any = "deep"
    for _ in range(levels):
        value = {"x": value}
    return value


@pytest.mark.parametrize("dialect", CONVERSATIONS)
def test_a_schema_nested_without_end_is_refused(dialect: Dialect) -> None:
    deep = {"type": "object", "properties": nested(200)}
    text = msgspec.json.encode(CONVERSATIONS[dialect]["tools"])
    schema = msgspec.json.encode(CONVERSATIONS["anthropic"]["tools"][0]["input_schema"])
    tools = msgspec.json.decode(text.replace(schema, msgspec.json.encode(deep)))
    with pytest.raises(HttpError, match="nested deeper"):
        READERS[dialect](CONVERSATIONS[dialect] | {"tools": tools})
