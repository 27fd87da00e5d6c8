"""The gateway as plain ASGI: one table of routes, and the order in which a request is admitted.

Routes are matched on the raw path as it was sent, never on one that was decoded or rebuilt.
"""

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from backends.agent_names import is_name
from backends.core.api import Core
from backends.core.wire import FRAME_BYTES
from backends.engines.plain_text import as_json
from backends.errors import ClawError, QueueFull
from backends.gateway.access_check import Access, AccessCheck
from backends.gateway.control_http import control
from backends.gateway.dialects.openai_chat.chat_completions import chat
from backends.gateway.graceful_shutdown import GracefulShutdown
from backends.gateway.http_errors import HttpError, ShuttingDown, shutting_down
from backends.gateway.http_exchange import HttpExchange, Send
from backends.gateway.load_shedder import LoadShedder, Room
from backends.gateway.metrics import Counters, metrics
from backends.gateway.model_names import list_models, one_model
from backends.gateway.request_guard import ClientDisconnected, Receive, RequestGuard
from backends.identity import new_id
from backends.settings.model import Settings

OnRefused = Callable[[str, str, ClawError], None]
"""Called with a request's id, its agent, and why it is refused."""

SMALL = 65_536
"""Bytes of a body that is read before its request is refused, so that the connection can be kept."""

log = logging.getLogger(__name__)


class HttpRoute(Struct, frozen=True, kw_only=True):
    """`access` says which key it needs: none, an agent's, or the operator's. `limit` bounds the body, in bytes.

    A path that ends in a slash stands for every path that begins with it.
    """

    method: str
    path: bytes
    access: Access
    limit: int
    handler: Callable[[HttpExchange], Awaitable[None]]


def http_routes(settings: Settings, counters: Counters) -> tuple[HttpRoute, ...]:
    """Everything that the gateway answers."""
    chat_limit = 2 * settings.router.max_prompt_bytes  # JSON escapes and base64 make a prompt larger on its way
    show_metrics = functools.partial(metrics, counters=counters)
    return (
        HttpRoute(method="POST", path=b"/v1/chat/completions", access="agent", limit=chat_limit, handler=chat),
        HttpRoute(method="GET", path=b"/v1/models", access="agent", limit=0, handler=list_models),
        HttpRoute(method="GET", path=b"/v1/models/", access="agent", limit=0, handler=one_model),
        HttpRoute(method="GET", path=b"/healthz", access="open", limit=0, handler=healthz),
        HttpRoute(method="GET", path=b"/readyz", access="open", limit=0, handler=readyz),
        HttpRoute(method="GET", path=b"/metrics", access="agent", limit=0, handler=show_metrics),
        HttpRoute(method="POST", path=b"/claw/control", access="control", limit=FRAME_BYTES, handler=control),
    )


async def healthz(exchange: HttpExchange) -> None:
    """The process runs and its event loop turns; nothing more is checked."""
    await exchange.answer(b'{"ok":true}')


async def readyz(exchange: HttpExchange) -> None:
    """200 where new requests are accepted, some engine may answer, and the ledger takes the rows that the settings ask
    for; else 503.
    """
    snapshot = await exchange.core.snapshot()
    alive = any(engine.health != "down" and not engine.stopped for engine in snapshot.engines)
    ledger = snapshot.ledger.status
    recorded = ledger != "unwritable" or exchange.settings.ledger.on_unwritable == "local-only"
    ready = alive and recorded and not exchange.shutdown.closing
    body = as_json({"ready": ready, "semantic": snapshot.cache.semantic, "ledger": ledger})
    await exchange.answer(body, status=200 if ready else 503)


class App:
    """The ASGI application of one listening port."""

    def __init__(
        self,
        core: Core,
        settings: Settings,
        *,
        shutdown: GracefulShutdown,
        access: AccessCheck,
        guard: RequestGuard,
        refused: OnRefused | None = None,
        room: Room | None = None,
    ) -> None:
        kinds = {name: engine.kind for name, engine in settings.engines.items()}
        self.counters = Counters(settings.agents, kinds)
        self.routes = http_routes(settings, self.counters)
        self._core = core
        self._settings = settings
        self._shutdown = shutdown
        self._access = access
        self._guard = guard
        self._shedder = LoadShedder(room)
        self._on_refused = refused

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        exchange = HttpExchange(
            new_id(),
            core=self._core,
            settings=self._settings,
            shutdown=self._shutdown,
            connection=scope["state"]["connection"],
            send=send,
        )
        try:
            route = await self._admit(exchange, scope, receive)
        except ClientDisconnected:
            return
        except ClawError as error:
            # The body may still be on its way, so nothing more is read from this connection.
            self._refused(exchange, scope["method"], error)
            exchange.connection.refuse(error, exchange.id)
            return
        if route.method == "POST" and route.access == "agent":
            await self._in_turn(route, exchange)
        else:
            await self._handle(route, exchange)

    async def _in_turn(self, route: HttpRoute, exchange: HttpExchange) -> None:
        """Handle it once it may be prepared, or refuse it while that costs little."""
        try:
            exchange.place = place = await self._shedder.take(_agent(exchange))
        except QueueFull as error:
            self._refused(exchange, route.method, error)
            await exchange.fail(error)
            return
        try:
            await self._handle(route, exchange)
        finally:
            place.routed()

    def _refused(self, exchange: HttpExchange, method: str, error: ClawError) -> None:
        """Count a refusal of the gateway's own; with its agent where it is a request for an answer."""
        asks = any(each.method == method == "POST" and each.access == "agent" for each in self._at(exchange.path))
        if not asks or self._on_refused is None:
            self.counters.refused("", error.kind)
            return
        named = _agent(exchange)
        if isinstance(error, HttpError) and error.http_status == 401:
            named = "default"  # who has no key may name anybody
        self._on_refused(exchange.id, named, error)

    def _at(self, path: bytes) -> list[HttpRoute]:
        return [each for each in self.routes if each.path == path or _begins(each.path, path)]

    async def _admit(self, exchange: HttpExchange, scope: Any, receive: Receive) -> HttpRoute:
        exchange.path = scope["raw_path"]
        exchange.headers = headers = self._guard.headers(scope["headers"])
        route = self._find(scope["method"], exchange.path)
        exchange.agent = self._access.agent(route.access, exchange.text)
        if route.method == "POST":
            if route.access == "agent" and self._shutdown.closing:
                raise shutting_down()
            if route.access == "agent" and int(headers.get(b"content-length", SMALL)) >= SMALL:
                self._shedder.check(_agent(exchange))
            exchange.body = await self._guard.body(headers, receive, route.limit)
        elif headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers:
            raise HttpError(413, "too_large", f"{route.method} takes no body")
        return route

    def _find(self, method: str, path: bytes) -> HttpRoute:
        """Raises HttpError (404, 405)."""
        matching = self._at(path)
        for route in matching:
            if route.method == method:
                return route
        if matching:
            raise HttpError(405, "method", f"use {matching[0].method} here")
        raise HttpError(404, "not_found", "no such path: see `GET /v1/models` and `POST /v1/chat/completions`")

    async def _handle(self, route: HttpRoute, exchange: HttpExchange) -> None:
        try:
            await route.handler(exchange)
        except ClawError as error:
            if isinstance(error, HttpError | ShuttingDown):
                self._refused(exchange, route.method, error)
            if exchange.started:
                raise
            await exchange.fail(error)
        except Exception as fault:
            # A fault of our own, of any kind: the caller still gets an error object with its id, and the log the cause.
            log.exception("request %s failed: %s", exchange.id, type(fault).__name__)
            if exchange.started:
                raise
            await exchange.fail(ClawError("internal error: the core's log has it under this request's id"))


def _agent(exchange: HttpExchange) -> str:
    """The agent that a request's key or header names, "default" where neither does, or not well."""
    named = exchange.agent or exchange.text(b"x-claw-agent") or "default"
    return named if is_name(named) else "default"


def _begins(beginning: bytes, path: bytes) -> bool:
    return beginning.endswith(b"/") and path.startswith(beginning) and path != beginning
