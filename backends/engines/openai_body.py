"""A call in OpenAI's words: the body of `/v1/chat/completions`. Source: https://platform.openai.com/docs/api-reference/chat"""

import base64
from typing import Any

from backends.engines.base import Call
from backends.types import Media, Message, ResponseFormat, Tool, ToolCall


def completion_body(call: Call) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": call.model,
        "messages": [_message(message) for message in call.messages],
        "max_tokens": call.max_output,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": call.temperature,
        "top_p": call.top_p,
        "seed": call.seed,
        "stop": list(call.stop) or None,
        "response_format": _format(call.response_format),
        "logprobs": call.logprobs or None,
    }
    if call.tools:
        body["tools"] = [_tool(tool) for tool in call.tools]
        body["tool_choice"] = _choice(call.tool_choice)
    return {name: value for name, value in body.items() if value is not None}


def _message(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.media:
        text = [{"type": "text", "text": message.text}] if message.text else []
        body["content"] = [*map(_image, message.media), *text]
    if message.tool_calls:
        body["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    if message.role == "tool":
        body["tool_call_id"] = message.tool_call_id or ""
    return body


def _image(image: Media) -> dict[str, Any]:
    url = f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _tool_call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters or {"type": "object"}}
    return {"type": "function", "function": function}


def _choice(choice: str) -> str | dict[str, Any]:
    if choice in ("auto", "none", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


def _format(form: ResponseFormat) -> dict[str, Any] | None:
    if form.kind == "schema" and form.schema:
        return {"type": "json_schema", "json_schema": {"name": form.name, "schema": form.schema, "strict": True}}
    return None if form.kind == "text" else {"type": "json_object"}
