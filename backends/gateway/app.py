"""The gateway as plain ASGI: one table of routes, and the order in which a request is let in.

Routes are matched on the raw path that came over the wire, never on one that was decoded or rebuilt.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from msgspec import Struct

from backends.core.api import Core
from backends.core.wire import FRAME_BYTES
from backends.errors import ClawError
from backends.gateway.control_http import check_token, control
from backends.gateway.door import Door, Gone, Receive
from backends.gateway.drain import Drain
from backends.gateway.health import healthz, readyz
from backends.gateway.metrics import Counters, metrics
from backends.gateway.models import list_models, one_model
from backends.gateway.openai_chat import chat
from backends.gateway.refusal import Draining, Turned, draining
from backends.gateway.visit import Send, Visit
from backends.identity import new_id
from backends.settings.model import Settings

Access = Literal["open", "agent", "control"]


class Route(Struct, frozen=True, kw_only=True):
    """`access` says whose key it wants: nobody's, an agent's, or the operator's. `limit` is its body's, in bytes.

    A path that ends in a slash is the beginning of many.
    """

    method: str
    path: bytes
    access: Access
    limit: int
    handler: Callable[[Visit], Awaitable[None]]


def routes_of(settings: Settings, counters: Counters) -> tuple[Route, ...]:
    """All that the gateway answers to."""
    chat_limit = 2 * settings.router.max_prompt_bytes  # JSON escapes and base64 make a prompt larger on its way
    show_metrics = functools.partial(metrics, counters=counters)
    return (
        Route(method="POST", path=b"/v1/chat/completions", access="agent", limit=chat_limit, handler=chat),
        Route(method="GET", path=b"/v1/models", access="agent", limit=0, handler=list_models),
        Route(method="GET", path=b"/v1/models/", access="agent", limit=0, handler=one_model),
        Route(method="GET", path=b"/healthz", access="open", limit=0, handler=healthz),
        Route(method="GET", path=b"/readyz", access="open", limit=0, handler=readyz),
        Route(method="GET", path=b"/metrics", access="agent", limit=0, handler=show_metrics),
        Route(method="POST", path=b"/claw/control", access="control", limit=FRAME_BYTES, handler=control),
    )


class App:
    """The ASGI application of one listening port."""

    def __init__(self, core: Core, settings: Settings, *, port: int, drain: Drain, token: str | None = None) -> None:
        self.counters = Counters(settings.agents)
        self.routes = routes_of(settings, self.counters)
        self._core = core
        self._settings = settings
        self._drain = drain
        self._token = token
        self._door = Door(port, settings.gateway.allowed_hosts)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        visit = Visit(
            new_id(),
            core=self._core,
            settings=self._settings,
            drain=self._drain,
            connection=scope["state"]["connection"],
            send=send,
        )
        try:
            route = await self._let_in(visit, scope, receive)
        except Gone:
            return
        except ClawError as error:
            # The body may still be on its way, so nothing more is read from this connection.
            self.counters.refused("", error.kind)
            visit.connection.refuse(error, visit.id)
            return
        await self._handle(route, visit)

    async def _let_in(self, visit: Visit, scope: Any, receive: Receive) -> Route:
        visit.headers = headers = self._door.headers(scope["headers"])
        visit.path = scope["raw_path"]
        route = self._route(scope["method"], visit.path)
        if route.access == "control":
            check_token(visit.text(b"authorization"), self._token)
        if route.method == "POST":
            if route.access == "agent" and self._drain.closing:
                raise draining()
            visit.body = await self._door.body(headers, receive, route.limit)
        elif headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers:
            raise Turned(413, "too_large", f"{route.method} takes no body")
        return route

    def _route(self, method: str, path: bytes) -> Route:
        there = [route for route in self.routes if route.path == path or _begins(route.path, path)]
        for route in there:
            if route.method == method:
                return route
        if there:
            raise Turned(405, "method", f"use {there[0].method} here")
        raise Turned(404, "not_found", "no such path: see `GET /v1/models` and `POST /v1/chat/completions`")

    async def _handle(self, route: Route, visit: Visit) -> None:
        try:
            await route.handler(visit)
        except ClawError as error:
            if isinstance(error, Turned | Draining):
                self.counters.refused("", error.kind)
            if visit.started:
                raise
            await visit.fail(error)
        except Exception:
            # A fault of our own: the caller still gets an error object with its id; the server logs what it was.
            if not visit.started:
                await visit.fail(ClawError("internal error: the core's log has it under this request's id"))
            raise


def _begins(beginning: bytes, path: bytes) -> bool:
    return beginning.endswith(b"/") and path.startswith(beginning) and path != beginning
