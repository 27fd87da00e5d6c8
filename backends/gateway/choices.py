"""Several answers to one request: as many calls at once, told apart by their place."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from msgspec.structs import replace

from backends.core.api import Core
from backends.errors import ClawError
from backends.identity import new_id
from backends.types import Chunk, Done, Request

AHEAD = 16  # chunks that all calls together may be ahead of a slow reader


def each_its_own(request: Request, count: int) -> list[Request]:
    """One request for each answer wanted. Of several each has an id, and neither the cache nor a call in flight gives
    two of them the same; a seed is counted on, for it would make them equal too.
    """
    if count == 1:
        return [request]
    seed = request.sampling.seed
    return [
        replace(
            request,
            id=request.id if place == 0 else new_id(),
            cache=False,
            sampling=request.sampling if seed is None else replace(request.sampling, seed=_after(seed, place)),
        )
        for place in range(count)
    ]


async def side_by_side(core: Core, requests: Sequence[Request]) -> AsyncGenerator[tuple[int, Chunk]]:
    """Yield every call's chunks with its place, as they come.

    Raises what the first to fail raises, and ends the others; closing it ends them all.
    """
    if len(requests) == 1:
        async with aclosing(core.ask(requests[0])) as chunks:
            async for chunk in chunks:
                yield 0, chunk
        return
    heard: asyncio.Queue[tuple[int, Chunk | Exception | None]] = asyncio.Queue(AHEAD)
    tasks = [asyncio.create_task(_hear(core, each, place, heard)) for place, each in enumerate(requests)]
    try:
        running = len(tasks)
        while running:
            place, said = await heard.get()
            if isinstance(said, Exception):
                raise said
            if said is None:
                raise ClawError("the core ended without an end: send this again")
            running -= isinstance(said, Done)
            yield place, said
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _hear(
    core: Core, request: Request, place: int, heard: "asyncio.Queue[tuple[int, Chunk | Exception | None]]"
) -> None:
    try:
        async with aclosing(core.ask(request)) as chunks:
            async for chunk in chunks:
                await heard.put((place, chunk))
                if isinstance(chunk, Done):
                    return
        await heard.put((place, None))
    except Exception as error:
        # Whoever reads raises it: it ends the whole request, as it would have alone.
        await heard.put((place, error))
        raise


def _after(seed: int, place: int) -> int:
    """The next seeds, within what a request may have."""
    return seed + place if seed <= 2**63 - 1 - place else seed - place
