"""A simple value that fits a JSON schema, as a model that is held to the schema would write it."""

from collections.abc import Iterator, Mapping
from typing import Any

WORDS = ("steady", "review", "storage", "latency", "draft", "release", "backlog", "signal", "margin", "queue")
DEEPEST = 12


def sample(schema: Mapping[str, Any], dice: Iterator[int]) -> Any:
    """Understands type (either case), enum, const, anyOf/oneOf/allOf, $ref, properties, items and the usual bounds.

    Optional properties are filled too, except those nested deeper than 12 levels.
    """
    return _value(schema, dice, schema, 0)


def _value(schema: Any, dice: Iterator[int], root: Mapping[str, Any], depth: int) -> Any:
    if not isinstance(schema, Mapping):
        return None
    if isinstance(ref := schema.get("$ref"), str):
        return _value(_resolved(ref, root), dice, root, depth + 1) if depth < DEEPEST else None
    if "const" in schema:
        return schema["const"]
    if isinstance(choices := schema.get("enum"), list) and choices:
        return choices[next(dice) % len(choices)]
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(branches := schema.get(key), list) and branches:
            return _value(branches[0], dice, root, depth + 1) if depth < DEEPEST else None
    return _of_type(_type(schema), schema, dice, root, depth)


def _type(schema: Mapping[str, Any]) -> str:
    named = schema.get("type")
    if isinstance(named, list):
        named = next((name for name in named if name != "null"), "null")
    if isinstance(named, str):
        return named.lower()
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _of_type(kind: str, schema: Mapping[str, Any], dice: Iterator[int], root: Mapping[str, Any], depth: int) -> Any:  # noqa: PLR0911 — one for each type
    match kind:
        case "object":
            return _object(schema, dice, root, depth)
        case "array":
            least = _bound(schema, "minItems", 2)
            size = min(max(least, 1 if depth > 2 else least), _bound(schema, "maxItems", 1_000), 1_000)
            return [
                _value(schema.get("items", {}), dice, root, depth + 1) for _ in range(size if depth < DEEPEST else 0)
            ]
        case "integer":
            return int(_number(schema, dice))
        case "number":
            return round(_number(schema, dice), 3)
        case "boolean":
            return next(dice) % 2 == 0
        case "null":
            return None
        case _:
            return _text(schema, dice)


def _object(schema: Mapping[str, Any], dice: Iterator[int], root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    required = schema.get("required") or ()
    if not isinstance(properties, Mapping):
        return {}
    return {
        name: _value(inner, dice, root, depth + 1)
        for name, inner in properties.items()
        if depth < DEEPEST or name in required
    }


def _bound(schema: Mapping[str, Any], key: str, otherwise: int) -> int:
    value = schema.get(key, otherwise)
    return int(value) if isinstance(value, int | float | str) and str(value).isdigit() else otherwise


def _number(schema: Mapping[str, Any], dice: Iterator[int]) -> float:
    low, high = schema.get("minimum", 0), schema.get("maximum")
    low = low if isinstance(low, int | float) else 0
    high = high if isinstance(high, int | float) else low + (100 if schema.get("type") in ("integer", "INTEGER") else 1)
    return low + (high - low) * (next(dice) / 255)


def _text(schema: Mapping[str, Any], dice: Iterator[int]) -> str:
    match schema.get("format"):
        case "date":
            return f"2026-{next(dice) % 12 + 1:02}-{next(dice) % 28 + 1:02}"
        case "date-time":
            return f"2026-{next(dice) % 12 + 1:02}-{next(dice) % 28 + 1:02}T{next(dice) % 24:02}:00:00Z"
        case _:
            text = " ".join(WORDS[next(dice) % len(WORDS)] for _ in range(next(dice) % 4 + 2))
            return text.ljust(_bound(schema, "minLength", 0), ".")[: _bound(schema, "maxLength", 200)]


def _resolved(ref: str, root: Mapping[str, Any]) -> Any:
    at: Any = root
    for step in ref.removeprefix("#/").split("/"):
        at = at.get(step) if isinstance(at, Mapping) else None
    return at
