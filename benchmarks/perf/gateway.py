"""What does the gateway add to a request, compared with the least that a server in Python could do?

    python -m benchmarks.perf.gateway [--json] [--seconds S] [--chunks N] [--rounds N]

Three servers, each in a process of its own on uvloop, give the same answer to the same requests, at 1 and at 50
connections: a bare asyncio protocol that parses nothing (the floor), uvicorn with an ASGI app that checks nothing, and
the gateway over a core that answers at once. A stream is one write for each chunk in all three. Each figure is the best
of its rounds, since noise only adds; ratios are to the floor.
"""

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from multiprocessing.connection import Connection as Pipe
from typing import Any, cast

import msgspec
import uvicorn
import uvloop
from msgspec import Struct

from backends.bus import Bus
from backends.events import Event
from backends.gateway.dialects.openai_chat.chat_answer import ChatChoice, ChatStream, claw, whole
from backends.gateway.server import bind, serve
from backends.settings.model import Settings
from backends.types import (
    Acted,
    Action,
    Chunk,
    Delta,
    Done,
    Estimate,
    Explanation,
    Outcome,
    Request,
    Review,
    Routed,
    Snapshot,
    Status,
    Timeline,
    Tokens,
)

TEXT = "a few words more "
MODEL = "qwen2.5:14b"


class Row(Struct, frozen=True, kw_only=True):
    """One server under one load. `added_us` is its median latency less the floor's."""

    server: str
    answer: str
    connections: int
    requests_per_s: float
    ratio: float
    p50_ms: float
    p99_ms: float
    added_us: float


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.perf.gateway", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each round")
    parser.add_argument("--chunks", type=int, default=64, help="of one streamed answer")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args(argv)
    with ExitStack() as stack:
        ports = {name: started(stack, name, arguments.chunks) for name in SERVERS}
        rows = uvloop.run(measure(ports, arguments.seconds, arguments.rounds))
    if arguments.json:
        print(json.dumps([msgspec.to_builtins(row) for row in rows], indent=1))
    else:
        print("server   answer   at once    req/s  ratio   p50 ms   p99 ms  added µs")
        for row in rows:
            print(
                f"{row.server:<9}{row.answer:<8}{row.connections:>8}{row.requests_per_s:>9.0f}{row.ratio:>7.2f}"
                f"{row.p50_ms:>9.2f}{row.p99_ms:>9.2f}{row.added_us:>10.0f}"
            )
    return 0


# ---- the load


async def measure(ports: dict[str, int], seconds: float, rounds: int) -> list[Row]:
    rows: list[Row] = []
    for answer in ("whole", "stream"):
        for connections in (1, 50):
            best: dict[str, list[float]] = {}
            for _ in range(rounds):
                for server, port in ports.items():
                    times = await load(port, answer, connections, seconds)
                    if len(times) > len(best.get(server, ())):
                        best[server] = times
            floor = best["asyncio"]
            for server, times in best.items():
                rows.append(row(server, answer, connections, times=times, floor=floor, seconds=seconds))
    return rows


def row(server: str, answer: str, connections: int, *, times: list[float], floor: list[float], seconds: float) -> Row:
    return Row(
        server=server,
        answer=answer,
        connections=connections,
        requests_per_s=round(len(times) / seconds, 1),
        ratio=round(len(times) / len(floor), 3),
        p50_ms=round(at(times, 0.5) * 1e3, 3),
        p99_ms=round(at(times, 0.99) * 1e3, 3),
        added_us=round((at(times, 0.5) - at(floor, 0.5)) * 1e6, 1),
    )


def at(times: list[float], share: float) -> float:
    return sorted(times)[int(share * (len(times) - 1))]


async def load(port: int, answer: str, connections: int, seconds: float) -> list[float]:
    """Seconds that each request took, from its first byte sent to its last received."""
    body = json.dumps(
        {"model": answer, "stream": answer == "stream", "messages": [{"role": "user", "content": "word " * 200}]}
    ).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    times: list[float] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(ask(port, request, answer == "stream", time.perf_counter() + seconds, times))
    return times


async def ask(port: int, request: bytes, streamed: bool, until: float, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    while (began := time.perf_counter()) < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if streamed:
            await reader.readuntil(b"\r\n0\r\n\r\n")
        else:
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r")[0]))
        times.append(time.perf_counter() - began)
    writer.close()


# ---- the servers


def started(stack: ExitStack, name: str, chunks: int) -> int:
    """The port of a new process that serves until the stack closes."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=run_server, args=(name, chunks, there), daemon=True)
    process.start()
    stack.callback(process.terminate)
    port: int = here.recv()
    return port


def run_server(name: str, chunks: int, pipe: Pipe) -> None:
    uvloop.run(SERVERS[name](chunks, pipe))


async def bare(chunks: int, pipe: Pipe) -> None:
    listener = bind("127.0.0.1", 0)
    pipe.send(listener.getsockname()[1])
    server = await asyncio.get_running_loop().create_server(lambda: Bare(chunks), sock=listener)
    await server.serve_forever()


class Bare(asyncio.Protocol):
    """Answers each arrival of a body's last byte with canned bytes."""

    def __init__(self, chunks: int) -> None:
        self._chunks = chunks
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if b'"stream": true' not in data:
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(WHOLE), WHOLE))
            return
        task = asyncio.get_running_loop().create_task(self._stream())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stream(self) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(self._chunks):
            await asyncio.sleep(0)
            self._transport.write(b"%x\r\n%s\r\n" % (len(EVENT), EVENT))
        self._transport.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(END), END))


async def plain(chunks: int, pipe: Pipe) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        streamed = b'"stream": true' in body
        headers = [] if streamed else [(b"content-length", b"%d" % len(WHOLE))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(chunks if streamed else 0):
            await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": EVENT, "more_body": True})
        await send({"type": "http.response.body", "body": END if streamed else WHOLE})

    listener = bind("127.0.0.1", 0)
    pipe.send(listener.getsockname()[1])
    config = uvicorn.Config(app, http="httptools", log_config=None, access_log=False, lifespan="off", ws="none")
    await uvicorn.Server(config).serve(sockets=[listener])


async def gateway(chunks: int, pipe: Pipe) -> None:
    listener = bind("127.0.0.1", 0)
    settings = msgspec.convert({"agents": {"stream": {}, "whole": {}}}, Settings)
    port = listener.getsockname()[1]
    await serve(Instant(chunks), settings, listener, ready=lambda _: pipe.send(port))


class Instant:
    """A core that answers at once: the agent "stream" in chunks, "whole" in one."""

    def __init__(self, chunks: int) -> None:
        self._chunks = chunks
        self._bus = Bus()

    async def ask(self, request: Request) -> AsyncGenerator[Chunk]:
        yield Routed(id=request.id, explanation=EXPLANATION)
        if request.agent == "whole":
            yield Delta(TEXT * self._chunks)
        else:
            for _ in range(self._chunks):
                await asyncio.sleep(0)
                yield Delta(TEXT)
        yield Done(OUTCOME)

    async def explain(self, request: Request) -> Explanation:
        return EXPLANATION

    async def snapshot(self, at: datetime | None = None) -> Snapshot:
        raise NotImplementedError

    async def timeline(self, since: datetime, until: datetime) -> Timeline:
        raise NotImplementedError

    async def status(self) -> Status:
        raise NotImplementedError

    def events(self) -> AsyncGenerator[Event]:
        return self._bus.events()

    async def act(self, action: Action) -> Acted:
        raise NotImplementedError

    async def review(self) -> Review:
        raise NotImplementedError


SERVERS = {"asyncio": bare, "uvicorn": plain, "gateway": gateway}

EXPLANATION = Explanation(
    agent="scout",
    engine="local",
    zone="local",
    model=MODEL,
    intent="chat",
    complexity=0.2,
    sensitive=False,
    reasons=(),
    decision_us=1.0,
    estimate=Estimate(cost_usd=Decimal(0), latency_ms=None),
)
OUTCOME = Outcome(
    id="0",
    agent="scout",
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    source="gateway",
    engine="local",
    zone="local",
    model=MODEL,
    intent="chat",
    complexity=0.2,
    sensitive=False,
    reasons=(),
    cache="miss",
    tokens=Tokens(input=200, output=64),
    cost_usd=Decimal(0),
    baseline_usd=Decimal("0.0002"),
    ttft_ms=1.0,
    latency_ms=2.0,
    finish="stop",
)
WHOLE = whole([ChatChoice(texts=[TEXT * 64], outcome=OUTCOME)], claw([OUTCOME]))
EVENT = ChatStream("0", MODEL, include_usage=False).text(TEXT)
END = ChatStream("0", MODEL, include_usage=False).closing([OUTCOME], claw([OUTCOME]))


if __name__ == "__main__":
    raise SystemExit(main())
