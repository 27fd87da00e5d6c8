"""What reached an engine, read as that engine's own server reads it: which result stands for which call."""

import json
from typing import Any

from backends.rehearsal.gemini_requests import read
from tests.clients.client_gateway import ClientGateway

Answered = tuple[str, str, str]
"""A call's tool and city, and the result that the engine takes for it."""


def bodies(at: ClientGateway, engine: str) -> list[dict[str, Any]]:
    """The requests for an answer that the engine saw, oldest first."""
    twin = at.stand.ollama if engine == "local" else at.stand.gemini
    kinds = ("/api/chat", ":generateContent", ":streamGenerateContent")
    found = [json.loads(seen.body) for seen in twin.seen if seen.path.partition("?")[0].endswith(kinds)]
    return [body for body in found if body.get("messages") or body.get("contents")]


def answered(at: ClientGateway, engine: str) -> list[Answered]:
    """Calls with their results, as the last request tells them."""
    body = bodies(at, engine)[-1]
    return _ollama(body) if engine == "local" else _gemini(body)


def images(at: ClientGateway) -> list[tuple[str, str]]:
    """Type and base64 of each image in the last request to Gemini."""
    parts = [part for content in bodies(at, "cloud")[-1]["contents"] for part in _parts(content, "inlineData")]
    return [(read(read(part, "inlineData"), "mimeType"), read(read(part, "inlineData"), "data")) for part in parts]


def signatures(at: ClientGateway) -> list[str | None]:
    """For each step of calls in the last request to Gemini, the signature on its first call."""
    steps = [_parts(content, "functionCall") for content in bodies(at, "cloud")[-1]["contents"]]
    return [read(step[0], "thoughtSignature") for step in steps if step]


def _gemini(body: dict[str, Any]) -> list[Answered]:
    """By id where both sides have one, else by the order within the turn."""
    found: list[Answered] = []
    waiting: list[dict[str, Any]] = []
    for content in body["contents"]:
        calls = [read(part, "functionCall") for part in _parts(content, "functionCall")]
        results = [read(part, "functionResponse") for part in _parts(content, "functionResponse")]
        for place, result in enumerate(results):
            by_id = [call for call in waiting if call.get("id") and call["id"] == result.get("id")]
            call = by_id[0] if by_id else waiting[place]
            assert call["name"] == result["name"]
            found.append((call["name"], str(call["args"].get("city")), json.dumps(result["response"])))
        waiting = calls or ([] if results else waiting)
    return found


def _parts(content: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [part for part in content.get("parts") or () if read(part, kind)]


def _ollama(body: dict[str, Any]) -> list[Answered]:
    """Ollama's templates know no ids: results stand for calls in the order in which they come."""
    found: list[Answered] = []
    waiting: list[dict[str, Any]] = []
    for message in body["messages"]:
        if message["role"] == "assistant" and message.get("tool_calls"):
            waiting = [call["function"] for call in message["tool_calls"]]
        elif message["role"] == "tool":
            call = waiting.pop(0)
            assert message.get("tool_name") in (None, call["name"])
            found.append((call["name"], str(call["arguments"].get("city")), str(message["content"])))
    return found
