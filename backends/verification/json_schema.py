"""A JSON value against a JSON schema, as far as structured output uses it (the subset that Ollama, OpenAI and Gemini
document): types, enum, const, objects, arrays, bounds, combinations and local references.

`pattern` and `format` are passed over: patterns come from outside and could run for ever. Nothing here recurses deeper
than DEEPEST or takes more than STEPS steps; beyond them a value is not judged.
"""

from collections.abc import Callable, Iterator
from typing import Any

DEEPEST, STEPS = 64, 50_000


class Unchecked(Exception):
    """The schema or the value is beyond what is judged here."""


def violation(value: Any, schema: Any) -> str | None:
    """The first rule that `value` breaks, in a few words without any of its text; None where it keeps them all.

    Raises Unchecked where the schema is no schema, refers elsewhere, or takes too long.
    """
    return next(_Walk(schema).broken(value, schema, 0), None)


class _Walk:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = STEPS

    def broken(self, value: Any, schema: Any, depth: int) -> Iterator[str]:
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            raise Unchecked
        if schema is True or schema == {}:
            return
        if schema is False:
            yield "nothing is allowed here"
            return
        if not isinstance(schema, dict):
            raise Unchecked
        if "$ref" in schema:
            yield from self.broken(value, self._target(schema["$ref"]), depth + 1)
        if value is None and schema.get("nullable") is True:
            return
        for keyword, rule in RULES.items():
            if keyword in schema and (said := _apply(rule, value, schema[keyword])) is not None:
                yield said
        if isinstance(value, dict):
            yield from self._object(value, schema, depth)
        elif isinstance(value, list):
            yield from self._array(value, schema, depth)
        yield from self._combined(value, schema, depth)

    def holds(self, value: Any, schema: Any, depth: int) -> bool:
        return next(self.broken(value, schema, depth + 1), None) is None

    def _object(self, value: dict[str, Any], schema: dict[str, Any], depth: int) -> Iterator[str]:
        properties = schema.get("properties") or {}
        if not isinstance(properties, dict):
            raise Unchecked
        missing = [name for name in _list(schema, "required") if isinstance(name, str) and name not in value]
        if missing:
            yield f"{len(missing)} required {'property is' if len(missing) == 1 else 'properties are'} missing"
        others = schema.get("additionalProperties", True)
        if "patternProperties" in schema:
            others = True
        for name, each in value.items():
            if name in properties:
                yield from self.broken(each, properties[name], depth + 1)
            elif others is False:
                yield "a property that is not allowed"
            elif others is not True:
                yield from self.broken(each, others, depth + 1)

    def _array(self, value: list[Any], schema: dict[str, Any], depth: int) -> Iterator[str]:
        first = schema.get("prefixItems") or []
        if not isinstance(first, list):
            raise Unchecked
        rest = schema.get("items", True)
        for at, each in enumerate(value):
            yield from self.broken(each, first[at] if at < len(first) else rest, depth + 1)

    def _combined(self, value: Any, schema: dict[str, Any], depth: int) -> Iterator[str]:
        for part in _list(schema, "allOf"):
            yield from self.broken(value, part, depth + 1)
        if (parts := _list(schema, "anyOf")) and not any(self.holds(value, part, depth) for part in parts):
            yield "none of the allowed forms"
        if (parts := _list(schema, "oneOf")) and sum(self.holds(value, part, depth) for part in parts) != 1:
            yield "not exactly one of the allowed forms"
        if "not" in schema and self.holds(value, schema["not"], depth):
            yield "a form that is not allowed"

    def _target(self, reference: Any) -> Any:
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise Unchecked
        found = self._root
        for part in reference[1:].split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                raise Unchecked
            found = found[name]
        return found


def _list(schema: dict[str, Any], keyword: str) -> list[Any]:
    parts = schema.get(keyword) or []
    if not isinstance(parts, list):
        raise Unchecked
    return parts


def _apply(rule: Callable[[Any, Any], str | None], value: Any, wanted: Any) -> str | None:
    try:
        return rule(value, wanted)
    except TypeError:
        raise Unchecked from None


def _type(value: Any, wanted: Any) -> str | None:
    names = wanted if isinstance(wanted, list) else [wanted]
    if any(str(name).lower() not in TYPES for name in names):
        raise Unchecked
    if any(TYPES[name.lower()](value) for name in names):
        return None
    return f"{_name(value)} where {' or '.join(names)} is asked for"


def _same(a: Any, b: Any) -> bool:
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": _number,
    "integer": lambda value: _number(value) and (isinstance(value, int) or value.is_integer()),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


def _name(value: Any) -> str:
    return next(name for name, holds in TYPES.items() if holds(value))


def _bound(kind: Callable[[Any], bool], breaks: Callable[[Any, Any], bool], said: str) -> Callable[..., str | None]:
    return lambda value, wanted: said if kind(value) and breaks(value, wanted) else None


_text, _items, _object = TYPES["string"], TYPES["array"], TYPES["object"]

RULES: dict[str, Callable[[Any, Any], str | None]] = {
    "type": _type,
    "enum": lambda value, wanted: (
        None if any(_same(value, each) for each in wanted) else "a value that is not one of the allowed"
    ),
    "const": lambda value, wanted: None if _same(value, wanted) else "not the value that is asked for",
    "minimum": _bound(_number, lambda a, b: a < b, "a number that is too small"),
    "maximum": _bound(_number, lambda a, b: a > b, "a number that is too large"),
    "exclusiveMinimum": _bound(_number, lambda a, b: a <= b, "a number that is too small"),
    "exclusiveMaximum": _bound(_number, lambda a, b: a >= b, "a number that is too large"),
    "minLength": _bound(_text, lambda a, b: len(a) < b, "a text that is too short"),
    "maxLength": _bound(_text, lambda a, b: len(a) > b, "a text that is too long"),
    "minItems": _bound(_items, lambda a, b: len(a) < b, "too few items"),
    "maxItems": _bound(_items, lambda a, b: len(a) > b, "too many items"),
    "minProperties": _bound(_object, lambda a, b: len(a) < b, "too few properties"),
    "maxProperties": _bound(_object, lambda a, b: len(a) > b, "too many properties"),
}
