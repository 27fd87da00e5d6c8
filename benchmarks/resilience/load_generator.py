"""Callers in a process of their own: so many requests a second, whatever becomes of them, or so many at a time.

Each asks for a whole answer over a kept connection. The reader knows just enough of HTTP for that, since every
microsecond here is one that the core does not have on a small machine.
"""

import asyncio
import multiprocessing
import multiprocessing.connection
import time
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple, cast

import msgspec

from backends.commands.serve import raise_descriptors

TICK_S = 0.005
MOST_CONNECTIONS = 3_000
ANSWER_S = 30.0
AGENTS = ("ada", "writer", "scout", "coding", "script")


class Load(NamedTuple):
    """`rate` requests a second for `seconds`, or where it is 0 `at_once` callers, one request after the other."""

    url: str
    seconds: float
    rate: float = 0.0
    at_once: int = 0


class Told(NamedTuple):
    """One request's end: `at` and `seconds` in seconds of time.monotonic(), `status` 0 where the connection broke."""

    at: float
    seconds: float
    status: int
    why: str = ""


async def generate(load: Load) -> list[Told]:
    """Run `load` in a new process; returns what became of each request, and a 0 for each that found no connection."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(load, there), daemon=True)
    process.start()
    try:
        told: list[Told] = await asyncio.to_thread(here.recv)
    finally:
        process.join()
    return told


def _run(load: Load, pipe: multiprocessing.connection.Connection) -> None:
    raise_descriptors()
    pipe.send(asyncio.run(_Callers(load).run()))


class _Callers:
    def __init__(self, load: Load) -> None:
        self._load = load
        host, _, port = load.url.removeprefix("http://").partition(":")
        self._address = host, int(port)
        self._idle: list[_Connection] = []
        self._open = 0
        self._told: list[Told] = []
        self._bodies = _requests(load.url)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> list[Told]:
        until = time.monotonic() + self._load.seconds
        if self._load.at_once:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._load.at_once):
                    group.create_task(self._one_by_one(until))
        else:
            await self._steadily(until)
        return self._told

    async def _one_by_one(self, until: float) -> None:
        while time.monotonic() < until:
            await self._send()

    async def _steadily(self, until: float) -> None:
        began, sent = time.monotonic(), 0
        while (now := time.monotonic()) < until:
            for _ in range(int((now - began) * self._load.rate) - sent):
                sent += 1
                task = asyncio.create_task(self._send())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(TICK_S)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _send(self) -> None:
        began, status, why = time.monotonic(), 0, ""
        try:
            connection = await self._connection()
            async with asyncio.timeout(ANSWER_S):
                status, why = await connection.ask(next(self._bodies))
        except (OSError, TimeoutError):
            pass
        else:
            if connection.kept:
                self._idle.append(connection)
            else:
                self._open -= 1
        self._told.append(Told(began, time.monotonic() - began, status, why))

    async def _connection(self) -> "_Connection":
        while self._idle:
            if (connection := self._idle.pop()).kept:
                return connection
            self._open -= 1
        if self._open >= MOST_CONNECTIONS:
            raise ConnectionError("too many connections")
        self._open += 1
        try:
            _, made = await asyncio.get_running_loop().create_connection(_Connection, *self._address)
        except OSError:
            self._open -= 1
            raise
        return made


class _Connection(asyncio.Protocol):
    """One request at a time. `kept` is whether another may follow."""

    def __init__(self) -> None:
        self.kept = True
        self._data = b""
        self._end = 0
        self._answer: asyncio.Future[tuple[int, str]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    async def ask(self, request: bytes) -> tuple[int, str]:
        """The answer's status, and its error's code. Raises ConnectionError where the connection breaks."""
        self._data, self._end = b"", 0
        self._answer = asyncio.get_running_loop().create_future()
        if not self.kept:
            raise ConnectionError("closed")
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._end:
            head, found, _ = self._data.partition(b"\r\n\r\n")
            if not found:
                return
            self._end = len(head) + 4 + int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            if b"connection: close" in head.lower():
                self.kept = False
        if len(self._data) >= self._end and self._answer is not None and not self._answer.done():
            if not self.kept:
                self._transport.close()
            code = self._data.partition(b'"code":"')[2].partition(b'"')[0] if b'"error":{' in self._data else b""
            self._answer.set_result((int(self._data[9:12]), code.decode()))

    def connection_lost(self, exc: Exception | None) -> None:
        self.kept = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("broken"))


def _requests(url: str) -> Iterator[bytes]:
    host = url.removeprefix("http://")
    for number in count():
        agent = AGENTS[number % len(AGENTS)]
        body = msgspec.json.encode(
            {
                "model": "auto",
                "messages": [
                    {"role": "system", "content": "You are a careful assistant. " * 20},
                    {"role": "user", "content": f"Explain step {number} of the plan to a colleague, in one sentence."},
                ],
                "max_tokens": 20,
            }
        )
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Cache-Control: no-store\r\nX-Claw-Agent: {agent}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body
