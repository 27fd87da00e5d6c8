"""A real HTTP server that receives pushes, and fails, stalls or goes away when a test says so."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Struct


class Received(Struct, frozen=True, kw_only=True):
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Phone:
    """`received` are the requests that it accepted, `asked` counts all. `says` are the statuses of the next answers,
    then 200; while `answers` is not set, it stalls.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.asked = 0
        self.says: list[int] = []
        self.headers = ""
        self.answers = asyncio.Event()
        self.answers.set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[str]:
        return [each.body["line"] for each in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.asked += 1
            await self.answers.wait()
            status = self.says.pop(0) if self.says else 200
            if status < 300:
                method, path, _ = request.split()
                self.received.append(
                    Received(method=method, path=path, headers=headers, body=json.loads(body) if body else None)
                )
            writer.write(
                f"HTTP/1.1 {status} X\r\n{self.headers}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever called has gone
        finally:
            writer.close()


@asynccontextmanager
async def phone(port: int = 0) -> AsyncGenerator[Phone]:
    it = Phone()
    server = await asyncio.start_server(it.serve, "127.0.0.1", port)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        it.answers.set()
        server.close()
        await server.wait_closed()
