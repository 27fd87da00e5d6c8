"""One HTTP request and the only way to answer it."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from backends.core.api import Core
from backends.errors import ClawError, status_of
from backends.gateway.graceful_shutdown import CancelScope, GracefulShutdown
from backends.gateway.http_connection import HttpConnection
from backends.gateway.http_errors import body_of, headers_of
from backends.gateway.load_shedder import Preparation
from backends.settings.model import Settings

Header = tuple[bytes, bytes]
Send = Callable[[Any], Awaitable[None]]

JSON = b"application/json"


class HttpExchange:
    """`headers` by lower-case name, `path` as it was sent, the whole `body`, and the `agent` that its key names, None
    where it needed none: set once the request is admitted. `place` is an agent's, while its request is prepared.
    """

    def __init__(
        self,
        id: str,
        *,
        core: Core,
        settings: Settings,
        shutdown: GracefulShutdown,
        connection: HttpConnection,
        send: Send,
    ) -> None:
        self.id = id
        self.core = core
        self.settings = settings
        self.shutdown = shutdown
        self.connection = connection
        self.headers: dict[bytes, bytes] = {}
        self.path = b""
        self.body = b""
        self.agent: str | None = None
        self.started = False
        self.place: Preparation | None = None
        self._send = send

    def text(self, name: bytes) -> str | None:
        """A header's value, None where it was not sent."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1").strip()

    @contextmanager
    def hold(self, scope: CancelScope) -> Iterator[None]:
        """While the block runs, a caller that disconnects cancels `scope`."""
        self.connection.on_lost = lambda: scope.cancel("disconnected")
        if self.connection.gone.done():
            scope.cancel("disconnected")
        try:
            yield
        finally:
            self.connection.on_lost = None

    def routed(self) -> None:
        """The request is prepared: another may begin."""
        if self.place is not None:
            self.place.routed()

    async def answer(
        self, body: bytes, *, status: int = 200, kind: bytes = JSON, headers: Iterable[Header] = ()
    ) -> None:
        """A whole response."""
        await self.start(status, kind, [*headers, (b"content-length", b"%d" % len(body))])
        await self.end(body)

    async def fail(self, error: ClawError) -> None:
        """OpenAI's error object; only before anything was sent."""
        await self.answer(body_of(error), status=status_of(error), headers=headers_of(error))

    async def start(self, status: int, kind: bytes, headers: Iterable[Header] = ()) -> None:
        self.started = True
        id = self.id.encode()
        head = [(b"content-type", kind), (b"x-claw-request-id", id), (b"x-request-id", id), *headers]
        await self._send({"type": "http.response.start", "status": status, "headers": head})

    async def write(self, part: bytes) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def end(self, part: bytes = b"") -> None:
        await self._send({"type": "http.response.body", "body": part})
