"""Values against schemas: every keyword, schemas that are not valid, and those that would take for ever."""

import json
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.rehearsal.schema_sample import sample
from backends.rehearsal.scripted_answers import dice
from backends.verification.json_schema import DEEPEST, WORK, Unchecked, violation

DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def broken(value: Any, schema: Any) -> str | None:
    return violation(value, schema, len(json.dumps(value)))


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
    assert broken(value, PERSON) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "array instead of object"),
        ({}, "a required property is missing"),
        ({"name": ""}, "a text that is too short"),
        ({"name": "adaada"}, "a text that is too long"),
        ({"name": "ada", "age": True}, "boolean instead of integer"),
        ({"name": "ada", "age": 1.5}, "number instead of integer"),
        ({"name": "ada", "age": "old"}, "string instead of integer"),
        ({"name": "ada", "age": None}, "null instead of integer"),
        ({"name": "ada", "age": {}}, "object instead of integer"),
        ({"name": "ada", "age": -1}, "a number that is too small"),
        ({"name": "ada", "age": 150}, "a number that is too large"),
        ({"name": "ada", "tags": []}, "too few items"),
        ({"name": "ada", "tags": ["a", "b", "a"]}, "too many items"),
        ({"name": "ada", "tags": [True]}, "a value that is not one of the allowed ones"),
        ({"name": "ada", "home": {}}, "too few properties"),
        ({"name": "ada", "home": {"a": 1, "b": 2, "c": 3}}, "too many properties"),
        ({"name": "ada", "home": 1}, "number instead of null or object"),
        ({"name": "ada", "secret": "s3cret"}, "a property that is not allowed"),
    ],
)
def test_the_first_broken_rule_is_named_without_the_value(value: Any, reason: str) -> None:
    assert broken(value, PERSON) == reason


@pytest.mark.parametrize(
    ("schema", "good", "bad", "reason"),
    [
        ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, 3, 2, "a number that is too small"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, 1, "none of the allowed forms"),
        ({"oneOf": [{"minimum": 0}, {"maximum": 5}]}, 9, 3, "not exactly one of the allowed forms"),
        ({"not": {"type": "string"}}, 1, "x", "a form that is not allowed"),
        ({"if": {"minimum": 9}, "then": {"multipleOf": 2}}, 10, 11, "a number that is not a multiple"),
        ({"if": {"minimum": 9}, "else": {"maximum": 2}}, 1, 3, "a number that is too large"),
        ({"const": 1}, 1, True, "a value that is not the only allowed one"),
        ({"enum": ["a", None]}, None, "b", "a value that is not one of the allowed ones"),
        ({"multipleOf": 0.01}, 19.99, 19.995, "a number that is not a multiple"),
        ({"exclusiveMinimum": 1}, 2, 1, "a number that is too small"),
        ({"maximum": 1}, 1, 2, "a number that is too large"),
        ({"pattern": "^[A-Z]{2}-\\d+$"}, "AB-12", "AB-", "a text that does not match its pattern"),
        ({"format": "date-time"}, "2026-11-30T18:00:00Z", "yesterday", "a text that is not a valid date-time"),
        ({"format": "date"}, "2026-11-30", "2026-11-31", "a text that is not a valid date"),
        ({"format": "time"}, "18:00:00Z", "25:00:00Z", "a text that is not a valid time"),
        ({"format": "duration"}, "P3D", "three days", "a text that is not a valid duration"),
        ({"format": "email"}, "ada@example.org", "ada", "a text that is not a valid email"),
        ({"format": "hostname"}, "example.org", "-.org", "a text that is not a valid hostname"),
        ({"format": "ipv4"}, "10.0.0.1", "10.0.0.256", "a text that is not a valid ipv4"),
        ({"format": "ipv6"}, "::1", "::g", "a text that is not a valid ipv6"),
        ({"format": "uri"}, "https://example.org/x", "no uri", "a text that is not a valid uri"),
        ({"format": "uuid"}, "6ff91981-c4d2-4256-beba-aa4324170b78", "6ff91981", "a text that is not a valid uuid"),
        ({"uniqueItems": True}, [1, "1", [1]], [1, 2, 1.0], "items that are not unique"),
        ({"contains": {"type": "null"}}, [1, None], [1], "too few or too many items of a kind"),
        ({"contains": {"type": "null"}, "maxContains": 1}, [None], [None, None], "too few or too many items of a kind"),
        (
            {"prefixItems": [{"type": "string"}], "items": {"type": "number"}},
            ["a", 1],
            ["a", "b"],
            "string instead of number",
        ),
        ({"prefixItems": [{"type": "string"}], "items": False}, ["a"], ["a", "b"], "a value where none is allowed"),
        ({"prefixItems": [True], "unevaluatedItems": False}, [1], [1, 2], "an item that is not allowed"),
        ({"$schema": DRAFT_7, "items": [True], "additionalItems": False}, [1], [1, 2], "an item that is not allowed"),
        ({"additionalProperties": {"type": "number"}}, {"x": 1}, {"x": "y"}, "string instead of number"),
        (
            {"patternProperties": {"^x": True}, "additionalProperties": False},
            {"x": 1},
            {"y": 1},
            "a property that is not allowed",
        ),
        ({"propertyNames": {"maxLength": 2}}, {"ab": 1}, {"abc": 1}, "a property name that is not allowed"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1, "b": 2}, {"a": 1}, "a required property is missing"),
        ({"dependentSchemas": {"a": {"maxProperties": 1}}}, {"a": 1}, {"a": 1, "b": 2}, "too many properties"),
        (
            {"allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False},
            {"a": 1},
            {"b": 1},
            "a property that is not allowed",
        ),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}}}, None, 0, "number instead of null"),
        ({"$ref": "#/$defs/a%20b", "$defs": {"a b": {"type": "null"}}}, None, 0, "number instead of null"),
        (
            {"properties": {"x": {"anyOf": [{"type": "null"}]}, "y": {"$ref": "#/properties/x/anyOf/0"}}},
            {"y": None},
            {"y": 0},
            "number instead of null",
        ),
        ({"type": "OBJECT"}, {}, [], "array instead of object"),
        ({"type": ["STRING", "NULL"]}, None, 1, "number instead of null or string"),
        ({"type": "string", "nullable": True}, None, 1, "none of the allowed forms"),
        ({"type": "STRING", "nullable": False}, "x", None, "null instead of string"),
        ({"nullable": True, "$ref": "#/$defs/a", "$defs": {"a": {"minimum": 1}}}, None, 0, "none of the allowed forms"),
        (
            {"properties": {"nullable": True, "type": {"type": "NULL"}}},
            {"nullable": 1},
            {"type": 1},
            "number instead of null",
        ),
        (
            {"const": {"type": "STRING"}},
            {"type": "STRING"},
            {"type": "string"},
            "a value that is not the only allowed one",
        ),
        ({"properties": {"a": True, "b": False}}, {"a": 1}, {"b": 1}, "a value where none is allowed"),
    ],
)
def test_keywords(schema: Any, good: Any, bad: Any, reason: str | None) -> None:
    assert broken(good, schema) is None
    assert broken(bad, schema) == reason


TREE: dict[str, Any] = {
    "anyOf": [
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "minProperties": 2},
        {"type": "null"},
    ]
}


def nested(levels: int, wrap: Callable[[Any], Any], inner: Any = None) -> Any:
    for _ in range(levels):
        inner = wrap(inner)
    return inner


def test_booleans_are_schemas() -> None:
    assert broken(1, True) is None
    assert broken(1, False) == "a value where none is allowed"


def test_a_recursive_schema_is_checked_at_any_depth_without_a_reason() -> None:
    """Two branches a level: what tries each path would try 2^60."""
    assert broken(nested(60, lambda inner: {"a": inner}), TREE) is None
    assert broken(nested(60, lambda inner: {"a": inner}, 5), TREE) == "a value that does not match"


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (1, 7),
        (1, {"type": "colour"}),
        (1, {"minimum": "a"}),
        (1, {"enum": 3}),
        (1, {"anyOf": 3}),
        (1, {"pattern": "("}),
        (1, {"pattern": "(?=look)ahead"}),
        (1, {"pattern": "((a{100}){100}){100}"}),
        (1, {"$ref": 3}),
        (1, {"$ref": "https://example.com/schema"}),
        (1, {"$ref": "other.json"}),
        (1, {"$ref": "#anchor", "$anchor": "anchor"}),
        (1, {"$ref": "#/$defs/none"}),
        (1, {"$ref": "#/anyOf/7", "anyOf": [True]}),
        (1, {"$dynamicRef": "#a", "$dynamicAnchor": "a"}),
        (1, {"$defs": {"a": {"$id": "http://a/b", "$ref": "#"}}}),
        (1, {"$schema": "https://example.com/meta"}),
        (1, {"$schema": "http://json-schema.org/draft-04/schema#"}),
        (1, {"const": "\ud800"}),
        ({"x": 1}, {"properties": 3}),
        ({"x": 1}, {"required": 3}),
        ([1], {"prefixItems": 3}),
    ],
)
def test_a_schema_that_is_not_valid_or_refers_elsewhere_is_not_checked(value: Any, schema: Any) -> None:
    with pytest.raises(Unchecked):
        broken(value, schema)


def doubling(levels: int, **more: Any) -> dict[str, Any]:
    """A schema whose references, written out, double on each level."""
    named = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2, **more} for n in range(levels)}
    return {"$ref": "#/$defs/a0", "$defs": {**named, f"a{levels}": {"type": "string"}}}


def chained(order: Iterable[int]) -> dict[str, Any]:
    """A schema whose references lead from one to the next, in the order of their names or against it."""
    return {"$ref": "#/$defs/a0", "$defs": {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in order} | {"a90": True}}


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (1, doubling(40)),
        ({"x": 1}, doubling(8, unevaluatedProperties=False)),
        (1, nested(DEEPEST + 1, lambda inner: {"not": inner}, True)),
        (1, nested(100_000, lambda inner: {"not": inner}, True)),
        (1, chained(range(90))),
        (1, chained(range(89, -1, -1))),
        (1, {"properties": {f"p{n}": {"type": "string"} for n in range(10_000)}}),
        (1, {"allOf": [{"pattern": f"a{{{n}}}"} for n in range(100)]}),
        (nested(DEEPEST + 1, lambda inner: [inner]), True),
        ("ab" * 500_000, {"pattern": "a[ab]{400}c"}),
        ([0] * 60_000, {"items": {"enum": [{"a": n} for n in range(500)]}}),
    ],
)
def test_what_would_take_too_long_is_not_checked(value: Any, schema: Any) -> None:
    with pytest.raises(Unchecked):
        broken(value, schema)


def test_a_long_value_is_checked_against_a_short_schema() -> None:
    assert broken([0] * 60_000, {"items": {"type": "integer"}}) is None
    assert broken([*[0] * 60_000, "x"], {"items": {"type": "integer"}}) == "string instead of integer"
    with pytest.raises(Unchecked):
        violation(0, {"type": "integer"}, WORK)


def test_a_long_choice_is_checked_without_a_reason() -> None:
    schema = {"items": {"anyOf": [{"const": n} for n in range(20)]}}
    assert broken([20], schema) == "none of the allowed forms"
    assert broken([1] * 2_000 + [20], schema) == "a value that does not match"


@pytest.mark.parametrize("keyword", ["$ref", "$schema", "$id"])
def test_nothing_is_fetched(keyword: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/schema"
        with pytest.raises(Unchecked):
            broken(1, {keyword: address, "allOf": [{"$ref": f"{address}/other"}]})
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("keyword", ["not", "then"])
def test_the_deepest_schema_and_value_fit_a_small_stack(keyword: str) -> None:
    schema = nested(DEEPEST - 2, lambda inner: {"if": True, keyword: inner}, {"items": {"$ref": "#"}})
    value = nested(DEEPEST, lambda inner: [inner])
    found: list[str | None] = []
    before = threading.stack_size(1 << 20)
    thread = threading.Thread(target=lambda: found.append(broken(value, schema)))
    thread.start()
    threading.stack_size(before)
    thread.join()
    assert found == [None]


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
    assert broken(value, SIMPLE) is None
    assert broken({**value, "age": "3"}, SIMPLE) == "string instead of integer"


NESTING = ("properties", "patternProperties", "$defs", "items", "prefixItems", "contains", "propertyNames")
CHOICES = ("anyOf", "oneOf", "allOf", "not", "if", "then", "else", "unevaluatedProperties", "unevaluatedItems")
RULES = ("type", "enum", "const", "required", "minimum", "multipleOf", "pattern", "format", "uniqueItems", "nullable")
REFERENCES = ("$ref", "$id", "$schema", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "dependentSchemas")
WORDS = ["string", "object", "OBJECT", "a", "(a+)+$", "\\p{L}{50}", "date-time", "regex", "#", "#/anyOf/0", "#/$defs/a"]
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=5)
KEYWORDS = st.sampled_from((*NESTING, *CHOICES, *RULES, *REFERENCES, "a", DRAFT_7))
ANY = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYWORDS, inner, max_size=4))


@settings(deadline=2_000)
@given(ANY, ANY)
def test_any_value_and_any_schema_have_a_result(value: Any, schema: Any) -> None:
    try:
        found = broken(value, schema)
    except Unchecked:
        return
    assert found is None or found
