"""Is the answer what was asked for in form: JSON, by its schema, and tool calls that their tools can take?"""

from typing import Any

import msgspec

from backends.verification.schema import Unchecked, violation
from backends.verification.word import Answered, Word, failed, passed, unknown

CHECK = "form"
LARGEST = 1_000_000
"""Characters of JSON that are looked at; a larger answer is not judged."""


def form(answered: Answered) -> Word:
    """Pass and fail only where JSON was asked for or tools were called."""
    asked = answered.request.response_format
    if answered.calls:
        return _calls(answered)
    if asked.kind == "text" or len(answered.text) > LARGEST:
        return unknown(CHECK)
    try:
        value = msgspec.json.decode(answered.text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return failed(CHECK, "not valid JSON")
    if asked.kind == "json" or asked.schema is None:
        return passed(CHECK) if isinstance(value, dict | list) else failed(CHECK, "JSON, but no object")
    return _by_schema(value, asked.schema, "the schema")


def _calls(answered: Answered) -> Word:
    tools = {tool.name: tool for tool in answered.request.tools}
    for call in answered.calls:
        if call.name not in tools:
            return failed(CHECK, "it calls a tool that was not offered")
        try:
            value = msgspec.json.decode(call.arguments)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return failed(CHECK, "a tool's arguments are not valid JSON")
        if (word := _by_schema(value, tools[call.name].parameters, "a tool's parameters")).verdict == "fail":
            return word
    return passed(CHECK)


def _by_schema(value: Any, schema: dict[str, Any], whose: str) -> Word:
    try:
        found = violation(value, schema)
    except Unchecked:
        return unknown(CHECK)
    return passed(CHECK) if found is None else failed(CHECK, f"against {whose}: {found}")
