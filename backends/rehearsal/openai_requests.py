"""What a caller asked of the OpenAI-compatible twin, and what such a server refuses.

As strict as the strictest of vLLM, llama-server and the chat templates they run in each point: turns alternate, an
instruction comes first, every result has its call, arguments are the JSON text of an object.
"""

import base64
import binascii
import json
from typing import Any

from msgspec import Struct

from backends.rehearsal.scripted_answers import RequestRejected, ScriptedRequest, ToolSpec, Turn, spoken

IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")
NUMBERS = ("temperature", "top_p", "min_p", "frequency_penalty", "presence_penalty")
EFFORTS = ("none", "low", "medium", "high")


class OpenAIPrompt(Struct, frozen=True, kw_only=True):
    model: str
    ask: ScriptedRequest
    stream: bool
    usage: bool


def read_prompt(body: dict[str, Any], *, efforts: tuple[str, ...] = EFFORTS) -> OpenAIPrompt:
    """`efforts` are the words of `reasoning_effort` that it knows. Raises RequestRejected where the server refuses."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise RequestRejected("Field required: model")
    _check_settings(body, efforts)
    tools = _tools(body.get("tools") or [])
    choice = _choice(body.get("tool_choice", "auto"), tools)
    if body.get("logprobs") and tools and body.get("stream"):
        raise RequestRejected("logprobs is not supported with tools + stream")
    if choice not in ("auto", "none", "required"):
        tools = [tool for tool in tools if tool.name == choice]
    cap = body.get("max_tokens") or body.get("max_completion_tokens")
    return OpenAIPrompt(
        model=model,
        stream=body.get("stream") is True,
        usage=bool((body.get("stream_options") or {}).get("include_usage")),
        ask=ScriptedRequest(
            turns=_turns(body.get("messages")),
            max_tokens=int(cap) if isinstance(cap, int) else None,
            stop=tuple(body.get("stop") or ()),
            schema=_schema(body.get("response_format")),
            tools=() if choice == "none" else tuple(tools),
            must_call=choice not in ("auto", "none"),
            temperature=body.get("temperature"),
            top_p=body.get("top_p"),
            seed=body.get("seed"),
        ),
    )


def _check_settings(body: dict[str, Any], efforts: tuple[str, ...]) -> None:
    for name in NUMBERS:
        if isinstance(body.get(name), bool) or not isinstance(body.get(name), int | float | None):
            raise RequestRejected(f"Input should be a valid number: {name}")
    if not 0 < (1 if body.get("top_p") is None else body["top_p"]) <= 1:
        raise RequestRejected(f"top_p must be in (0, 1], got {body['top_p']}.")
    for name in ("top_k", "seed"):
        if isinstance(body.get(name), bool) or not isinstance(body.get(name), int | None):
            raise RequestRejected(f"Input should be a valid integer: {name}")
    if not 0 <= (body.get("seed") or 0) < 2**32:
        raise RequestRejected("seed must be an unsigned integer of 32 bits")
    if any(not isinstance(word, str) or not word for word in body.get("stop") or ()):
        raise RequestRejected("stop cannot contain an empty string")
    bias = body.get("logit_bias") or {}
    if not isinstance(bias, dict) or not all(name.isdigit() for name in bias):
        raise RequestRejected("logit_bias must map token ids to numbers")
    if body.get("reasoning_effort") not in (None, *efforts):
        raise RequestRejected(f"Input should be one of {', '.join(efforts)}: reasoning_effort")
    if not isinstance(body.get("parallel_tool_calls"), bool | None):
        raise RequestRejected("Input should be a valid boolean: parallel_tool_calls")


def _tools(given: Any) -> list[ToolSpec]:
    tools = []
    for tool in given:
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise RequestRejected("Field required: tools.function.name")
        tools.append(ToolSpec(function["name"], function.get("description") or "", function.get("parameters") or {}))
    return tools


def _choice(choice: Any, tools: list[ToolSpec]) -> str:
    if choice in ("auto", "none", "required"):
        if choice == "required" and not tools:
            raise RequestRejected("tool_choice is required, and there are no tools")
        return str(choice)
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if name not in [tool.name for tool in tools]:
        raise RequestRejected("The tool named by tool_choice is not among the tools")
    return str(name)


def _turns(messages: Any) -> tuple[Turn, ...]:
    if not isinstance(messages, list) or not messages:
        raise RequestRejected("Field required: messages")
    turns: list[Turn] = []
    open_calls: list[str] = []
    last = ""
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ("system", "user", "assistant", "tool"):
            raise RequestRejected(f"Unexpected message role: {role}")
        if role == "system" and turns:
            raise RequestRejected("System message must be at the beginning.")
        if role == last and role != "tool":
            raise RequestRejected("Conversation roles must alternate user/assistant/user/assistant/...")
        if role == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise RequestRejected("tool_call_id must name a call of the message before")
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            raise RequestRejected("every tool call must be followed by its result")
        open_calls = _called(message) if role == "assistant" else open_calls
        text, images = _content(message)
        turns.append(Turn(role, spoken(text, message.get("tool_calls")), images))
        last = role
    if all(turn.role == "system" for turn in turns):
        raise RequestRejected("No user query found in messages.")
    return tuple(turns)


def _called(message: dict[str, Any]) -> list[str]:
    ids = []
    for call in message.get("tool_calls") or ():
        try:
            arguments = json.loads(call["function"]["arguments"])
        except (ValueError, TypeError, KeyError):
            raise RequestRejected("Failed to parse tool call arguments as JSON") from None
        if not isinstance(arguments, dict):
            raise RequestRejected("Can only get item pairs from a mapping.")
        ids.append(str(call.get("id")))
    if len(set(ids)) != len(ids):
        raise RequestRejected("tool call ids must be unique")
    return ids


def _content(message: dict[str, Any]) -> tuple[str, int]:
    content = message.get("content")
    if content is None or isinstance(content, str):
        return content or "", 0
    if not isinstance(content, list) or message["role"] != "user":
        raise RequestRejected("Input should be a valid string: content")
    texts, images = [], 0
    for part in content:
        if part.get("type") == "text":
            texts.append(str(part.get("text")))
        elif part.get("type") == "image_url":
            _check_image(part)
            images += 1
        else:
            raise RequestRejected("unsupported content[].type")
    return "".join(texts), images


def _check_image(part: dict[str, Any]) -> None:
    url = (part.get("image_url") or {}).get("url") or ""
    try:
        data = base64.b64decode(url.partition(";base64,")[2], validate=True)
    except binascii.Error:
        raise RequestRejected("Failed to load image or audio file") from None
    if not data.startswith(IMAGES):
        raise RequestRejected("Failed to load image or audio file")


def _schema(form: Any) -> dict[str, Any] | None:
    kind = form.get("type") if isinstance(form, dict) else None
    if kind in (None, "text"):
        return None
    if kind == "json_object":
        return {}
    if kind == "json_schema" and isinstance((form.get("json_schema") or {}).get("schema"), dict):
        return dict(form["json_schema"]["schema"])
    raise RequestRejected("response_format type must be one of text, json_object, json_schema")
