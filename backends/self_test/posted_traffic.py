"""What the self-test's callers post: rehearsal's prompts as bodies of chat completions, some of them with a secret."""

from collections.abc import Iterator
from random import Random
from typing import Any

from msgspec.structs import replace

from backends.rehearsal.traffic import Planned, planned, read_scenario
from backends.self_test.callers import Posted
from backends.types import Message, Request

STREAMED, LEAVES, SENSITIVE = 0.5, 0.04, 0.08
CANARY = "quillhaven"
"""Stands in sensitive requests alone, in front of a number."""

MOST_TOKENS = 60


def posted_traffic(seed: int, *, deadline_s: float) -> Iterator[Posted]:
    """The endless traffic of one seed; the prompts' file is read before the first request."""
    return _written(Random(seed), planned(seed, read_scenario()), deadline_s)  # noqa: S311 — traffic, not secrets


def _written(dice: Random, plans: Iterator[Planned], deadline_s: float) -> Iterator[Posted]:
    for number, plan in enumerate(plans):
        request, sensitive = plan.request, dice.random() < SENSITIVE
        more: dict[str, str] = {}
        if sensitive:
            request, more = with_secret(request, f"{CANARY}{number}", dice)
        yield Posted(
            number,
            chat_body(request, stream=dice.random() < STREAMED),
            post_headers(number, request.agent, deadline_s) | more,
            leaves=dice.random() < LEAVES,
            sensitive=sensitive,
        )


def post_headers(number: int, agent: str, deadline_s: float) -> dict[str, str]:
    """The headers of request `number`; its row's run names it."""
    return {"X-Claw-Agent": agent, "X-Claw-Run": f"n{number}", "X-Claw-Deadline-S": f"{deadline_s:g}"}


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
