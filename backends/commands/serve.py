"""`claw serve`: the core without a console, with the agents' gateway and the control socket."""

import argparse
import asyncio
import resource
import secrets
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from backends.background import background
from backends.bootstrap.connect import embedded, play_agents
from backends.core.api import Core
from backends.errors import ClawError, WrongUse
from backends.gateway.control_socket import listen_on
from backends.gateway.graceful_shutdown import GracefulShutdown
from backends.gateway.server import bind, serve
from backends.off_loop import serve_many
from backends.paths import Paths, open_private
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.text.terminal_safe import safe
from backends.types import Action

if TYPE_CHECKING:
    from backends.rehearsal.process import Stage

DESCRIPTORS = 16_384


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", metavar="H", help="loopback address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=_port, metavar="P", help="0 takes a free one (8787)")
    parser.add_argument("--rehearse", action="store_true", help="use simulated engines and a ledger of their own")
    parser.add_argument(
        "--traffic",
        action=argparse.BooleanOptionalAction,
        help="with --rehearse: simulated agents send requests (they do, unless --no-traffic)",
    )


def run(args: argparse.Namespace) -> int:
    import uvloop

    if args.traffic is not None and not args.rehearse:
        raise WrongUse("--traffic is about simulated requests: add --rehearse")
    paths = Paths.find(rehearsal=args.rehearse)
    settings = load(paths.config).settings
    host = settings.gateway.host if args.host is None else args.host
    port = settings.gateway.port if args.port is None else args.port
    raise_descriptors()
    serve_many()
    # Bound before anything is opened, so that a port in use is reported at once.
    with bind(host, port) as listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(
            _serve(
                settings, paths, listener, rehearse=args.rehearse, traffic=args.rehearse and args.traffic is not False
            )
        )
    return 0


def raise_descriptors() -> None:
    """As many descriptors as the system allows: each caller needs one, and each upstream call another."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _serve(settings: Settings, paths: Paths, listener: socket.socket, *, rehearse: bool, traffic: bool) -> None:
    stop, shutdown = asyncio.Event(), GracefulShutdown()
    sighup = asyncio.Event()
    obey_signals(stop, shutdown, sighup)
    async with (
        embedded(settings, paths, rehearse=rehearse, listen=False, traffic=False) as opened,
        # Ends when the shutdown begins, which waits for callers only.
        background(*([play_agents(opened.core, until=stop)] if traffic else [])),
        background(_reload_at_sighup(opened.core, sighup)),
        listen_on(opened.core, paths, shutdown),
        control_token(paths.control_token) as token,
    ):

        def ready(address: str) -> None:
            if opened.own is not None:
                opened.own.report_listening(gateway=address, clients=shutdown.watchers)
            _say_ready(address, stage=opened.stage)

        own = opened.own
        await serve(
            opened.core,
            settings,
            listener,
            ready=ready,
            stop=stop,
            shutdown=shutdown,
            token=token,
            keys=paths.agent_keys,
            refused=None if own is None else own.report_refusal,
            room=None if own is None else own.room,
        )


async def _reload_at_sighup(core: Core, sighup: asyncio.Event) -> None:
    """Read claw.toml again at each SIGHUP; a wrong one changes nothing and is reported in a line on stderr."""
    while True:
        await sighup.wait()
        sighup.clear()
        try:
            result = (await core.act(Action(verb="reload", actor="SIGHUP"))).detail
        except ClawError as error:
            result = str(error)
        print(f"claw: {safe(result)}", file=sys.stderr, flush=True)


def obey_signals(stop: asyncio.Event, shutdown: GracefulShutdown, sighup: asyncio.Event) -> None:
    """SIGTERM or SIGINT shuts down gracefully, a second one cancels every request, a third one ends the process's main
    task. SIGHUP reads claw.toml again.
    """
    loop, main = asyncio.get_running_loop(), asyncio.current_task()
    received = 0

    def end() -> None:
        nonlocal received
        received += 1
        stop.set()
        if received == 2:
            shutdown.cancel_all()
        elif received > 2 and main is not None:
            main.cancel()

    loop.add_signal_handler(signal.SIGTERM, end)
    loop.add_signal_handler(signal.SIGINT, end)
    loop.add_signal_handler(signal.SIGHUP, sighup.set)


@asynccontextmanager
async def control_token(path: Path) -> AsyncGenerator[str]:
    """A new control token, in a file that only its owner can read while the block runs."""
    token = secrets.token_urlsafe(32)
    await asyncio.to_thread(_write_private, path, token)
    try:
        yield token
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(path, "x", encoding="ascii", opener=open_private) as file:
        file.write(text + "\n")


def _say_ready(address: str, *, stage: "Stage | None") -> None:
    lines = [f"ready {address}"]
    if stage is not None:
        where = ", ".join(f"{name} at {' and '.join(urls)}" for name, urls in stage.engines.items())
        lines.append(f"rehearsal: twins of {where}")
    print(*lines, sep="\n", file=sys.stderr, flush=True)


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port
