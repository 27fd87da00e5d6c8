"""Tools in the form that Ollama can read, and the form of an answer that must be, or may be, a call.

Ollama reads a tool's parameters into fixed types and answers 400 for whatever does not fit them: a list of types at the
top, a property that is `true`, a description that is no text. Source: ToolFunctionParameters and ToolProperty in
https://github.com/ollama/ollama/blob/main/api/types.go
"""

from typing import Any

from backends.engines.base import Call
from backends.engines.tool_reading import offered
from backends.tool_memory import by_tool
from backends.types import Tool

KEPT = ("type", "properties", "required", "items", "enum", "const", "anyOf", "additionalProperties", "description")
"""Keywords of a tool's parameters that go into a grammar; `pattern` and `$ref` could make Ollama refuse the whole."""

DEEPEST = 12


def tools(call: Call) -> list[dict[str, Any]]:
    """The tools that may be called; Ollama has no choice of tools, so a named one is offered alone."""
    names = offered(call)
    return [_tool(tool) for tool in call.tools if tool.name in names]


def answer_format(call: Call) -> str | dict[str, Any] | None:
    """The `format` that holds the answer to what was asked for.

    With a format Ollama's model can write nothing else, no tool call either
    (https://github.com/ollama/ollama/issues/13750), so a call is put into it as one of the forms, written as JSON.
    Where a call is required it is the only one.
    """
    form = call.response_format
    if form.kind == "text" and call.tool_choice == "auto":
        return None
    names = offered(call)
    calls = [_call(tool) for tool in call.tools if tool.name in names]
    if calls and call.tool_choice != "auto":
        return _any(calls)
    if form.kind == "text":
        return None
    if form.kind == "json" or not form.schema:
        return "json"
    if not calls or not _moves(form.schema):
        return form.schema
    shared = {key: form.schema[key] for key in ("$defs", "definitions") if key in form.schema}
    return _any([form.schema, *calls]) | shared


@by_tool
def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": parameters(tool.parameters)}
    return {"type": "function", "function": function}


def parameters(schema: dict[str, Any]) -> dict[str, Any]:
    """A tool's schema with what Ollama cannot read put otherwise; all else as it is."""
    fitted = _fitted(schema, 0)
    if not isinstance(fitted.get("type"), str):
        fitted["type"] = "object"
    return fitted


def _fitted(schema: dict[str, Any], depth: int) -> dict[str, Any]:
    fitted = dict(schema)
    if "description" in fitted and not isinstance(fitted["description"], str):
        del fitted["description"]
    if "enum" in fitted and not isinstance(fitted["enum"], list):
        del fitted["enum"]
    if "required" in fitted:
        given = fitted["required"]
        fitted["required"] = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    if "properties" in fitted:
        given = fitted["properties"] if isinstance(fitted["properties"], dict) else {}
        fitted["properties"] = {name: _nested(each, depth) for name, each in given.items()}
    if "anyOf" in fitted:
        given = fitted["anyOf"] if isinstance(fitted["anyOf"], list) else []
        fitted["anyOf"] = [_nested(each, depth) for each in given]
    return fitted


def _nested(schema: Any, depth: int) -> dict[str, Any]:
    return _fitted(schema, depth + 1) if isinstance(schema, dict) and depth < DEEPEST else {}


def _call(tool: Tool) -> dict[str, Any]:
    arguments = _simple(tool.parameters, 0) or {"type": "object"}
    return {
        "type": "object",
        "properties": {"name": {"const": tool.name}, "arguments": {"type": "object"} | arguments},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _simple(schema: Any, depth: int) -> dict[str, Any]:
    if not isinstance(schema, dict) or "$ref" in schema or depth > DEEPEST:
        return {}
    simple = {key: schema[key] for key in KEPT if key in schema}
    if isinstance(schema.get("properties"), dict):
        simple["properties"] = {name: _simple(each, depth + 1) for name, each in schema["properties"].items()}
    if isinstance(schema.get("items"), dict):
        simple["items"] = _simple(schema["items"], depth + 1)
    if isinstance(schema.get("anyOf"), list):
        simple["anyOf"] = [_simple(each, depth + 1) for each in schema["anyOf"]]
    if not isinstance(schema.get("additionalProperties", False), bool):
        del simple["additionalProperties"]
    return simple


def _any(forms: list[dict[str, Any]]) -> dict[str, Any]:
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def _moves(value: Any) -> bool:
    """Do its references still hold where it stands deeper in another schema, with its definitions beside it?"""
    match value:
        case dict():
            held = str(value.get("$ref", "#/$defs/")).startswith(("#/$defs/", "#/definitions/"))
            return held and all(map(_moves, value.values()))
        case list():
            return all(map(_moves, value))
    return True
