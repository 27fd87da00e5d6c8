"""Tool calls that are wrong in form only, put right where one thing alone can be meant.

A name in another case or with a prefix; arguments that are JSON within a string, lack their last brackets, or have a
comma too many; a value that is written as text where its schema wants a number, a truth value, a list or an object; one
value where a list is wanted; a property's name in another case. What is more than form is not guessed, and the result
counts only where the checks pass it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from backends.engines import written_calls
from backends.types import Tool, ToolCall
from backends.verification.check_result import CheckedAnswer

LONGEST = 100_000
"""Characters of arguments, or of a text, that are looked at."""

KINDS: dict[type, set[str]] = {
    bool: {"boolean"},
    int: {"integer", "number"},
    float: {"number"},
    str: {"string"},
    list: {"array"},
    dict: {"object"},
}

OPEN = {"{": "}", "[": "]"}
MARKS = "|".join(map(re.escape, (*written_calls.PAIRS.values(), *written_calls.ENDS, "```")))
CLOSING_MARKS = re.compile(rf"(?:\s|{MARKS})+\Z")


def repaired(answer: CheckedAnswer) -> CheckedAnswer | None:
    """The answer with its calls put right, or with the call that its text was meant as; None where that is not sure."""
    tools = {tool.name: tool for tool in answer.request.tools}
    if answer.calls:
        mended = tuple(_mended(call, tools) for call in answer.calls)
        calls = tuple(call for call in mended if call is not None)
        return replace(answer, calls=calls) if len(calls) == len(mended) else None
    return _from_text(answer, tools)


def as_offered(call: ToolCall, names: frozenset[str]) -> ToolCall | None:
    """The call under the offered name that it can only mean; None where it means none of `names`."""
    if call.name in names:
        return call
    name = _only(call.name, names)
    return None if name is None else replace(call, name=name)


def completed(text: str) -> str | None:
    """JSON with the brackets that it lacks at its end, and without commas before brackets; None inside a string."""
    stack: list[str] = []
    out: list[str] = []
    quoted = escaped = False
    for sign in text:
        if quoted:
            quoted = escaped or sign != '"'
            escaped = sign == "\\" and not escaped
        elif sign in OPEN:
            stack.append(OPEN[sign])
        elif sign in OPEN.values():
            if not stack or stack.pop() != sign:
                return None
            _without_comma(out)
        else:
            quoted = sign == '"'
        out.append(sign)
        if not stack and sign in OPEN.values():
            return "".join(out)  # what follows is no part of it
    if quoted:
        return None
    _without_comma(out)
    return "".join((*out, *reversed(stack)))


def _without_comma(out: list[str]) -> None:
    at = len(out)
    while at and out[at - 1].isspace():
        at -= 1
    if at and out[at - 1] == ",":
        del out[at - 1 :]


def _from_text(answer: CheckedAnswer, tools: Mapping[str, Tool]) -> CheckedAnswer | None:
    """The one call that the text was meant as."""
    text = answer.text
    found = written_calls.opened(text)
    start = found[0] if found is not None else 0
    opened = text.find("{", start)
    if len(text) > LONGEST or opened < 0:
        return None
    value = _read(CLOSING_MARKS.sub("", text[opened:]))
    name = next((value[key] for key in written_calls.NAMES if isinstance(value.get(key), str)), None) if value else None
    if value is None or name is None or not value.keys() <= set(written_calls.KEYS):
        return None
    given = value.get("arguments", value.get("parameters", {}))
    arguments = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    call = _mended(ToolCall(id=f"call_{answer.request.id}_text_1", name=name, arguments=arguments), tools)
    return None if call is None else replace(answer, text=text[:start], calls=(call,))


def _mended(call: ToolCall, tools: Mapping[str, Tool]) -> ToolCall | None:
    name = call.name if call.name in tools else _only(call.name, tools)
    value = None if len(call.arguments) > LONGEST else _read(call.arguments)
    if name is None or value is None:
        return None
    fitted = _fitted(value, tools[name].parameters)
    if name == call.name and fitted == value and _is_object(call.arguments):
        return call
    return replace(call, name=name, arguments=json.dumps(fitted, ensure_ascii=False, separators=(",", ":")))


def _read(text: str) -> dict[str, Any] | None:
    """The object that a text holds, as JSON or as JSON within a JSON string; None where it is not sure."""
    for _ in range(2):
        value = _json(text)
        if value is None and (whole := completed(text)) is not None:
            value = _json(whole)
        if not isinstance(value, str):
            return value if isinstance(value, dict) else None
        text = value
    return None


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


def _is_object(text: str) -> bool:
    return isinstance(_json(text), dict)


def _only(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that this can be: without case, signs between words, and a prefix such as "functions."."""
    for key in (_bare, lambda each: _bare(re.split(r"[./:]", each)[-1])):
        found = [each for each in names if _bare(each) == key(name)]
        if len(found) == 1:
            return found[0]
    return None


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def _fitted(value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The object with its properties in the names and types of their schema, as far as that is a matter of form."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return value
    fitted: dict[str, Any] = {}
    for name, each in value.items():
        meant = name if name in properties else _only(name, (other for other in properties if other not in value))
        wanted = properties.get(meant or name)
        fitted[meant or name] = _typed(each, wanted) if isinstance(wanted, dict) else each
    return fitted


def _typed(value: Any, schema: dict[str, Any]) -> Any:
    wanted = schema.get("type")
    kinds = {wanted} if isinstance(wanted, str) else set(wanted) if isinstance(wanted, list) else set()
    if isinstance(value, dict) and "object" in kinds:
        return _fitted(value, schema)
    if not kinds or _kinds(value) & kinds:
        return value
    if isinstance(value, str):
        read = _json(value.strip()) if value.strip() not in ("True", "False") else value.strip() == "True"
        if read is not None and _kinds(read) & kinds:
            return _typed(read, schema)
    items = schema.get("items")
    if "array" in kinds and value is not None and (not isinstance(items, dict) or _kinds(value) & {items.get("type")}):
        return [value]
    return value


def _kinds(value: Any) -> set[str]:
    """What JSON schema calls it."""
    if isinstance(value, float) and value.is_integer():
        return {"number", "integer"}
    return KINDS.get(type(value), {"null"})
