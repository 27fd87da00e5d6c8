"""Requests as an agent's tool loop makes them, of our own words."""

import json
from collections.abc import Sequence

from msgspec.structs import replace

from backends.envelope.reader import EnvelopeReader
from backends.identity import new_id
from backends.types import Message, Request, Tool, ToolCall

TOOLS = (Tool(name="exec", description="Run a command"), Tool(name="read", description="Read a file"))


def called(number: int, name: str, arguments: dict[str, object], result: str) -> tuple[Message, Message]:
    """One call of a tool, and its result."""
    call = ToolCall(id=f"call{number}", name=name, arguments=json.dumps(arguments))
    answer = Message(role="assistant", text="Let me see.", tool_calls=(call,))
    return answer, Message(role="tool", text=result, tool_call_id=call.id, name=name)


def commands(*lines: tuple[str, str]) -> tuple[Message, ...]:
    """Commands with their results, each a call of `exec`."""
    return tuple(
        message for at, (line, result) in enumerate(lines) for message in called(at, "exec", {"command": line}, result)
    )


def conversation(after: Sequence[Message] = (), *, ask: str = "Mend the build", agent: str = "coding") -> Request:
    """A request whose last ask is followed by `after`, its envelope read."""
    opening = (Message(role="system", text="You are a careful assistant."), Message(role="user", text=ask))
    request = Request(id=new_id(), agent=agent, messages=(*opening, *after), tools=TOOLS)
    return with_envelope(request)


def with_envelope(request: Request) -> Request:
    return replace(request, envelope=EnvelopeReader().read(request))
