"""The body of `/v1/chat/completions`.

Source: https://platform.openai.com/docs/api-reference/chat

`top_k` and `min_p` are not OpenAI's; vLLM, SGLang, LM Studio and llama-server take them under these names.
"""

import base64
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from backends.engines.base import Call
from backends.engines.endpoint import Endpoint
from backends.engines.prompt_parts import refuse_media, seed_of, turns
from backends.types import Media, Message, ResponseFormat, Tool, ToolCall

EFFORTS: dict[str, str] = {"minimal": "low", "xhigh": "high"}
"""The nearest effort that vLLM knows, where it does not know OpenAI's."""

RENAMED = {"max_tokens": "max_completion_tokens"}
"""Parameters that newer models take by another name only."""

LEAST_TOP_P = 1e-6
"""vLLM refuses 0, which OpenAI takes; both leave only the likeliest token."""


def completion_body(call: Call, endpoint: Endpoint) -> dict[str, Any]:
    """Raises EngineError "rejected" for a file that is not taken."""
    refuse_media(call, "openai", endpoint.label)
    body: dict[str, Any] = {
        "model": call.model,
        "messages": [_message(message) for message in _alternating(turns(call))],
        # a provider counts thinking as output
        "max_tokens": call.most_output if endpoint.billed else call.max_output,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": call.temperature,
        "top_p": None if call.top_p is None else max(call.top_p, LEAST_TOP_P),
        "top_k": call.top_k,
        "min_p": call.min_p,
        "frequency_penalty": call.frequency_penalty,
        "presence_penalty": call.presence_penalty,
        "logit_bias": dict(call.logit_bias) or None,
        "seed": seed_of(call),
        "stop": [word for word in call.stop if word] or None,
        "response_format": _format(call.response_format),
    } | (_provider_effort(call) if endpoint.billed else _server_effort(call))
    if call.tools:
        body["tools"] = [_tool(tool) for tool in call.tools]
        body["tool_choice"] = _choice(call.tool_choice)
        body["parallel_tool_calls"] = call.parallel_tool_calls
    elif call.logprobs:  # llama-server refuses them in a stream beside tools
        body["logprobs"] = True
    return {name: value for name, value in body.items() if value is not None}


def without_parameters(body: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """The body without parameters that the model does not take; a cap on the output is sent by its newer name."""
    kept = {name: value for name, value in body.items() if name not in names}
    return kept | {RENAMED[name]: body[name] for name in names if name in RENAMED and name in body}


def _provider_effort(call: Call) -> dict[str, Any]:
    return {"reasoning_effort": call.effort}


def _server_effort(call: Call) -> dict[str, Any]:
    return {
        "reasoning_effort": EFFORTS.get(call.effort, call.effort) if call.effort else None,
        # the templates of Qwen 3 and its relatives have this switch, and no effort
        "chat_template_kwargs": {"enable_thinking": False} if call.effort == "none" else None,
    }


def _alternating(messages: tuple[Message, ...]) -> Iterator[Message]:
    """The turns in the form that chat templates need: roles alternate, and instructions are never alone."""
    last: Message | None = None
    alone = all(message.role == "system" for message in messages)
    for turn in messages:
        if last is not None and turn.role == last.role != "tool":
            last = replace(
                last,
                text="\n\n".join(text for text in (last.text, turn.text) if text),
                media=(*last.media, *turn.media),
                tool_calls=(*last.tool_calls, *turn.tool_calls),
            )
            continue
        if last is not None:
            yield last
        last = turn
    if last is not None:
        yield replace(last, role="user") if alone else last


def _message(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.media:
        text = [{"type": "text", "text": message.text}] if message.text else []
        body["content"] = [*map(_image, message.media), *text]
    if message.tool_calls:
        body["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    if message.role == "tool":
        body["tool_call_id"] = message.tool_call_id or ""
        if message.name:
            body["name"] = message.name
    return body


def _image(image: Media) -> dict[str, Any]:
    url = f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _tool_call(call: ToolCall) -> dict[str, Any]:
    arguments = "{}" if call.arguments.strip() in ("", "null") else call.arguments
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters or {"type": "object"}}
    return {"type": "function", "function": function | ({} if tool.strict is None else {"strict": tool.strict})}


def _choice(choice: str) -> str | dict[str, Any]:
    if choice in ("auto", "none", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


def _format(form: ResponseFormat) -> dict[str, Any] | None:
    if form.kind == "schema" and form.schema:
        strict = True if form.strict is None else form.strict
        return {"type": "json_schema", "json_schema": {"name": form.name, "schema": form.schema, "strict": strict}}
    return None if form.kind == "text" else {"type": "json_object"}
