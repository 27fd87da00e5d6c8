"""Where in a request a finding stands, in words for a person who knows the agent: "memory file", "result of exec"."""

from typing import NamedTuple

from backends.privacy.part_reader import Found
from backends.privacy.request_parts import RequestPart
from backends.text.plain_name import plain_name
from backends.types import Request, SpanKind

STANDING: dict[SpanKind, str] = {
    "system": "system prompt",
    "memory": "memory file",
    "environment": "environment block",
    "harness": "harness block",
    "reminder": "reminder",
    "timestamp": "timestamp",
    "runtime": "runtime line",
}
"""Kinds of spans that an agent's program sends on every turn."""

OUTSIDE_MESSAGES = {"tool": "tool", "schema": "answer's schema", "stop": "stop words"}

A_TOOL = "a tool"


class PartPlace(NamedTuple):
    """`key` tells it from the other parts of its agent, and stays the same from turn to turn. `standing`: its agent
    sends it on every turn, whatever was said.
    """

    key: str
    label: str
    standing: bool


def place_of(request: Request, part: RequestPart, found: Found) -> PartPlace:
    """Where `found` stands."""
    if part.kind in OUTSIDE_MESSAGES:
        field = f" {_field(request, part.name, found.start)}" if part.kind == "tool" else ""
        label = f"{OUTSIDE_MESSAGES[part.kind]}{field} {plain_name(part.name, '')}".strip()
        return PartPlace(f"{part.kind}:{part.name}", label, standing=True)
    kind, count = _span(request, part, found)
    if part.kind == "text" and kind in STANDING:
        return PartPlace(f"{kind}:{count}", STANDING[kind], standing=True)
    label = f"{_what(request, part, kind)} {_ago(request, part.message)}"
    return PartPlace(part.key.hex()[-16:], label, standing=False)


def _field(request: Request, name: str, start: int) -> str:
    """What of a tool a place in its text is: that is its name, its description and its schema."""
    described = max((len(tool.description) for tool in request.tools if tool.name == name), default=0)
    if start < len(name):
        return "name"
    return "description" if start <= len(name) + described else "schema"


def _span(request: Request, part: RequestPart, found: Found) -> tuple[SpanKind, int]:
    """The kind of the span that `found` lies in, and how many of this kind stand before it."""
    spans = () if request.envelope is None else request.envelope.spans
    for span in spans:
        if span.message == part.message and span.start <= found.start < span.end:
            earlier = sum(each.kind == span.kind for each in spans[: spans.index(span)])
            return span.kind, earlier
    return ("system" if request.messages[part.message].role == "system" else "history"), 0


def _what(request: Request, part: RequestPart, kind: SpanKind) -> str:
    message = request.messages[part.message]
    if part.kind == "joint":
        return f"place where two {'calls' if part.name else 'messages'} meet"
    if part.kind == "call":
        return f"arguments of {plain_name(part.name, A_TOOL)}"
    if message.role == "tool":
        return f"result of {_called(request, part.message)}"
    if part.kind == "name":
        return "file name"
    return "prompt" if kind == "ask" else "answer" if message.role == "assistant" else "message"


def _called(request: Request, result: int) -> str:
    """The tool whose result a message is."""
    wanted = request.messages[result].tool_call_id
    for message in reversed(request.messages[:result]):
        for call in message.tool_calls:
            if call.id == wanted:
                return plain_name(call.name, A_TOOL)
    return plain_name(request.messages[result].name or "", A_TOOL)


def _ago(request: Request, index: int) -> str:
    """How many answers of the model stand behind a message."""
    turns = sum(message.role == "assistant" for message in request.messages[index + 1 :])
    return f"{turns} turn{'s' if turns > 1 else ''} ago" if turns else "of this turn"
