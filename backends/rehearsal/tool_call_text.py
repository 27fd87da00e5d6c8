"""The tool calls of a local model, as its server parses them or as text."""

from collections.abc import AsyncGenerator, Iterator
from typing import Any

import msgspec

from backends.rehearsal.behaviour import Calling
from backends.rehearsal.canned_text import canned_text
from backends.rehearsal.schema_sample import sample
from backends.rehearsal.scripted_answers import (
    AnswerEnd,
    ScriptedRequest,
    ToolInvocation,
    count,
    count_prompt,
    cut,
    dice,
    tool_to_call,
    written,
)


async def local_answer(ask: ScriptedRequest, calling: Calling) -> AsyncGenerator[str | ToolInvocation | AnswerEnd]:
    """The scripted answer of a local model. One that is held to a format writes only that, its calls included."""
    spent = count_prompt(ask)
    call = tool_to_call(ask) if calling != "never" else None
    if call is not None and ask.schema is None and calling == "calls":
        yield call
        yield AnswerEnd(input=spent, output=count(msgspec.json.encode(call.arguments).decode()) + 8, finish="stop")
        return
    tokens = cut(_text(ask, call, calling))
    for token in tokens[: ask.max_tokens]:
        yield token
    full = ask.max_tokens is None or len(tokens) <= ask.max_tokens
    yield AnswerEnd(input=spent, output=len(tokens[: ask.max_tokens]), finish="stop" if full else "length")


def _text(ask: ScriptedRequest, call: ToolInvocation | None, calling: Calling) -> str:
    if calling == "never":
        return canned_text(ask.prompt, dice(ask.prompt))
    if ask.schema is not None:
        return _in_form(ask, call)
    return written(ask) if call is None else as_text(call, calling)


def as_text(call: ToolInvocation, calling: Calling) -> str:
    text = msgspec.json.encode({"name": call.name, "arguments": call.arguments}).decode()
    match calling:
        case "bare":
            return text
        case "fence":
            return f"```json\n{text}\n```"
        case "broken":
            return f"<tool_call>\n{text[:-2]}\n</tool_call>"
        case "xml":
            lines = (f"<parameter={key}>\n{_plain(value)}\n</parameter>\n" for key, value in call.arguments.items())
            return f"<tool_call>\n<function={call.name}>\n{''.join(lines)}</function>\n</tool_call>"
    return f"<tool_call>\n{text}\n</tool_call>"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _in_form(ask: ScriptedRequest, call: ToolInvocation | None) -> str:
    """JSON by the schema; the call, where one of its forms is that call's, else the first form."""
    forms = list(_forms(ask.schema or {}))
    named = [_constant(form) for form in forms]
    if call is not None and call.name in named:
        return msgspec.json.encode({"name": call.name, "arguments": call.arguments}).decode()
    if not ask.schema:
        return written(ask)
    shared = {key: value for key, value in ask.schema.items() if key != "anyOf"}
    return msgspec.json.encode(sample({**shared, **forms[0]}, dice(ask.prompt))).decode()


def _forms(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    forms = schema.get("anyOf")
    yield from forms if isinstance(forms, list) and forms else [schema]


def _constant(form: dict[str, Any]) -> Any:
    properties = form.get("properties")
    name = properties.get("name") if isinstance(properties, dict) else None
    return name.get("const") if isinstance(name, dict) else None
