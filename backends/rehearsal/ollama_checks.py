"""What Ollama answers 400 to before any model works on a request, in its own words as far as they are known.

Go's types do most of it: `arguments` is an object, `content` a text, a tool's `type` one word. Sources: api/types.go,
server/routes.go and server/prompt.go of https://github.com/ollama/ollama, and reports of users who met them.
"""

import base64
import binascii
from typing import Any

from backends.rehearsal.scripted_answers import RequestRejected

ROLES = ("system", "user", "assistant", "tool")
WHOLE = frozenset({"num_ctx", "num_predict", "num_keep", "num_batch", "num_gpu", "num_thread", "seed", "top_k"}) | {
    "repeat_last_n"
}
REAL = frozenset({"temperature", "top_p", "min_p", "typical_p", "repeat_penalty"}) | {
    "presence_penalty",
    "frequency_penalty",
}
LEVELS = ("high", "medium", "low", "max")
IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")


def check_options(options: Any) -> None:
    """Refuse options of the wrong type; unknown ones are skipped."""
    if not isinstance(options, dict):
        raise RequestRejected(f"json: cannot unmarshal {_go(options)} into Go struct field ChatRequest.options")
    for name, value in options.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is None:
            continue
        if name in WHOLE and not number:
            raise RequestRejected(f'option "{name}" must be of type integer: invalid option')
        if name in REAL and not number:
            raise RequestRejected(f'option "{name}" must be of type float32: invalid option')
        if name == "stop" and not isinstance(value, list):
            raise RequestRejected('option "stop" must be of type array: invalid option')
        if name == "stop" and not all(isinstance(word, str) for word in value):
            raise RequestRejected('option "stop" must be of an array of strings: invalid option')


def check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise RequestRejected(
            "json: cannot unmarshal messages into Go struct field ChatRequest.messages of type []api.Message"
        )
    for message in messages:
        if message.get("role") not in ROLES:
            raise RequestRejected(
                f"invalid role: {message.get('role')}, role must be one of [system, user, assistant, tool]"
            )
        for field in ("content", "thinking", "tool_name", "tool_call_id"):
            if not isinstance(message.get(field), str | None):
                raise _unmarshal(message[field], f"messages.{field}", "string")
        for call in message.get("tool_calls") or ():
            function = call.get("function") if isinstance(call, dict) else None
            arguments = function.get("arguments") if isinstance(function, dict) else None
            if not isinstance(arguments, dict | None):
                raise _unmarshal(arguments, "messages.tool_calls.function.arguments", "api.ToolCallFunctionArguments")
        for image in message.get("images") or ():
            _check_image(image)


def check_tools(tools: Any) -> None:
    for tool in tools or ():
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict):
            raise _unmarshal(function, "tools.function", "api.ToolFunction")
        _check_schema(function.get("parameters") or {}, "tools.function.parameters", top=True)


def check_think(think: Any, model: str, capabilities: tuple[str, ...]) -> None:
    if isinstance(think, str) and think not in LEVELS:
        raise RequestRejected(f'invalid think value: "{think}" (must be "high", "medium", "low", true, or false)')
    if not isinstance(think, bool | str | None):
        raise RequestRejected("think must be a boolean or string")
    if think and "thinking" not in capabilities:
        raise RequestRejected(f'"{model}" does not support thinking')


def _check_schema(schema: Any, where: str, *, top: bool) -> None:
    """Against Go's ToolFunctionParameters at the top, and ToolProperty below it."""
    if not isinstance(schema, dict):
        raise _unmarshal(schema, where, "api.ToolProperty")
    kinds = str if top else str | list
    if not isinstance(schema.get("type", ""), kinds):
        raise _unmarshal(schema["type"], f"{where}.type", "string")
    if not isinstance(schema.get("description", ""), str):
        raise _unmarshal(schema["description"], f"{where}.description", "string")
    for name in ("required", "enum", "anyOf"):
        if not isinstance(schema.get(name), list | None):
            raise _unmarshal(schema[name], f"{where}.{name}", "[]string")
    properties = schema.get("properties")
    if not isinstance(properties, dict | None):
        raise _unmarshal(properties, f"{where}.properties", "map[string]api.ToolProperty")
    for each in (*(properties or {}).values(), *(schema.get("anyOf") or ())):
        _check_schema(each, f"{where}.properties", top=False)


def _check_image(image: Any) -> None:
    if not isinstance(image, str):
        raise _unmarshal(image, "messages.images", "api.ImageData")
    try:
        data = base64.b64decode(image, validate=True)
    except binascii.Error:
        raise RequestRejected("illegal base64 data at input byte 0") from None
    if not data.startswith(IMAGES):
        raise RequestRejected(
            "Failed to create new sequence: failed to process inputs: image: unknown format", status=500
        ) from None


def _unmarshal(value: Any, field: str, kind: str) -> RequestRejected:
    return RequestRejected(
        f"json: cannot unmarshal {_go(value)} into Go struct field ChatRequest.{field} of type {kind}"
    )


def _go(value: Any) -> str:
    """Go's word for a JSON value."""
    if isinstance(value, bool):
        return "bool"
    kinds = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return kinds.get(type(value), "null")
