"""A call's body as JSON, made where it cannot hold up the loop."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from backends.engines.base import Call
from backends.engines.prompt_parts import mended

LARGE_B = 65_536


async def encoded(call: Call, build: Callable[[], dict[str, Any]]) -> tuple[bytes, tuple[str, ...]]:
    """The body that `build` makes, as JSON, and what was mended in the prompt; made in a thread for a large call."""

    def made() -> tuple[bytes, tuple[str, ...]]:
        return msgspec.json.encode(build()), mended(call)

    return await asyncio.to_thread(made) if _large(call) else made()


def _large(call: Call) -> bool:
    """By bytes that are known without a look at all of them; tools have at most a few for each token of the prompt."""
    size = 8 * call.input_tokens if call.tools else 0
    for message in call.messages:
        size += 64 + len(message.text) + sum(len(media.data) for media in message.media)
        size += sum(len(each.arguments) for each in message.tool_calls)
        if size > LARGE_B:
            return True
    return size > LARGE_B
