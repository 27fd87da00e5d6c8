"""The HTTP transport of all engines: aiohttp under httpx, no redirects, no proxy but a configured one, timeouts set.

It raises EngineError itself, which the SDKs let pass. With 50 connections aiohttp does six to eight times as many
requests as httpx's own transport.
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

from backends.engines.call_scope import ExtraFields, current_scope
from backends.engines.endpoint import CONNECT_S, Endpoint

PROXY_AUTH = 407  # the proxy asks for a user and a password
SPARE_CONNECTIONS = 2  # for health checks while all slots are in use


class Transport(httpx.AsyncBaseTransport):
    """Reaches `endpoint` with up to `parallel` calls at once. Requests are made only within `CallScope.receive`."""

    def __init__(self, endpoint: Endpoint, *, parallel: int) -> None:
        self._endpoint = endpoint
        self._proxy = None if endpoint.proxy is None else _proxy(endpoint.proxy)
        self._connections = parallel + SPARE_CONNECTIONS
        self._inner: AiohttpTransport | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._closed:
            raise self._endpoint.unavailable("is no longer called, for claw is stopping")
        scope = current_scope.get()
        request.headers["accept-encoding"] = (
            "identity"  # frames are limited in size as they arrive, so none may be compressed
        )
        request.extensions["timeout"] = {
            "connect": CONNECT_S,
            "pool": CONNECT_S,
            "write": scope.longest_s,
            "read": scope.longest_s,
        }
        if self._proxy is not None and request.url.scheme == "http":  # with https the tunnel to the proxy carries them
            request.headers.update(self._proxy.headers)
        if scope.extra_fields:
            request = _with_fields(request, scope.extra_fields)
        inner = self._inner or await self._open()
        try:
            response = await inner.handle_async_request(request)
        except (httpx.TransportError, aiohttp.ClientError) as error:
            raise self._endpoint.no_response(error) from None
        body = scope.attach(response)
        if self._endpoint.proxy is not None and response.status_code == PROXY_AUTH:
            raise self._endpoint.proxy_failed(f"refuses ({response.status_code})")
        if 300 <= response.status_code < 400:
            raise self._endpoint.redirected(response.status_code, response.headers.get("location", ""))
        if response.headers.get("content-encoding", "identity") != "identity":
            raise self._endpoint.protocol_error("sent a compressed answer that was not asked for")
        return httpx.Response(
            response.status_code, headers=response.headers, stream=body, extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Close every connection. Running calls break, later ones are refused."""
        self._closed = True
        if self._inner is not None:
            await self._inner.aclose()

    async def _open(self) -> AiohttpTransport:
        async with self._opening:
            if self._inner is None:
                proxy = self._proxy
                secure = "https" in (urlsplit(self._endpoint.base_url).scheme, proxy and proxy.url.scheme)
                # loading the certificate store reads files for 20 ms
                context = await asyncio.to_thread(httpx.create_ssl_context) if secure else _without_certificates()
                self._inner = AiohttpTransport(
                    verify=context, trust_env=False, proxy=proxy, client=self._session(context)
                )
            return self._inner

    def _session(self, context: ssl.SSLContext) -> Callable[[], aiohttp.ClientSession]:
        return lambda: aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=context),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            trace_configs=[_mark_sent()],
        )


def _proxy(url: str) -> httpx.Proxy:
    """The proxy, with its user and password as a header: aiohttp is about to drop the other way."""
    whole = httpx.URL(url)
    if not whole.username:
        return httpx.Proxy(whole)
    word = b64encode(f"{whole.username}:{whole.password}".encode()).decode()
    bare = whole.copy_with(username=None, password=None)
    return httpx.Proxy(bare, headers={"Proxy-Authorization": f"Basic {word}"})


def _with_fields(request: httpx.Request, extra: ExtraFields) -> httpx.Request:
    """The same request with more fields in its body. They are encoded already, so 8 MB take a few milliseconds."""
    whole = msgspec.json.decode(request.content)
    for name, value in extra.items():
        whole[name] = whole.get(name, {}) | value if isinstance(value, dict) else value
    body = msgspec.json.encode(whole)
    headers = request.headers.copy()
    headers["content-length"] = str(len(body))
    return httpx.Request(request.method, request.url, headers=headers, content=body, extensions=request.extensions)


def _mark_sent() -> aiohttp.TraceConfig:
    """A call may be charged from its first byte on the wire on, not while it waits for a connection."""

    async def sent(*_: object) -> None:
        current_scope.get().send_state.sent = True

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(sent)
    return trace


def _without_certificates() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
