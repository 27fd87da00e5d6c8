"""Values against schemas, and schemas that are none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.rehearsal.schema_sample import sample
from backends.rehearsal.scripted_answers import dice
from backends.verification.json_schema import Unchecked, violation

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5},
        "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 150},
        "tags": {"type": "array", "items": {"enum": ["a", "b", 1]}, "minItems": 1, "maxItems": 2},
        "home": {"$ref": "#/$defs/place"},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"place": {"type": ["object", "null"], "minProperties": 1, "maxProperties": 2}},
}


@pytest.mark.parametrize(
    "value",
    [
        {"name": "ada"},
        {"name": "ada", "age": 0, "tags": ["a", 1], "home": None},
        {"name": "ada", "age": 36.0, "home": {"x": 1}},
    ],
)
def test_a_value_that_keeps_every_rule(value: Any) -> None:
    assert violation(value, PERSON) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "array where object is asked for"),
        ({}, "1 required property is missing"),
        ({"name": ""}, "too short"),
        ({"name": "adaada"}, "too long"),
        ({"name": "ada", "age": True}, "boolean where integer"),
        ({"name": "ada", "age": 1.5}, "number where integer"),
        ({"name": "ada", "age": -1}, "too small"),
        ({"name": "ada", "age": 150}, "too large"),
        ({"name": "ada", "tags": []}, "too few items"),
        ({"name": "ada", "tags": ["a", "b", "a"]}, "too many items"),
        ({"name": "ada", "tags": [True]}, "not one of the allowed"),
        ({"name": "ada", "home": {}}, "too few properties"),
        ({"name": "ada", "home": {"a": 1, "b": 2, "c": 3}}, "too many properties"),
        ({"name": "ada", "secret": "s3cret"}, "a property that is not allowed"),
    ],
)
def test_the_first_broken_rule_is_named_without_the_value(value: Any, said: str) -> None:
    found = violation(value, PERSON)
    assert found is not None
    assert said in found
    assert "s3cret" not in found


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, 3, 2),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, 1),
        ({"oneOf": [{"minimum": 0}, {"maximum": 5}]}, 9, 3),
        ({"not": {"type": "string"}}, 1, "x"),
        ({"const": 1}, 1, True),
        ({"prefixItems": [{"type": "string"}], "items": {"type": "number"}}, ["a", 1], ["a", "b"]),
        ({"prefixItems": [{"type": "string"}], "items": False}, ["a"], ["a", "b"]),
        ({"additionalProperties": {"type": "number"}}, {"x": 1}, {"x": "y"}),
        ({"patternProperties": {"^x": {}}, "additionalProperties": False}, {"x": 1}, None),
        ({"type": "string", "nullable": True}, None, 1),
        ({"exclusiveMinimum": 1}, 2, 1),
        ({"maximum": 1}, 1, 2),
        ({"type": "OBJECT"}, {}, []),
        (True, "anything", None),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}}}, None, 0),
    ],
)
def test_combinations(schema: Any, good: Any, bad: Any) -> None:
    assert violation(good, schema) is None
    if bad is not None:
        assert violation(bad, schema) is not None


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (1, 7),
        (1, {"type": "colour"}),
        (1, {"minimum": "a"}),
        (1, {"enum": 3}),
        (1, {"anyOf": 3}),
        (1, {"$ref": 3}),
        (1, {"$ref": "https://example.com/schema"}),
        (1, {"$ref": "#/$defs/none"}),
        (1, {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}),
        ({"x": 1}, {"properties": 3}),
        ({"x": 1}, {"required": 3}),
        ([1], {"prefixItems": 3}),
        ([0] * 60_000, {"items": {"type": "integer"}}),
    ],
)
def test_what_is_no_schema_or_takes_too_long_is_not_judged(value: Any, schema: Any) -> None:
    with pytest.raises(Unchecked):
        violation(value, schema)


def test_false_allows_nothing() -> None:
    assert violation(1, False) == "nothing is allowed here"


SIMPLE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 3, "maximum": 90},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 3},
        "place": {"anyOf": [{"$ref": "#/$defs/place"}, {"type": "null"}]},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
    "$defs": {"place": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]}},
}


@given(st.text())
def test_what_a_model_held_to_the_schema_writes_keeps_it(prompt: str) -> None:
    value = sample(SIMPLE, dice(prompt))
    assert violation(value, SIMPLE) is None
    assert violation({**value, "age": "3"}, SIMPLE) is not None


KEYWORDS = ("type", "enum", "required", "properties", "items", "anyOf", "oneOf", "not", "minimum", "maxItems", "$ref")
PLAIN = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["string", "object", "a", "#", "#/anyOf/0"])
ANY = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=3)
)


@given(ANY, ANY)
def test_any_value_and_any_schema_end_in_a_word(value: Any, schema: Any) -> None:
    try:
        found = violation(value, schema)
    except Unchecked:
        return
    assert found is None or found
