"""Gemini's events as bytes: a server-sent stream, one JSON array, or one response folded out of all."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from backends.rehearsal.gemini_answers import Event


def one_event(event: Event) -> bytes:
    """A server-sent event."""
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


async def sse(events: AsyncGenerator[Event]) -> AsyncGenerator[bytes]:
    """One frame for each event."""
    async with aclosing(events):
        async for event in events:
            yield one_event(event)


async def array(events: AsyncGenerator[Event]) -> AsyncGenerator[bytes]:
    """Without alt=sse the stream is one JSON array."""
    opening = b"["
    async with aclosing(events):
        async for event in events:
            yield opening + msgspec.json.encode(event)
            opening = b",\r\n"
    yield b"]"


async def whole(events: AsyncGenerator[Event]) -> AsyncGenerator[bytes]:
    """The stream's events folded into the one response of generateContent."""
    parts: list[dict[str, Any]] = []
    last: Event = {}
    async with aclosing(events):
        async for last in events:
            for candidate in last.get("candidates", ()):
                parts += candidate.get("content", {}).get("parts", ())
    if last.get("candidates"):
        texts = [part for part in parts if "text" in part and "thought" not in part]
        others = [part for part in parts if part not in texts]
        joined = [{**texts[-1], "text": "".join(part["text"] for part in texts)}] if texts else []
        content: dict[str, Any] = {"role": "model"} | ({"parts": others + joined} if parts else {})
        last = last | {"candidates": [last["candidates"][0] | {"content": content}]}
    yield msgspec.json.encode(last)
