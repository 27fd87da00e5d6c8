"""Waiting for a condition, where no event can be waited on."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Give the loop turns until `condition` holds. Raises TimeoutError where it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 — the condition belongs to nobody who could set an event
            await asyncio.sleep(0.001)
