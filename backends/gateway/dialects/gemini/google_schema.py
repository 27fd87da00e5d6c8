"""Google's form of a schema, which follows OpenAPI 3.0, as JSON Schema."""

from collections.abc import Mapping
from typing import Any

_CAMEL = {
    "any_of": "anyOf",
    "max_items": "maxItems",
    "max_length": "maxLength",
    "max_properties": "maxProperties",
    "min_items": "minItems",
    "min_length": "minLength",
    "min_properties": "minProperties",
    "additional_properties": "additionalProperties",
    "property_ordering": "propertyOrdering",
}
_NUMBERS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
_WITHIN = ("items", "additionalProperties")


def as_json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Types in small letters, `nullable` as a further type, 64-bit counts as numbers. Its depth is checked before."""
    found: dict[str, Any] = {}
    for given, value in schema.items():
        name = _CAMEL.get(given, given)
        if name == "type" and isinstance(value, str):
            found[name] = value.lower()
        elif name == "properties" and isinstance(value, Mapping):
            found[name] = {each: _within(inner) for each, inner in value.items()}
        elif name == "anyOf" and isinstance(value, list):
            found[name] = [_within(each) for each in value]
        elif name in _WITHIN:
            found[name] = _within(value)
        elif name in _NUMBERS and isinstance(value, str) and value.isdecimal():
            found[name] = int(value[:18])
        elif name not in ("nullable", "propertyOrdering", "example"):
            found[name] = value
    if schema.get("nullable") is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    if found.get("type") == "type_unspecified":
        del found["type"]
    return found


def _within(value: Any) -> Any:
    return as_json_schema(value) if isinstance(value, Mapping) else value
