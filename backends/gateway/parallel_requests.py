"""Several answers to one request: as many calls at once, told apart by their place."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from msgspec.structs import replace

from backends.core.api import Core
from backends.errors import ClawError
from backends.identity import new_id
from backends.types import Chunk, Done, Request, Routed

BROKEN_OFF = "the core's answer broke off: send this again"
AHEAD = 16  # chunks that all calls together may be ahead of a slow reader

ChunkQueue = asyncio.Queue[tuple[int, Chunk | BaseException]]


def one_request_per_choice(request: Request, count: int) -> list[Request]:
    """One request for each answer. Several have an id each, and neither the cache nor a shared call may give two of
    them the same answer; a seed is counted on, because it would make them equal too.
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


async def ask_all(
    core: Core, requests: Sequence[Request], *, routed: Callable[[], None]
) -> AsyncGenerator[tuple[int, Chunk]]:
    """Yield every call's chunks with its place, as they come; `routed` is called at each one's first.

    Raises what the first call to fail raised, and ends the others; closing it ends them all.
    """
    if len(requests) == 1:
        async with aclosing(core.ask(requests[0])) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, Routed):
                    routed()
                yield 0, chunk
        return
    queue: ChunkQueue = asyncio.Queue(AHEAD)
    tasks = [asyncio.create_task(_run(core, each, place, queue)) for place, each in enumerate(requests)]
    try:
        running = len(tasks)
        while running:
            place, received = await queue.get()
            if isinstance(received, BaseException):
                raise received
            if isinstance(received, Routed):
                routed()
            running -= isinstance(received, Done)
            yield place, received
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(core: Core, request: Request, place: int, queue: ChunkQueue) -> None:
    """Put one call's chunks into `queue`, and what it raised, which ends the whole request as it would have alone."""
    (error,) = await asyncio.gather(_put_chunks(core, request, place, queue), return_exceptions=True)
    if error is not None:
        await queue.put((place, error))


async def _put_chunks(core: Core, request: Request, place: int, queue: ChunkQueue) -> None:
    async with aclosing(core.ask(request)) as chunks:
        async for chunk in chunks:
            await queue.put((place, chunk))
            if isinstance(chunk, Done):
                return
    raise ClawError(BROKEN_OFF)


def _after(seed: int, place: int) -> int:
    """The next seeds, within the bounds of a request's."""
    return seed + place if seed <= 2**63 - 1 - place else seed - place
