"""A gateway on a free port over a scripted core, and sockets that speak to it raw."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from backends.gateway.graceful_shutdown import GracefulShutdown
from backends.gateway.http_limits import DEFAULT_LIMITS, HttpLimits
from backends.gateway.load_shedder import Room
from backends.gateway.server import bind, serve
from backends.settings.model import Settings
from tests.backends.gateway.scripted_core import ScriptedCore


class Raw:
    """One TCP connection, bytes in and bytes out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> tuple[int, dict[str, str]]:
        raw = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)).decode("latin-1")
        first, *rest = raw.strip().split("\r\n")
        return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in rest)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """A response with a length, whole."""
        status, headers = await self.head()
        body = await asyncio.wait_for(self.reader.readexactly(int(headers["content-length"])), 10)
        return status, headers, body

    async def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        return await asyncio.wait_for(self.reader.read(), 10)

    def close(self) -> None:
        self.writer.transport.abort()


class RunningGateway:
    """A running gateway."""

    def __init__(self, core: ScriptedCore, shutdown: GracefulShutdown, stop: asyncio.Event) -> None:
        self.core, self.shutdown, self.stop = core, shutdown, stop
        self.port = 0
        self.token = "t0ken"
        self.opened: list[Raw] = []
        self.task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def dial(self, data: bytes = b"", *, limit: int = 2**20) -> Raw:
        raw = Raw(*await asyncio.open_connection("127.0.0.1", self.port, limit=limit))
        self.opened.append(raw)
        raw.send(data)
        return raw

    def post(self, body: bytes, *, path: str = "/v1/chat/completions", **headers: str) -> bytes:
        fields = {
            "Host": f"127.0.0.1:{self.port}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body

    def get(self, path: str, **headers: str) -> bytes:
        fields = {"Host": f"127.0.0.1:{self.port}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"GET {path} HTTP/1.1\r\n{head}\r\n".encode()


@asynccontextmanager
async def running_gateway(
    core: ScriptedCore,
    settings: Settings,
    limits: HttpLimits = DEFAULT_LIMITS,
    keys: Path | None = None,
    room: Room | None = None,
) -> AsyncIterator[RunningGateway]:
    found = RunningGateway(core, GracefulShutdown(), asyncio.Event())
    listener = bind("127.0.0.1", 0)
    found.port = listener.getsockname()[1]
    ready = asyncio.Event()
    found.task = asyncio.create_task(
        serve(
            core,
            settings,
            listener,
            ready=lambda _: ready.set(),
            stop=found.stop,
            shutdown=found.shutdown,
            token=found.token,
            limits=limits,
            keys=keys,
            room=room,
        )
    )
    await asyncio.wait({found.task, first := asyncio.ensure_future(ready.wait())}, return_when="FIRST_COMPLETED")
    first.cancel()
    if found.task.done():
        listener.close()
        found.task.result()
    await asyncio.wait_for(core.watched.wait(), 10)
    try:
        yield found
    finally:
        for raw in found.opened:
            raw.close()
        found.stop.set()
        if found.task is not None:
            await asyncio.wait_for(found.task, 10)
