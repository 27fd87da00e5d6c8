"""A call's body as JSON, made where it cannot hold up the loop."""

from collections.abc import Callable
from typing import Any

from backends.engines.base import Call
from backends.engines.plain_text import as_json
from backends.engines.prompt_parts import mended
from backends.off_loop import off_loop, size_of


async def encoded(call: Call, build: Callable[[], dict[str, Any]]) -> tuple[bytes, tuple[str, ...]]:
    """The body that `build` makes, as JSON, and what was mended in the prompt; made in a thread for a large call."""

    def made() -> tuple[bytes, tuple[str, ...]]:
        return as_json(build()), mended(call)

    return await off_loop(size_of(call), made)
