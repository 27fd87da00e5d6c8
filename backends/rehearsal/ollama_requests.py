"""What a caller asked of the Ollama twin, read from /api/chat's or /api/generate's body."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from msgspec import Struct

from backends.rehearsal.ollama_checks import check_messages, check_options, check_tools
from backends.rehearsal.scripted_answers import RequestRejected, ScriptedRequest, ToolInvocation, ToolSpec, Turn, spoken

DEFAULT_WINDOW = 4_096
DEFAULT_KEEP_ALIVE_S = 300.0
UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


class OllamaPrompt(Struct, frozen=True, kw_only=True):
    """`empty` asks only to load or, with `keep_alive_s` 0, to unload. `num_ctx` is the window in tokens, `think` what
    was said of thinking. `truncate` False asks for an error where the prompt is longer than the window.
    """

    chat: bool
    model: str
    ask: ScriptedRequest
    stream: bool
    empty: bool
    num_ctx: int
    keep_alive_s: float
    truncate: bool = True
    think: Any = None

    def event(self, text: str, *, done: bool = False) -> dict[str, Any]:
        """One object of the stream."""
        said = {"message": {"role": "assistant", "content": text}} if self.chat else {"response": text}
        return {"model": self.model, "created_at": datetime.now(UTC).isoformat(), **said, "done": done}

    def tool_event(self, called: ToolInvocation) -> dict[str, Any]:
        event = self.event("")
        function = {"name": called.name, "arguments": called.arguments}
        event["message"]["tool_calls"] = [{"id": f"call_{uuid4().hex[:8]}", "function": function}]
        return event


def read_prompt(body: dict[str, Any], *, chat: bool) -> OllamaPrompt:
    """Raises RequestRejected where Ollama refuses."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise RequestRejected("model is required")
    options = body.get("options") or {}
    check_options(options)
    check_tools(body.get("tools"))
    window = int(options.get("num_ctx") or DEFAULT_WINDOW)
    turns = _chat_turns(body) if chat else _generate_turns(body)
    return OllamaPrompt(
        chat=chat,
        model=model,
        stream=body.get("stream") is not False,
        empty=not turns,
        num_ctx=window,
        keep_alive_s=keep_alive(body.get("keep_alive")),
        truncate=body.get("truncate") is not False,
        think=body.get("think"),
        ask=ScriptedRequest(
            turns=turns,
            max_tokens=_cap(options.get("num_predict")),
            stop=tuple(options.get("stop") or ()),
            schema=_schema(body.get("format")),
            tools=tuple(_tools(body)) if chat else (),
            temperature=options.get("temperature"),
            top_p=options.get("top_p"),
            seed=options.get("seed"),
        ),
    )


def keep_alive(value: Any) -> float:
    """Seconds, from a number or Go's duration text; negative is for good. Raises RequestRejected."""
    if value is None or value == "":
        return DEFAULT_KEEP_ALIVE_S
    if isinstance(value, int | float):
        return float(value)
    text = str(value)
    if text == "0":
        return 0.0
    if re.fullmatch(r"-?\d+", text):
        raise RequestRejected(f'time: missing unit in duration "{text}"')
    parts = DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.lstrip("-"):
        raise RequestRejected(f'time: invalid duration "{text}"')
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    return -seconds if text.startswith("-") else seconds


def _chat_turns(body: dict[str, Any]) -> tuple[Turn, ...]:
    messages = body.get("messages") or []
    check_messages(messages)
    return tuple(
        Turn(
            message["role"],
            spoken(str(message.get("content") or ""), message.get("tool_calls")),
            len(message.get("images") or ()),
        )
        for message in messages
    )


def _generate_turns(body: dict[str, Any]) -> tuple[Turn, ...]:
    if not body.get("prompt"):
        return ()
    system = (Turn("system", str(body["system"])),) if body.get("system") else ()
    return (*system, Turn("user", str(body["prompt"]), len(body.get("images") or ())))


def _tools(body: dict[str, Any]) -> list[ToolSpec]:
    functions = [tool.get("function") or {} for tool in body.get("tools") or () if isinstance(tool, dict)]
    return [
        ToolSpec(str(item.get("name", "")), str(item.get("description") or ""), item.get("parameters") or {})
        for item in functions
    ]


def _schema(given: Any) -> dict[str, Any] | None:
    if given in (None, ""):
        return None
    if given == "json":
        return {}
    if isinstance(given, dict):
        return given
    raise RequestRejected('invalid format: expected "json" or a JSON schema')


def _cap(given: Any) -> int | None:
    return int(given) if isinstance(given, int | float) and given >= 0 else None
