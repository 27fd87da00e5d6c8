"""A call in Gemini's words: contents and configuration. Source: https://ai.google.dev/api/generate-content"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from backends.engines.base import Call
from backends.engines.ollama_body import arguments_of
from backends.errors import EngineError
from backends.types import Message, Tool

if TYPE_CHECKING:
    from google.genai.types import Content, GenerateContentConfig


def contents(messages: tuple[Message, ...]) -> list[Content]:
    """The turns, without system messages; results of tools that were called together stand in one turn.

    Raises EngineError "rejected" for a message that Gemini's client does not take.
    """
    from google.genai.types import Content

    turns = _turns(messages) or [{"role": "user", "parts": [{"text": _system(messages)}]}]
    try:
        return [Content.model_validate(turn) for turn in turns]
    except ValueError:
        raise EngineError("Gemini's client takes a message for wrong: check its images", kind="rejected") from None


def configuration(call: Call) -> GenerateContentConfig:
    """Raises EngineError "rejected" for a tool or format that Gemini's client does not take."""
    from google.genai.types import GenerateContentConfig

    config: dict[str, Any] = {
        "system_instruction": _system(call.messages) or None,
        # Gemini counts thinking as output: without room of its own it would eat the answer's
        "max_output_tokens": call.max_output + (call.thinking_budget or 0),
        "temperature": call.temperature,
        "top_p": call.top_p,
        "seed": call.seed,
        "stop_sequences": list(call.stop) or None,
        "candidate_count": 1,
        # one request a call: neither the client's tool loop nor its resuming of long answers
        "automatic_function_calling": {"disable": True},
        "automatic_continuation": False,
    }
    if call.thinking_budget is not None:
        config["thinking_config"] = {"thinking_budget": call.thinking_budget}
    if call.tools:
        config["tools"] = [{"function_declarations": [_declaration(tool) for tool in call.tools]}]
        config["tool_config"] = {"function_calling_config": _choice(call.tool_choice)}
    if call.response_format.kind != "text":
        config["response_mime_type"] = "application/json"
    if call.response_format.kind == "schema":
        config["response_json_schema"] = call.response_format.schema
    try:
        return GenerateContentConfig(**config)
    except ValueError:
        raise EngineError(
            "Gemini's client takes the request's settings for wrong: check its tools", kind="rejected"
        ) from None


def _turns(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    turns: list[dict[str, Any]] = []
    after_tool = False
    for message in messages:
        if message.role == "system":
            continue
        parts = _parts(message, names)
        if after_tool and message.role == "tool":
            turns[-1]["parts"] += parts
        else:
            turns.append({"role": "model" if message.role == "assistant" else "user", "parts": parts})
        after_tool = message.role == "tool"
    return turns


def _system(messages: tuple[Message, ...]) -> str:
    return "\n\n".join(message.text for message in messages if message.role == "system")


def _parts(message: Message, tool_names: dict[str, str]) -> list[dict[str, Any]]:
    if message.role == "tool":
        name = message.name or tool_names.get(message.tool_call_id or "") or "tool"
        return [{"function_response": {"name": name, "response": _result(message.text)}}]
    parts: list[dict[str, Any]] = [
        {"inline_data": {"mime_type": image.media_type, "data": image.data}} for image in message.media
    ]
    if message.text or not (parts or message.tool_calls):
        parts.append({"text": message.text})
    parts += [{"function_call": {"name": call.name, "args": arguments_of(call)}} for call in message.tool_calls]
    return parts


def _result(text: str) -> dict[str, Any]:
    """Gemini takes a tool's result as an object only."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return {"result": text}


def _declaration(tool: Tool) -> dict[str, Any]:
    declaration = {"name": tool.name, "description": tool.description}
    return declaration | ({"parameters_json_schema": tool.parameters} if tool.parameters else {})


def _choice(choice: str) -> dict[str, Any]:
    if choice in ("auto", "none"):
        return {"mode": choice.upper()}
    return {"mode": "ANY"} if choice == "required" else {"mode": "ANY", "allowed_function_names": [choice]}
