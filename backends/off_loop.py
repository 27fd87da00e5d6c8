"""Work that grows with a request runs in a thread once the request is large in total.

A thread shares Python's lock with the loop, so what runs in one is cut into calls of some 30 ms at the most, and no
more than three heavy ones run at once, of which one on more than a megabyte: a large request waits for another large
one, a small one for none. Costs a tenth of a millisecond a hop, and no memory while nothing runs.
"""

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from backends.tool_memory import by_tool
from backends.types import Message, ResponseFormat, Tool

LARGE = 65_536
"""Bytes in total from which a thread costs less than the work itself."""

HUGE = 1 << 20
"""Bytes from which the analysis takes seconds."""

AT_ONCE, HUGE_AT_ONCE = 2, 1

EACH = 64
"""Bytes that a value counts where a request has little text: twenty thousand empty messages are no small request."""

SWITCH_S = 0.001
"""How long a thread keeps Python's lock while the loop waits for it; Python's own 5 ms add up over many steps."""

_serves = False

T = TypeVar("T")


class Prompt(Protocol):
    """What a Request and an engine's Call have in common."""

    @property
    def messages(self) -> tuple[Message, ...]: ...
    @property
    def tools(self) -> tuple[Tool, ...]: ...
    @property
    def response_format(self) -> ResponseFormat: ...


class Abandoned(Exception):
    """Nobody waits for this work any more. Raised by `check_wanted` in its thread."""


_left: ContextVar[threading.Event | None] = ContextVar("_left", default=None)
_lanes: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, asyncio.Semaphore]]" = WeakKeyDictionary()


async def off_loop(size: int, work: Callable[[], T], *, heavy: bool = False) -> T:
    """What `work` returns or raises: called here for less than LARGE bytes, else in a thread.

    `heavy` work (patterns over all of a text) waits for a place. A cancelled caller returns at once; the thread ends
    at its next `check_wanted`.
    """
    if size < LARGE:
        return work()
    if not heavy:
        return await _in_thread(work, None)
    lane = _lane(size >= HUGE)
    await lane.acquire()
    return await _in_thread(work, lane.release)


def check_wanted() -> None:
    """Called regularly by long work. Raises Abandoned where its caller has left."""
    left = _left.get()
    if left is not None and left.is_set():
        raise Abandoned


def size_of(prompt: Prompt, enough: int = LARGE) -> int:
    """Bytes of all texts, as characters, and of images, or EACH for every value where that is more; counted up to
    `enough`: for LARGE in a thousand steps, besides those for a tool that was not seen before.

    Stop words are left out: the router's bounds keep them to some kilobytes.
    """
    size = values = 0
    for part in _texts(prompt):
        size += part
        values += EACH
        if size >= enough or values >= enough:
            return max(size, values)
    for tool in prompt.tools:
        characters, count = _of_tool(tool)
        size += characters
        values += EACH * count
        if size >= enough or values >= enough:
            return max(size, values)
    characters, count = _of_json(prompt.response_format.schema, enough)
    return max(size + characters, values + EACH * count)


@by_tool
def _of_tool(tool: Tool) -> tuple[int, int]:
    return _of_json(tool.parameters, HUGE)


def _of_json(value: Any, enough: int) -> tuple[int, int]:
    """Characters and values of what JSON can hold, counted up to `enough` bytes; without recursion, as a schema may be
    nested as deep as its parser allows.
    """
    characters = count = 0
    waiting = [value]
    while waiting and characters < enough and count * EACH < enough:
        count += 1
        item = waiting.pop()
        if isinstance(item, str):
            characters += len(item)
        elif isinstance(item, dict):
            characters += sum(map(len, item))
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return characters, count


def serve_many() -> None:
    """Set this process up for many callers: threads hand Python's lock over soon, and see `loaded`."""
    global _serves  # noqa: PLW0603 — as the interval, a property of the process
    _serves = True
    sys.setswitchinterval(SWITCH_S)


def loaded() -> None:
    """Called when something large has been imported, which stays: in a process that serves many, the search for
    garbage leaves it out from now on. It has half a million objects, and each search of all would take 100 ms.
    """
    if _serves:
        gc.freeze()


def _texts(prompt: Prompt) -> Iterator[int]:
    for message in prompt.messages:
        yield len(message.text)
        for media in message.media:
            yield len(media.data)
        for call in message.tool_calls:
            yield len(call.arguments)
    for tool in prompt.tools:
        yield len(tool.description)


async def _in_thread(work: Callable[[], T], done: Callable[[], None] | None) -> T:
    left = threading.Event()
    context = copy_context()
    context.run(_left.set, left)
    job = asyncio.get_running_loop().run_in_executor(None, context.run, _wanted, work)
    job.add_done_callback(lambda ended: _ended(ended, done))
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        left.set()
        raise


def _wanted(work: Callable[[], T]) -> T:
    check_wanted()
    return work()


def _ended(job: "asyncio.Future[Any]", done: Callable[[], None] | None) -> None:
    if done is not None:
        done()
    if not job.cancelled():
        job.exception()  # its caller has got it already; nobody waits for that of abandoned work


def _lane(huge: bool) -> asyncio.Semaphore:
    lanes = _lanes.setdefault(asyncio.get_running_loop(), {})
    if huge not in lanes:
        lanes[huge] = asyncio.Semaphore(HUGE_AT_ONCE if huge else AT_ONCE)
    return lanes[huge]
