"""Finding a core: a running one's socket, or one of our own.

The console and the one-shot commands come this way; they then know the core by its facade alone.
"""

import asyncio
import importlib
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from backends.background import background
from backends.core.api import Core
from backends.errors import Unreachable
from backends.paths import Paths
from backends.settings.engines import read_keys
from backends.settings.model import Settings

if TYPE_CHECKING:
    from backends.bootstrap.build import Purpose
    from backends.core.local import LocalCore
    from backends.rehearsal.process import Child, Stage
    from backends.types import EngineName
    from backends.upstream.engine_slot import Label

REHEARSAL_KEY = "rehearsal"  # the twins take any
CONNECT_S = 0.3  # how long an Ollama on this machine may take to accept a connection


class Opened(Struct, frozen=True, kw_only=True):
    """A core and how it was come by; `where` is a socket, an address, or "this process"."""

    core: Core
    mode: Literal["attached", "embedded"]
    where: str
    rehearsal: bool
    own: "LocalCore | None" = None
    """The core itself, where it runs in this process."""
    stage: "Stage | None" = None
    """The twins of a core of our own in rehearsal, which take orders where they listen."""


@asynccontextmanager
async def attach(where: str) -> AsyncGenerator[Opened]:
    """Use the core behind a socket's path or a gateway's address. Raises Unreachable where nobody answers."""
    from backends.core.remote import RemoteCore

    core = RemoteCore(where)
    await core.ping()
    snapshot = await core.snapshot()
    yield Opened(core=core, mode="attached", where=where, rehearsal=snapshot.rehearsal)


@asynccontextmanager
async def open_core(
    settings: Settings,
    *,
    rehearse: bool = False,
    embed: bool = False,
    listen: bool = False,
    traffic: bool = False,
    purpose: "Purpose" = "service",
) -> AsyncGenerator[Opened]:
    """The running core of this home, else one of our own; with `embed` always our own.

    `listen` opens the control socket, so that others can attach. `traffic` plays the agents in rehearsal. `purpose`
    says what a core of our own is for, as `backends.bootstrap.build.build` has it.
    """
    paths = Paths.find(rehearsal=rehearse)
    async with AsyncExitStack() as stack:
        opened = None
        if not embed:
            with suppress(Unreachable):
                opened = await stack.enter_async_context(attach(str(paths.socket)))
        if opened is None:
            own = embedded(settings, paths, rehearse=rehearse, listen=listen, traffic=traffic, purpose=purpose)
            opened = await stack.enter_async_context(own)
        yield opened


@asynccontextmanager
async def embedded(
    settings: Settings,
    paths: Paths,
    *,
    rehearse: bool,
    listen: bool,
    traffic: bool,
    purpose: "Purpose" = "service",
    child: "Child | None" = None,
) -> AsyncGenerator[Opened]:
    """A core in this process. `child` is how a rehearsal's twins are run, None the usual way.

    Raises LedgerError where another process holds the ledger.
    """
    from backends.logs import logging_to
    from backends.telemetry.memory import machine_memory

    # Half a second of imports, kept off the loop of a console that already takes keys.
    building = await asyncio.to_thread(importlib.import_module, "backends.bootstrap.build")
    await asyncio.to_thread(paths.make)
    async with AsyncExitStack() as stack:
        stack.enter_context(logging_to(paths.log))
        keys, labels, stage = read_keys(settings.engines), None, None
        news: asyncio.Queue[str] = asyncio.Queue()
        if rehearse:
            from backends.rehearsal.process import CHILD
            from backends.rehearsal.process import rehearse as start_twins
            from backends.rehearsal.twin_specs import settings_for, twin_specs

            twins = start_twins(twin_specs(settings), tell=news.put_nowait, child=child or CHILD)
            stage = await stack.enter_async_context(twins)
            settings, labels = settings_for(settings, stage.engines), _labels(stage)
            keys = dict.fromkeys(settings.engines, REHEARSAL_KEY)
        built = await stack.enter_async_context(
            building.build(
                settings,
                paths,
                keys=keys,
                labels=labels,
                rehearsal=rehearse,
                purpose=purpose,
                memory=None if rehearse else partial(machine_memory, gpu=settings.telemetry.gpu),
            )
        )
        core = built.core
        if listen:
            from backends.gateway.control_socket import listen_on
            from backends.gateway.graceful_shutdown import GracefulShutdown

            shutdown = GracefulShutdown()
            core.report_listening(clients=shutdown.watchers)
            await stack.enter_async_context(listen_on(core, paths, shutdown))
            stack.push_async_callback(shutdown.drain, building.DRAIN_S)  # what others ask ends before the socket does
        if stage is not None:
            from backends.rehearsal.incident_control import IncidentControl

            core.rehearse_on(IncidentControl(settings, stage.engines))
            await stack.enter_async_context(background(_pass_on(news, core)))
        if rehearse and traffic:
            await stack.enter_async_context(background(play_agents(core)))
        yield Opened(core=core, mode="embedded", where="this process", rehearsal=rehearse, own=core, stage=stage)


async def play_agents(core: Core, until: asyncio.Event | None = None) -> None:
    """The agents' requests in rehearsal, as long as it is not cancelled and `until` is not set."""
    from backends.rehearsal.traffic import play

    async with background(play(core)):
        await (until or asyncio.Event()).wait()


async def nothing_to_run(settings: Settings) -> bool:
    """True where there is no core, no key and nobody listening where the local engine should be: time to rehearse."""
    from backends.core.remote import is_running

    if any(read_keys(settings.engines).values()) or await asyncio.to_thread(is_running, Paths.find()):
        return False
    parts = urlsplit(settings.engines["local"].addresses[0])
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError):
        return True
    writer.close()
    return False


async def _pass_on(news: asyncio.Queue[str], core: "LocalCore") -> None:
    """Say on the core's screens how the twins are, from before there was a core on."""
    while True:
        core.report_rehearsal(await news.get())


def _labels(stage: "Stage") -> "dict[EngineName, Label]":
    from backends.upstream.engine_slot import Label

    return {name: Label(text=text, simulated=True) for name, text in stage.labels.items()}
