"""The HTTP client that both SDKs get: aiohttp under httpx, no redirect, no proxy but a set one, every wait bound.

It raises EngineError itself, which the SDKs let pass. At 50 connections aiohttp takes six to eight times the requests
of httpx's own transport.
"""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp
import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from backends.engines.peer import CONNECT_S, Peer
from backends.engines.scope import Beside, current_scope

PROXY_AUTH = 407  # what a proxy answers that wants a user and a password
SPARE_CONNECTIONS = 2  # for health checks beside a full house


class Transport(httpx.AsyncBaseTransport):
    """Reaches `peer` with up to `parallel` calls at once. Requests are made within `CallScope.hear` only."""

    def __init__(self, peer: Peer, *, parallel: int) -> None:
        self._peer = peer
        self._proxy = None if peer.proxy is None else _proxy(peer.proxy)
        self._connections = parallel + SPARE_CONNECTIONS
        self._inner: AiohttpTransport | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._closed:
            raise self._peer.absent("is no longer called, for claw is stopping")
        scope = current_scope.get()
        request.headers["accept-encoding"] = "identity"  # a frame is bound in size as it arrives, so none comes packed
        request.extensions["timeout"] = {
            "connect": CONNECT_S,
            "pool": CONNECT_S,
            "write": scope.longest_s,
            "read": scope.longest_s,
        }
        if self._proxy is not None and request.url.scheme == "http":  # else the tunnel to the proxy carries it
            request.headers.update(self._proxy.headers)
        if scope.beside:
            request = _with(request, scope.beside)
        inner = self._inner or await self._open()
        try:
            response = await inner.handle_async_request(request)
        except (httpx.TransportError, aiohttp.ClientError) as error:
            raise self._peer.unanswered(error) from None
        body = scope.hold(response)
        if self._peer.proxy is not None and response.status_code == PROXY_AUTH:
            raise self._peer.unproxied(f"refuses ({response.status_code})")
        if 300 <= response.status_code < 400:
            raise self._peer.redirects(response.status_code, response.headers.get("location", ""))
        if response.headers.get("content-encoding", "identity") != "identity":
            raise self._peer.strange("sent a packed answer that nobody asked for")
        return httpx.Response(
            response.status_code, headers=response.headers, stream=body, extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Close every connection; what still runs breaks, what comes later is refused."""
        self._closed = True
        if self._inner is not None:
            await self._inner.aclose()

    async def _open(self) -> AiohttpTransport:
        async with self._opening:
            if self._inner is None:
                proxy = self._proxy
                secure = "https" in (urlsplit(self._peer.base_url).scheme, proxy and proxy.url.scheme)
                # loading the certificate store reads files for 20 ms
                context = await asyncio.to_thread(httpx.create_ssl_context) if secure else _trusting_nobody()
                self._inner = AiohttpTransport(
                    verify=context, trust_env=False, proxy=proxy, client=self._session(context)
                )
            return self._inner

    def _session(self, context: ssl.SSLContext) -> Callable[[], aiohttp.ClientSession]:
        return lambda: aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=context),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            trace_configs=[_noting_what_is_sent()],
        )


def _proxy(url: str) -> httpx.Proxy:
    """The proxy with its user and password as a header: aiohttp is about to take them no other way."""
    whole = httpx.URL(url)
    if not whole.username:
        return httpx.Proxy(whole)
    word = b64encode(f"{whole.username}:{whole.password}".encode()).decode()
    bare = whole.copy_with(username=None, password=None)
    return httpx.Proxy(bare, headers={"Proxy-Authorization": f"Basic {word}"})


def _with(request: httpx.Request, beside: Beside) -> httpx.Request:
    """The same request with more fields in its body; they are ready, so that 8 MB take some milliseconds."""
    whole = msgspec.json.decode(request.content)
    for name, value in beside.items():
        whole[name] = whole.get(name, {}) | value if isinstance(value, dict) else value
    body = msgspec.json.encode(whole)
    headers = request.headers.copy()
    headers["content-length"] = str(len(body))
    return httpx.Request(request.method, request.url, headers=headers, content=body, extensions=request.extensions)


def _noting_what_is_sent() -> aiohttp.TraceConfig:
    """From when on may a call be charged? From its first byte on the wire, not while a connection is sought for it."""

    async def sent(*_: object) -> None:
        current_scope.get().wire.sent = True

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(sent)
    return trace


def _trusting_nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
