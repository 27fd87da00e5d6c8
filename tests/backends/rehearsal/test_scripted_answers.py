import asyncio
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.rehearsal.canned_text import LABELS
from backends.rehearsal.schema_sample import sample
from backends.rehearsal.scripted_answers import (
    AnswerEnd,
    ScriptedAnswerer,
    ScriptedRequest,
    ToolInvocation,
    ToolSpec,
    Turn,
    count,
    count_prompt,
    cut,
    dice,
    spoken,
    tool_to_call,
    written,
)


def ask(text: str, **more: Any) -> ScriptedRequest:
    return ScriptedRequest(turns=(Turn("user", text),), **more)


async def answered(asked: ScriptedRequest) -> tuple[str, AnswerEnd]:
    *pieces, spent = [piece async for piece in ScriptedAnswerer().answer(asked)]
    assert isinstance(spent, AnswerEnd)
    return "".join(piece for piece in pieces if isinstance(piece, str)), spent


@given(st.text())
def test_tokens_joined_are_the_text_and_counting_is_cutting(text: str) -> None:
    assert "".join(cut(text)) == text
    assert len(cut(text)) == count(text)


@given(st.text(), st.integers(0, 60))
def test_an_answer_is_the_same_for_the_same_prompt_and_keeps_its_cap(text: str, cap: int) -> None:
    full, spent = asyncio.run(answered(ask(text)))
    capped, cut_spent = asyncio.run(answered(ask(text, max_tokens=cap)))

    assert full == written(ask(text))
    assert full.startswith(capped)
    assert spent.output == count(full)
    assert spent.finish == "stop"
    assert cut_spent.output == min(cap, spent.output)
    assert (cut_spent.finish == "length") is (cap < spent.output)


def test_the_prompt_decides_the_form() -> None:
    assert re.search(r"^1\. .*\n2\. ", written(ask("List the steps")), re.MULTILINE)
    assert "```" in written(ask("Why this traceback?"))
    assert "|---|" in written(ask("local versus cloud"))
    assert written(ask("Classify: it is broken")) in LABELS
    assert len({written(ask(f"Tell me of {n}")) for n in range(40)}) > 20


def test_the_first_stop_word_ends_the_text() -> None:
    whole = written(ask("List the steps"))
    assert written(ask("List the steps", stop=("2.", "1.", ""))) == whole[: whole.index("1.")]


def test_tools_and_images_count() -> None:
    tool = ToolSpec("get_weather", "Weather", {"type": "object"})
    plain = count_prompt(ask("hello"))

    assert plain == 5
    assert count_prompt(ask("hello", tools=(tool,))) > plain
    assert count_prompt(ScriptedRequest(turns=(Turn("user", "hello", 2),))) == plain + 2 * 258


def test_a_tool_is_called_for_its_name_or_when_it_must() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = (ToolSpec("send_mail", "", {}), ToolSpec("get_weather", "", schema))

    named = tool_to_call(ask("how is the weather?", tools=tools))
    assert isinstance(named, ToolInvocation)
    assert named.name == "get_weather"
    assert set(named.arguments) == {"city"}
    assert tool_to_call(ask("hello", tools=tools)) is None
    assert tool_to_call(ask("hello", tools=tools, must_call=True)) == ToolInvocation("send_mail", {})
    told = ScriptedRequest(turns=(Turn("user", "weather?"), Turn("tool", "9")), tools=tools)
    assert tool_to_call(told) is None
    assert tool_to_call(replace(told, turns=(*told.turns, Turn("user", "the weather, as the program says")))) is None
    assert tool_to_call(replace(told, must_call=True)) is not None
    odd = (ToolSpec("get_weather", "", {"type": "string"}),)
    assert tool_to_call(ask("weather", tools=odd)) == ToolInvocation("get_weather", {})


SCHEMA: dict[str, Any] = {
    "$defs": {"item": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}}}},
    "type": "object",
    "required": ["kind"],
    "properties": {
        "kind": {"enum": ["a", "b"]},
        "fixed": {"const": 7},
        "when": {"type": "string", "format": "date"},
        "at": {"type": "STRING", "format": "date-time"},
        "share": {"type": "number", "minimum": 2, "maximum": 3},
        "many": {"type": "array", "items": {"$ref": "#/$defs/item"}, "minItems": "3"},
        "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "either": {"type": ["null", "boolean"]},
        "nothing": {"type": "null"},
        "list": {"items": {"type": "integer"}, "maxItems": 1},
        "odd": 5,
        "lost": {"$ref": "#/nowhere"},
    },
}


@given(st.text())
def test_a_value_fits_its_schema(seed: str) -> None:
    found = sample(SCHEMA, dice(seed))

    assert set(found) == set(SCHEMA["properties"])
    assert found["kind"] in ("a", "b")
    assert found["fixed"] == 7
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["when"])
    assert found["at"].endswith("Z")
    assert 2 <= found["share"] <= 3
    assert len(found["many"]) == 3
    assert all(0 < len(item["name"]) <= 5 for item in found["many"])
    assert isinstance(found["maybe"], int)
    assert isinstance(found["either"], bool)
    assert found["nothing"] is found["odd"] is found["lost"] is None
    assert len(found["list"]) == 1


@pytest.mark.parametrize("key", ["$ref", "allOf"])
def test_a_schema_without_a_floor_ends(key: str) -> None:
    endless: dict[str, Any] = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    if key == "allOf":
        inner: dict[str, Any] = {}
        inner["allOf"] = [inner]
        endless = inner
    assert sample(endless, dice("x")) is None or sample(endless, dice("x"))


def test_a_free_object_is_still_an_object() -> None:
    assert sample({"type": "object"}, dice("x")) == {}


def test_the_calls_of_a_turn_are_part_of_its_text() -> None:
    call = {"id": "a", "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'}}
    text = spoken("I look.", [call])
    assert text.startswith("I look.\n")
    assert "Rome" in text
    assert count(text) > count("I look.") + 8
    assert spoken("I look.", None) == "I look."
