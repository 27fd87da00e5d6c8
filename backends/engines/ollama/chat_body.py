"""A call in Ollama's words: the body of `/api/chat`. Source: https://docs.ollama.com/api/chat"""

import base64
from typing import Any

from backends.engines.base import Call
from backends.engines.ollama.tool_schemas import answer_format, tools
from backends.engines.prompt_parts import arguments_of, refuse_media, seed_of, turns
from backends.keep_alive import keep_alive
from backends.settings.engines import OllamaSettings
from backends.types import Message, ToolCall

LEVELS = ("gpt-oss",)
"""Marks in the names of models that think at a level."""

THINKS = (*LEVELS, "qwen3", "deepseek-r1", "deepseek-v3.1", "magistral", "cogito")
"""Marks in the names of models that think; Ollama answers 400 where another model is asked to."""

NEVER_THINKS = ("coder", "instruct")
"""Marks of their kin that do not."""


def chat_body(call: Call, settings: OllamaSettings, context: int) -> dict[str, Any]:
    """`context` is the window in tokens. Raises EngineError "rejected" for a file that Ollama does not take."""
    refuse_media(call, "ollama", "Ollama")
    body: dict[str, Any] = {
        "model": call.model,
        "messages": _messages(turns(call)),
        "stream": True,
        "truncate": False,  # an answer to half the prompt is none; older servers cut it all the same
        "options": _options(call, context),
        "keep_alive": keep_alive(settings.keep_alive),
        "tools": tools(call) or None,
        "format": answer_format(call),
        "think": _think(call),
        "logprobs": call.logprobs or None,
    }
    return {name: value for name, value in body.items() if value is not None}


def ignored(call: Call) -> tuple[str, ...]:
    """Settings that Ollama has no word for, by OpenAI's names."""
    found = []
    if call.logit_bias:
        found.append("logit_bias")
    if call.effort not in (None, "none") and _think(call) is None:
        found.append("reasoning_effort")
    if any(tool.strict for tool in call.tools):
        found.append("tools.strict")
    return tuple(found)


def _options(call: Call, context: int) -> dict[str, Any]:
    options: dict[str, Any] = {
        "num_ctx": context,
        "num_predict": call.max_output,
        "temperature": call.temperature,
        "top_p": call.top_p,
        "top_k": call.top_k,
        "min_p": call.min_p,
        "frequency_penalty": call.frequency_penalty,
        "presence_penalty": call.presence_penalty,
        "seed": seed_of(call),
        "stop": [word for word in call.stop if word] or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _think(call: Call) -> bool | str | None:
    """How hard the model should think; None where the caller does not say, or the model is not known to think."""
    name = call.model.lower()
    thinks = any(mark in name for mark in THINKS) and not any(mark in name for mark in NEVER_THINKS)
    if call.effort is None or not thinks:
        return None
    if any(mark in name for mark in LEVELS):  # it cannot be stopped from thinking
        return {"none": "low", "minimal": "low", "xhigh": "high"}.get(call.effort, call.effort)
    return call.effort != "none"


def _messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    names: dict[str, str] = {}
    bodies = []
    for message in messages:
        names |= {call.id: call.name for call in message.tool_calls}
        bodies.append(_message(message, names))
    return bodies


def _message(message: Message, tool_names: dict[str, str]) -> dict[str, Any]:
    """Since 0.12.10 Ollama has ids for calls; older ones pass over them."""
    body: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.media:
        body["images"] = [base64.b64encode(image.data).decode() for image in message.media]
    if message.tool_calls:
        body["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    if message.role == "tool":
        if name := message.name or tool_names.get(message.tool_call_id or ""):
            body["tool_name"] = name
        if message.tool_call_id:
            body["tool_call_id"] = message.tool_call_id
    return body


def _tool_call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "function": {"name": call.name, "arguments": arguments_of(call)}}
