"""A call in Ollama's words: the body of `/api/chat`. Source: https://docs.ollama.com/api/chat"""

import base64
from typing import Any

import msgspec

from backends.engines.base import Call
from backends.errors import EngineError
from backends.settings import LocalEngine
from backends.types import Message, ResponseFormat, Tool, ToolCall


def chat_body(call: Call, settings: LocalEngine) -> dict[str, Any]:
    """Raises EngineError "rejected" where an earlier tool call in the prompt has arguments that are no JSON object."""
    body: dict[str, Any] = {
        "model": call.model,
        "messages": _messages(call.messages),
        "stream": True,
        "options": _options(call, settings),
        "keep_alive": settings.keep_alive,
    }
    if tools := _offered(call):
        body["tools"] = [_tool(tool) for tool in tools]
    if call.logprobs:
        body["logprobs"] = True
    if (form := _format(call.response_format)) is not None:
        body["format"] = form
    return body


def _options(call: Call, settings: LocalEngine) -> dict[str, Any]:
    options: dict[str, Any] = {
        "num_ctx": settings.context,
        "num_predict": call.max_output,
        "temperature": call.temperature,
        "top_p": call.top_p,
        "seed": call.seed,
        "stop": list(call.stop) or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _offered(call: Call) -> tuple[Tool, ...]:
    """Ollama has no choice of tools: a named one is offered alone, "required" cannot be said."""
    if call.tool_choice == "none":
        return ()
    if call.tool_choice in ("auto", "required"):
        return call.tools
    return tuple(tool for tool in call.tools if tool.name == call.tool_choice)


def _messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    return [_message(message, names) for message in messages]


def _message(message: Message, tool_names: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.media:
        body["images"] = [base64.b64encode(image.data).decode() for image in message.media]
    if message.tool_calls:
        body["tool_calls"] = [
            {"function": {"name": call.name, "arguments": arguments_of(call)}} for call in message.tool_calls
        ]
    if message.role == "tool" and (name := message.name or tool_names.get(message.tool_call_id or "")):
        body["tool_name"] = name
    return body


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters or {"type": "object"}}
    return {"type": "function", "function": function}


def _format(form: ResponseFormat) -> str | dict[str, Any] | None:
    if form.kind == "schema" and form.schema:
        return form.schema
    return None if form.kind == "text" else "json"


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """The call's arguments as an object. Raises EngineError "rejected" where they are none."""
    try:
        return msgspec.json.decode(call.arguments or "{}", type=dict[str, Any])
    except msgspec.DecodeError:
        raise EngineError(
            "an earlier tool call in the prompt has arguments that are no JSON object: send them as JSON",
            kind="rejected",
        ) from None
