"""What eleven agents send, without end: rehearsal's prompts, in the envelopes that agents' programs put around them.

With a folder of recorded data the envelopes are recorded bodies and sessions; without it they are shapes of our own.
"""

from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

from msgspec.structs import replace

from backends.rehearsal.traffic import Planned as Unwrapped
from backends.rehearsal.traffic import planned, read_scenario
from backends.self_test.callers import Posted
from backends.settings.agents import AGENTS
from backends.types import Message, Request
from benchmarks.evaluation.agents.asks import Wrap, envelopes, shaped
from benchmarks.evaluation.agents.bodies import OTHERS, SHAPES
from benchmarks.evaluation.agents.session_material import labelled, recorded, turns

BARE, IN_SESSION, STREAMED, LEAVES, SENSITIVE = 0.4, 0.2, 0.5, 0.04, 0.06
CANARY = "quillhaven"
"""Stands in sensitive requests alone, in front of a number."""

MOST_TOKENS = 60


def agent_traffic(seed: int, data: Path | None = None) -> Iterator[Posted]:
    """The endless traffic of one seed; files are read before the first request."""
    wraps = [wrap for _, wrap in envelopes(data)] if data else [shaped(name, "first") for name in {**SHAPES, **OTHERS}]
    sessions = cycle([*in_sessions(data, seed)]) if data else None
    return _written(Random(seed), planned(seed, read_scenario()), wraps, sessions)


def _written(
    dice: Random, plans: Iterator[Unwrapped], wraps: Sequence[Wrap], sessions: Iterator[Request] | None
) -> Iterator[Posted]:
    for number, plan in enumerate(plans):
        request, kind = plan.request, dice.random()
        if sessions is not None and kind < IN_SESSION:
            request = replace(next(sessions), agent=dice.choice(AGENTS))
        elif kind > BARE:
            request = replace(dice.choice(wraps)(request.messages[-1].text), agent=request.agent)
        headers = {"X-Claw-Agent": request.agent, "X-Claw-Run": f"n{number}", "X-Claw-Deadline-S": "15"}
        if dice.random() < SENSITIVE:
            request, more = with_secret(request, f"{CANARY}{number}", dice)
            headers |= more
        yield Posted(number, chat_body(request, stream=dice.random() < STREAMED), headers, dice.random() < LEAVES)


def in_sessions(data: Path, seed: int) -> Iterator[Request]:
    """Turns of recorded sessions, each session from its beginning."""
    asks = labelled(data, seed)
    for session in recorded(data)[::4]:
        for turn in turns(session, asks, agent="coding"):
            yield turn.request


def with_secret(request: Request, canary: str, dice: Random) -> tuple[Request, dict[str, str]]:
    """The request with a secret that only a header tells of, or one that the privacy gate must find."""
    told = dice.random() < 0.5
    secret = f"The project is called {canary}." if told else f"The database password is {canary}-Tz9 and stays so."
    *before, last = request.messages
    last = Message(role="user", text=f"{last.text}\n{secret}") if last.role == "user" else last
    messages = (*before, last) if last.role == "user" else (*before, last, Message(role="user", text=secret))
    return replace(request, messages=messages), {"X-Claw-Sensitive": "true"} if told else {}


def chat_body(request: Request, *, stream: bool) -> dict[str, Any]:
    """The request in OpenAI's chat completions, with a cap that keeps answers short."""
    body: dict[str, Any] = {
        "model": "auto",
        "messages": [_message(message) for message in request.messages],
        "max_tokens": min(request.sampling.max_tokens or MOST_TOKENS, MOST_TOKENS),
        "stream": stream,
    }
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in request.tools
        ]
    if request.response_format.kind == "json":
        body["response_format"] = {"type": "json_object"}
    return body


def _message(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        made["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        made["tool_call_id"] = message.tool_call_id
    return made
