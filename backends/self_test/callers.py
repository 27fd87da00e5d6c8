"""Callers over HTTP, and what each of them heard."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import aiohttp
import msgspec

from backends.self_test.stand import Stand

End = Literal["answered", "failed", "refused", "left", "gone", "unclear"]
TIMEOUT_S = 60.0


class Posted(NamedTuple):
    """A request as it goes over HTTP. Its caller `leaves` after the first bytes; a `sensitive` one has a secret."""

    number: int
    body: dict[str, Any]
    headers: dict[str, str]
    leaves: bool = False
    sensitive: bool = False


class Heard(NamedTuple):
    """How one request ended for its caller.

    "answered" has the dialect's end; "failed" an error event in a stream; "refused" an error status; "left" is a caller
    who went away; "gone" a connection that broke. "unclear" ended in good order with neither an end nor an error, or
    with both, which must not be. `id` is the core's, "" where it named none; `at` is time.monotonic() at the beginning.
    """

    number: int
    end: End
    status: int
    id: str
    at: float
    seconds: float
    kind: str = ""


async def ask(session: aiohttp.ClientSession, url: str, plan: Posted) -> Heard:
    began = time.monotonic()

    def heard(end: End, status: int = 0, id: str = "", kind: str = "") -> Heard:
        return Heard(plan.number, end, status, id, began, time.monotonic() - began, kind)

    try:
        async with session.post(f"{url}/v1/chat/completions", json=plan.body, headers=plan.headers) as answer:
            id = answer.headers.get("X-Claw-Request-Id", "")
            if plan.leaves:
                await answer.content.readany()
                answer.close()
                return heard("left", answer.status, id)
            text = await answer.read()
    except (aiohttp.ClientError, ConnectionError, TimeoutError):
        return heard("gone")
    if answer.status != 200:
        return heard("refused", answer.status, id, _kind(text))
    if not plan.body["stream"]:
        return heard("answered" if b'"choices"' in text else "unclear", 200, id)
    failed = any(line.startswith(b'data: {"error"') for line in text.splitlines())
    ended = text.rstrip().endswith(b"data: [DONE]")
    return heard("unclear" if failed == ended else "failed" if failed else "answered", 200, id)


def _kind(text: bytes) -> str:
    """The code of an error body."""
    try:
        return str(msgspec.json.decode(text)["error"]["code"])
    except (msgspec.MsgspecError, LookupError, TypeError):
        return "no error body"


async def ask_all(stand: Stand, plans: Iterator[Posted], *, parallel: int, tell: Callable[[Heard], None]) -> None:
    """`parallel` callers, each one request after the other; they wait while no core is up."""
    timeout = aiohttp.ClientTimeout(TIMEOUT_S)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:

        async def caller() -> None:
            for plan in plans:
                await stand.up.wait()
                tell(await ask(session, stand.url, plan))

        async with asyncio.TaskGroup() as group:
            for _ in range(parallel):
                group.create_task(caller())
