"""Waiting for a condition, where no event can be waited on."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Give the loop turns until `condition`, which may be a coroutine function, holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await _value(condition()):  # noqa: ASYNC110 — the condition belongs to nobody who could set an event
            await asyncio.sleep(0.001)


async def _value(found: object) -> object:
    return await found if isinstance(found, Awaitable) else found
