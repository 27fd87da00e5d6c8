"""Tool calls that are wrong in form are put right, and nothing is guessed beyond it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Message, Request, Tool, ToolCall
from backends.verification import CheckedAnswer, overall, repaired, run_checks
from backends.verification.call_repair import completed

SEND = Tool(
    name="send_message",
    parameters={
        "type": "object",
        "properties": {
            "channel": {"type": "string"},
            "times": {"type": "integer"},
            "urgent": {"type": "boolean"},
            "to": {"type": "array", "items": {"type": "string"}},
            "options": {"type": "object", "properties": {"delay": {"type": "number"}}},
        },
        "required": ["channel"],
        "additionalProperties": False,
    },
)
READ, READ_ALL = Tool(name="read", parameters={"type": "object"}), Tool(name="read-all")


def answered(text: str = "", **more: Any) -> CheckedAnswer:
    request = Request(id="t", messages=(Message(role="user", text="send it"),), tools=(SEND, READ, READ_ALL))
    return CheckedAnswer(request=request, prompt="send it", text=text, **more)


def called(name: str, arguments: str) -> CheckedAnswer:
    return answered(calls=(ToolCall(id="c1", name=name, arguments=arguments),))


def put_right(answer: CheckedAnswer) -> tuple[str, Any] | None:
    """The one call after its repair, where the checks pass it."""
    found = repaired(answer)
    if found is None or overall(run_checks(found, None, "calls")).status != "pass":
        return None
    (call,) = found.calls
    return call.name, json.loads(call.arguments)


@pytest.mark.parametrize(
    "name", ["Send_Message", "sendMessage", "functions.send_message", "send-message", "tools/send_message"]
)
def test_a_name_in_another_form_is_the_tool_that_alone_can_be_meant(name: str) -> None:
    assert put_right(called(name, '{"channel":"ops"}')) == ("send_message", {"channel": "ops"})


@pytest.mark.parametrize("name", ["send", "message", "messages", "", "send_message_now"])
def test_any_other_name_is_not_guessed(name: str) -> None:
    assert repaired(called(name, '{"channel":"ops"}')) is None


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ('{"channel":"ops"', {"channel": "ops"}),
        ('{"channel":"ops","options":{"delay":2', {"channel": "ops", "options": {"delay": 2}}),
        ('{"channel":"ops",}', {"channel": "ops"}),
        ('{"channel":"ops"}}', {"channel": "ops"}),
        (json.dumps('{"channel":"ops"}'), {"channel": "ops"}),
        (json.dumps('{"channel":"a \\"b\\" {"'), {"channel": 'a "b" {'}),
        ('{"channel":"ops","times":"3"}', {"channel": "ops", "times": 3}),
        ('{"channel":"ops","urgent":"True","to":"ada"}', {"channel": "ops", "urgent": True, "to": ["ada"]}),
        ('{"channel":"ops","to":"[\\"ada\\"]"}', {"channel": "ops", "to": ["ada"]}),
        ('{"channel":"ops","options":"{\\"delay\\": \\"2.5\\"}"}', {"channel": "ops", "options": {"delay": 2.5}}),
        ('{"Channel":"ops"}', {"channel": "ops"}),
    ],
)
def test_arguments_are_put_in_form(arguments: str, meant: dict[str, Any]) -> None:
    assert put_right(called("send_message", arguments)) == ("send_message", meant)


@pytest.mark.parametrize(
    "arguments",
    [
        '{"channel":"op',  # the text may go on
        '{"channel":',
        '{"channel":"ops"]',
        '{"times":3}',
        '{"channel":"ops","times":"three"}',
        '{"channel":"ops","colour":"red"}',
        '{"channel":3}',
        "[1]",
        "send it",
        '"' + "x" * 200_000 + '"',
    ],
)
def test_what_is_more_than_form_is_left_alone(arguments: str) -> None:
    assert put_right(called("send_message", arguments)) is None


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>\n{"name": "send_message", "arguments": {"channel": "ops"\n</tool_call>',
        '```json\n{"name": "send_message", "arguments": {"channel": "ops",}}\n```',
        '{"name": "Send_Message", "parameters": {"channel": "ops"}',
    ],
)
def test_a_text_that_is_meant_as_a_call_becomes_one(text: str) -> None:
    found = repaired(answered(text))
    assert found is not None
    assert [(call.name, json.loads(call.arguments)) for call in found.calls] == [("send_message", {"channel": "ops"})]
    assert found.text.strip("`json\n") == ""


@pytest.mark.parametrize("text", ["", "No call here.", '{"answer": 4}', '<tool_call>{"name": "send_message", "argu'])
def test_other_text_stays_text(text: str) -> None:
    assert repaired(answered(text)) is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), values, max_size=4), st.data())
def test_whole_json_is_itself_and_lost_brackets_come_back(value: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(value)
    assert completed(text) == text
    ends = len(text) - len(text.rstrip("}]"))
    cut = text[: len(text) - data.draw(st.integers(0, ends))] if not text.endswith('"') else text
    whole = completed(cut)
    assert whole is not None
    assert json.loads(whole) == value


@given(st.text(alphabet='{}[]",: \\ab1', max_size=40))
def test_no_text_makes_it_fail(text: str) -> None:
    for answer in (answered(text), called("send_message", text)):
        found = repaired(answer)
        assert found is None or all(isinstance(json.loads(call.arguments), dict) for call in found.calls)


def test_a_call_that_is_right_is_the_same() -> None:
    right = called("send_message", '{"channel": "ops", "times": 3.0}')
    assert repaired(right) == right
