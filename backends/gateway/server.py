"""The gateway on its port, from listening to the end of a graceful shutdown."""

import asyncio
import ipaddress
import logging
import resource
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from uvicorn.server import ServerState

from backends.background import background
from backends.core.api import Core
from backends.errors import ClawError, WrongUse
from backends.gateway.access_check import AccessCheck
from backends.gateway.asgi_app import App, OnRefused
from backends.gateway.graceful_shutdown import GracefulShutdown, run_pending_callbacks
from backends.gateway.http_connection import HttpConnection
from backends.gateway.http_limits import DEFAULT_LIMITS, HttpLimits
from backends.gateway.load_shedder import Room
from backends.gateway.request_guard import RequestGuard
from backends.settings.model import Settings

BACKLOG = 1024
KEEP_ALIVE_S = 75  # idle; longer than the pools of the usual clients


async def serve(
    core: Core,
    settings: Settings,
    listener: socket.socket,
    *,
    ready: Callable[[str], None],
    stop: asyncio.Event | None = None,
    shutdown: GracefulShutdown | None = None,
    token: str | None = None,
    keys: Path | None = None,
    limits: HttpLimits = DEFAULT_LIMITS,
    refused: OnRefused | None = None,
    room: Room | None = None,
) -> None:
    """Serve on `listener` (see `bind`) until `stop` is set, then shut down gracefully. Being cancelled ends requests at
    once.

    `ready` is called with the address once requests are answered. During the shutdown new requests get a 503, running
    ones have `gateway.drain_s` seconds. `token` opens /claw/control; `keys` is the file
    of the agents' keys. `refused` hears of agents' requests that the gateway itself refuses, which it does early where
    the engines' queues have no `room`. Raises WrongSettings for a key file that cannot be used.
    """
    shutdown = shutdown or GracefulShutdown()
    stop = stop or asyncio.Event()
    name, number = listener.getsockname()[:2]
    access = AccessCheck(settings.gateway.keys, keys, token=token)
    await asyncio.to_thread(access.load)
    guard = RequestGuard(number, settings.gateway.allowed_hosts, limits)
    app = App(core, settings, shutdown=shutdown, access=access, guard=guard, refused=refused, room=room)
    async with background(app.counters.watch(core), access.watch()), _listening(app, listener, shutdown, limits):
        ready(f"http://{f'[{name}]' if ':' in name else name}:{number}")
        await stop.wait()
        await shutdown.drain(settings.gateway.drain_s)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on a loopback address; port 0 takes a free one.

    Raises WrongUse for a host that is not loopback, ClawError where the port is taken.
    """
    address = _loopback(host)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((str(address), port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ClawError(f"cannot listen on {host} port {port} ({error.strerror}): choose another with --port") from None
    return listener


def _loopback(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise WrongUse(
            f"--host {host}: without TLS, which comes later, only loopback is served: use 127.0.0.1 and a tunnel"
        )
    return address


@asynccontextmanager
async def _listening(
    app: App, listener: socket.socket, shutdown: GracefulShutdown, limits: HttpLimits
) -> AsyncGenerator[None]:
    """Accept connections while the block runs; whatever still runs at its end is cancelled and awaited."""
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        log_level=logging.ERROR,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    within = limits.within_descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    server = await loop.create_server(
        lambda: HttpConnection(config, state, loop, within),
        sock=listener,
    )
    try:
        yield
    finally:
        await run_pending_callbacks()
        server.close()
        shutdown.cancel_all()
        await _finish(state, limits.cancelled_s)


async def _finish(state: ServerState, seconds: float) -> None:
    for connection in tuple(state.connections):
        connection.shutdown()
    if state.tasks:
        _, late = await asyncio.wait(tuple(state.tasks), timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
    open_still = tuple(each for each in state.connections if isinstance(each, HttpConnection))
    for connection in open_still:
        connection.transport.abort()
    if open_still:
        await asyncio.wait([connection.gone for connection in open_still], timeout=seconds)
