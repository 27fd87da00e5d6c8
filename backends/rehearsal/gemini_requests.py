"""What a caller asked of the Gemini twin. Each field is read in camelCase and snake_case, as by Google's servers."""

import base64
import binascii
import re
from typing import Any

import msgspec
from msgspec import Struct

from backends.picture_size import picture_size
from backends.rehearsal.scripted_answers import RequestRejected, ScriptedRequest, ToolSpec, Turn

LEVELS = {"MINIMAL": 16, "LOW": 64, "MEDIUM": 256}
"""What a level lets the twin think, in tokens; above them it thinks as it likes."""

ROLES = {"user": "user", "model": "assistant", "function": "tool", "system": "system"}


class GeminiPrompt(Struct, frozen=True, kw_only=True):
    """`thinking_budget` None lets the model choose, 0 turns thinking off; a level stands for a budget. `system` is the
    instruction's text alone.
    """

    ask: ScriptedRequest
    system: str
    thinking_budget: int | None
    show_thoughts: bool
    cached_content: str | None


def read(table: Any, name: str, otherwise: Any = None) -> Any:
    """A field by its camelCase name, in either spelling."""
    if not isinstance(table, dict):
        return otherwise
    value = table.get(name)
    if value is None:
        value = table.get(re.sub(r"(?<=[a-z])([A-Z])", lambda found: "_" + found[1].lower(), name))
    return otherwise if value is None else value


def read_prompt(body: dict[str, Any], *, whole: bool = True) -> GeminiPrompt:
    """Raises RequestRejected where Gemini refuses. What is not the `whole` prompt may have no contents."""
    contents = read(body, "contents", None if whole else [])
    if not isinstance(contents, list) or (whole and not contents):
        raise RequestRejected("* GenerateContentRequest.contents: contents is not specified\n")
    system = _turn(read(body, "systemInstruction"), "system")
    config = read(body, "generationConfig", {})
    calling = read(read(body, "toolConfig"), "functionCallingConfig")
    mode = str(read(calling, "mode", "AUTO")).upper()
    thinking = read(config, "thinkingConfig")
    budget = read(thinking, "thinkingBudget")
    if budget is None:
        budget = LEVELS.get(str(read(thinking, "thinkingLevel", "")).upper())
    cap = read(config, "maxOutputTokens")
    if cap is not None and (not isinstance(cap, int) or cap <= 0):
        raise RequestRejected(
            "* GenerateContentRequest.generation_config.max_output_tokens: max_output_tokens must be positive.\n"
        )
    turns = tuple(_turn(content, "user") for content in contents)
    return GeminiPrompt(
        ask=ScriptedRequest(
            turns=(system, *turns) if system.text else turns,
            max_tokens=cap,
            stop=tuple(read(config, "stopSequences", ())),
            schema=_schema(config),
            tools=() if mode == "NONE" else _tools(body, read(calling, "allowedFunctionNames", ())),
            must_call=mode == "ANY",
        ),
        system=system.text,
        thinking_budget=budget if isinstance(budget, int) and budget >= 0 else None,
        show_thoughts=bool(read(thinking, "includeThoughts", False)),
        cached_content=read(body, "cachedContent"),
    )


def _turn(content: Any, role: str) -> Turn:
    if isinstance(content, str):
        return Turn(role, content)
    parts = read(content, "parts", ())
    parts = parts if isinstance(parts, list) else [parts]
    role = ROLES.get(str(read(content, "role", role)), role)
    texts: list[str] = []
    tiles = 0
    for part in parts:
        if isinstance(text := read(part, "text"), str):
            texts.append(text)
        elif file := read(part, "inlineData") or read(part, "fileData"):
            tiles += _tiles(file)
        elif answer := read(part, "functionResponse"):
            role = "tool"
            texts.append(msgspec.json.encode(read(answer, "response")).decode())
        elif called := read(part, "functionCall"):
            texts.append(msgspec.json.encode(called).decode())
    return Turn(role, "\n".join(texts), tiles)


def _tiles(file: Any) -> int:
    """Tiles of 768 × 768 pixels, one for what is small or no picture."""
    try:
        size = picture_size(base64.b64decode(str(read(file, "data")).replace("-", "+").replace("_", "/")))
    except binascii.Error:
        size = None
    if size is None or max(size) <= 384:
        return 1
    return -(-size[0] // 768) * -(-size[1] // 768)


def _tools(body: dict[str, Any], allowed: Any) -> tuple[ToolSpec, ...]:
    tools = read(body, "tools", ())
    declared = [item for tool in tools for item in read(tool, "functionDeclarations", ())]
    return tuple(
        ToolSpec(
            str(read(item, "name", "")),
            str(read(item, "description", "")),
            read(item, "parametersJsonSchema") or read(item, "parameters") or {},
        )
        for item in declared
        if not allowed or read(item, "name") in allowed
    )


def _schema(config: Any) -> dict[str, Any] | None:
    if read(config, "responseMimeType") != "application/json":
        return None
    schema = read(config, "responseJsonSchema") or read(config, "responseSchema") or {}
    return schema if isinstance(schema, dict) else {}
