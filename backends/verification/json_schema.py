"""A JSON value against a JSON schema, by jsonschema-rs: drafts 6 to 2020-12, with formats.

Two habits of OpenAPI are read as they are meant: `nullable: true`, and types in capitals. References are followed
within the schema only.

Schemas and values come from outside, and the library cannot be stopped once it runs. So its work and its stack are
bounded beforehand: by the size of the schema with its references written out, times the length of the value, and by the
depth of both. Patterns run on an engine that is linear in the text and has no look-around.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from jsonschema_rs import ValidationErrorKind

DEEPEST = 64
"""Levels of a value, and of a schema with its references written out. Both at once take half a megabyte of stack."""

WORK = 50_000_000
"""The most nodes of a schema times characters of a value: some 0.2 s at worst, and 1 s where patterns are searched."""

COMPILING = 5_000
"""Characters that are added to each value's, for compiling the schema: it has 10,000 nodes at most."""

PATTERN = 250
"""Nodes that a pattern counts for."""

PATTERN_BYTES = 1 << 18
"""The largest compiled pattern. At worst it takes 6 µs for each character."""

EXPLAINED_WORK = 100_000
"""The most work for which an error below `anyOf` or `oneOf` is explained: that takes 10 to 40 µs for each branch."""

UNEXPLAINED = "a value that does not match"

DATA = frozenset(("const", "enum", "default", "example", "examples"))
"""Keywords whose values are not schemas."""

BY_NAME = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))
"""Keywords that hold schemas by names of the author's choice."""

TYPES = frozenset(("object", "array", "string", "number", "integer", "boolean", "null"))


class Unchecked(Exception):
    """The schema is not valid, refers elsewhere, or the check would go beyond its bounds."""


def violation(value: Any, schema: Any, characters: int) -> str | None:
    """The first rule that `value` breaks, in a few words without any of its text; None where it keeps them all.

    `characters` is the length of the JSON that `value` comes from. Raises Unchecked.
    """
    measured = _Measured(schema)
    if measured.size * (COMPILING + characters) > WORK or _is_deeper(value, DEEPEST):
        raise Unchecked
    # 4 MB, for requests that ask for a form only.
    from jsonschema_rs import Draft4Validator, RegexOptions, ValidationError, validator_for

    patterns = RegexOptions(size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES)
    try:
        validator = validator_for(_standard(schema), validate_formats=True, offline=True, pattern_options=patterns)
        if isinstance(validator, Draft4Validator):
            raise Unchecked  # its references start at `id`
        if validator.is_valid(value):
            return None
    except ValueError as error:
        raise Unchecked from error
    # Unlike is_valid, validate does not remember what it saw, and explains every branch of a choice.
    if measured.recursive or (measured.branches and measured.size * characters > EXPLAINED_WORK):
        return UNEXPLAINED
    try:
        validator.validate(value)
    except ValidationError as error:
        return _reason(error.kind, error.instance)
    return UNEXPLAINED


class _Measured:
    """A schema's `size`: its nodes with each reference written out, except where it refers back to what holds it.

    `recursive`: it does so somewhere. `branches`: it has a choice of schemas.
    """

    def __init__(self, schema: Any) -> None:
        """Raises Unchecked where it is too large or too deep, or refers elsewhere."""
        self._root = schema
        self._known: dict[int, tuple[int, int]] = {}
        self._open: set[int] = set()
        self.recursive = self.branches = False
        self.size, _ = self._measure(schema, 0)

    def _measure(self, node: Any, depth: int) -> tuple[int, int]:
        """Its size, and the levels below it."""
        if not isinstance(node, dict | list):
            return 1, 0
        key = id(node)
        if key in self._open:
            self.recursive = True
            return 1, 0
        if key not in self._known:
            if depth > DEEPEST:
                raise Unchecked
            self._open.add(key)
            parts = [*self._parts(node)]
            inner = [self._measure(part, depth + 1) for part in parts if isinstance(part, dict | list)]
            self._open.remove(key)
            size = len(parts) - len(inner) + sum(size for size, _ in inner)
            size = 1 + size * _visits(node) + _patterns(node) * PATTERN
            self._known[key] = size, 1 + max((levels for _, levels in inner), default=0)
        size, levels = self._known[key]
        if depth + levels > DEEPEST or size > WORK:
            raise Unchecked
        return size, levels

    def _parts(self, node: dict[str, Any] | list[Any]) -> Iterator[Any]:
        if isinstance(node, list):
            yield from node
            return
        yield from node.values()
        self.branches |= "anyOf" in node or "oneOf" in node
        if isinstance(node.get("$ref"), str):
            yield self._target(node["$ref"])
        if node is not self._root and isinstance(node.get("$id"), str):
            raise Unchecked  # references below it start there
        if isinstance(node.get("$dynamicRef"), str) or isinstance(node.get("$recursiveRef"), str):
            raise Unchecked

    def _target(self, reference: str) -> Any:
        """What a path from the root leads to (RFC 6901)."""
        if reference != "#" and not reference.startswith("#/"):
            raise Unchecked
        found = self._root
        for part in reference[1:].split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(name)] if isinstance(found, list) else found[name]
            except (KeyError, IndexError, ValueError, TypeError):
                raise Unchecked from None
        return found


def _visits(node: dict[str, Any] | list[Any]) -> int:
    """What the parts of a node count for: `unevaluated…` goes through them again, to find what they evaluated."""
    return 4 if "unevaluatedProperties" in node or "unevaluatedItems" in node else 1


def _patterns(node: dict[str, Any] | list[Any]) -> int:
    if isinstance(node, list):
        return 0
    by_pattern = node.get("patternProperties")
    return isinstance(node.get("pattern"), str) + (len(by_pattern) if isinstance(by_pattern, dict) else 0)


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(part, levels - 1) for part in parts)


def _standard(schema: Any) -> Any:
    """The schema without OpenAPI's habits."""
    if isinstance(schema, list):
        return [_standard(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    words = {keyword: _standard_part(keyword, part) for keyword, part in schema.items()}
    if words.pop("nullable", None) is not True:
        return words
    shared = {keyword: words.pop(keyword) for keyword in ("$schema", "$id", "$defs", "definitions") if keyword in words}
    return {**shared, "anyOf": [{"type": "null"}, words]}


def _standard_part(keyword: str, part: Any) -> Any:
    if keyword == "type":
        names = part if isinstance(part, list) else [part]
        lowered = [name.lower() if isinstance(name, str) and name.lower() in TYPES else name for name in names]
        return lowered if isinstance(part, list) else lowered[0]
    if keyword in BY_NAME and isinstance(part, dict):
        return {name: _standard(each) for name, each in part.items()}
    return part if keyword in DATA else _standard(part)


def _reason(kind: "ValidationErrorKind", value: Any) -> str:
    match kind.name:
        case "type":
            return f"{_type_of(value)} instead of {' or '.join(kind.value)}"
        case "format":
            return f"a text that is not a valid {kind.value}"
    return REASONS.get(kind.name, UNEXPLAINED)


def _type_of(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case dict():
            return "object"
        case list():
            return "array"
        case str():
            return "string"
        case None:
            return "null"
    return "number"


REASONS = {
    "required": "a required property is missing",
    "additionalProperties": "a property that is not allowed",
    "unevaluatedProperties": "a property that is not allowed",
    "propertyNames": "a property name that is not allowed",
    "minProperties": "too few properties",
    "maxProperties": "too many properties",
    "additionalItems": "an item that is not allowed",
    "unevaluatedItems": "an item that is not allowed",
    "contains": "too few or too many items of a kind",
    "uniqueItems": "items that are not unique",
    "minItems": "too few items",
    "maxItems": "too many items",
    "enum": "a value that is not one of the allowed ones",
    "const": "a value that is not the only allowed one",
    "minimum": "a number that is too small",
    "exclusiveMinimum": "a number that is too small",
    "maximum": "a number that is too large",
    "exclusiveMaximum": "a number that is too large",
    "multipleOf": "a number that is not a multiple",
    "minLength": "a text that is too short",
    "maxLength": "a text that is too long",
    "pattern": "a text that does not match its pattern",
    "anyOf": "none of the allowed forms",
    "oneOf": "not exactly one of the allowed forms",
    "not": "a form that is not allowed",
    "falseSchema": "a value where none is allowed",
}
"""What each keyword's error says."""
