import asyncio
import resource
from datetime import datetime
from typing import NoReturn

import pytest

from backends.errors import ClawError, WrongUse
from backends.gateway.graceful_shutdown import GracefulShutdown
from backends.gateway.http_limits import HttpLimits
from backends.gateway.server import bind, serve
from backends.settings.model import Settings
from tests.backends.gateway.running_gateway import RunningGateway, running_gateway
from tests.backends.gateway.scripted_core import ScriptedCore


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_loopback_is_listened_on(host: str) -> None:
    with bind(host, 0) as listener:
        assert listener.getsockname()[1] > 0
        with pytest.raises(ClawError, match="choose another with --port"):
            bind(host, listener.getsockname()[1])


def test_s1_nothing_but_loopback_is() -> None:
    for host in ("0.0.0.0", "::", "10.0.0.1", "fe80::1", "::ffff:10.0.0.1", "evil.example"):
        with pytest.raises(WrongUse, match="TLS"):
            bind(host, 0)


async def test_the_sixth_protocol_s_loopback_is_named_in_brackets(core: ScriptedCore) -> None:
    stop, told = asyncio.Event(), asyncio.Queue[str]()
    listener = bind("::1", 0)
    task = asyncio.create_task(
        serve(core, Settings(), listener, ready=told.put_nowait, stop=stop, shutdown=GracefulShutdown())
    )
    address = await asyncio.wait_for(told.get(), 10)
    port = int(address.removeprefix("http://[::1]:"))
    reader, writer = await asyncio.open_connection("::1", port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: [::1]:%d\r\nConnection: close\r\n\r\n" % port)
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()
    stop.set()
    await task


@pytest.mark.parametrize(
    ("descriptors", "connections"),
    [(64, 21), (10, 8), (1024, 341), (1_000_000, 4096), (resource.RLIM_INFINITY, 4096)],
)
def test_p3_connections_leave_descriptors_for_the_rest(descriptors: int, connections: int) -> None:
    assert HttpLimits().within_descriptors(descriptors).connections == connections


async def test_i10_idle_connections_do_not_hold_the_end_up(gateway: RunningGateway) -> None:
    raw = await gateway.dial(gateway.get("/healthz"))
    await raw.answer()
    silent = await gateway.dial()
    gateway.stop.set()
    assert gateway.task is not None
    await asyncio.wait_for(gateway.task, 10)
    assert await raw.rest() == await silent.rest() == b""
    assert {task.get_coro().__name__ for task in asyncio.all_tasks()} <= {asyncio.current_task().get_coro().__name__}  # type: ignore[union-attr]


class StuckCore(ScriptedCore):
    """Its snapshot never comes."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck = asyncio.Event()

    async def snapshot(self, at: datetime | None = None) -> NoReturn:
        self.stuck.set()
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_handler_that_will_not_end_is_cancelled() -> None:
    core = StuckCore()
    async with running_gateway(core, Settings(), HttpLimits(cancelled_s=0.05)) as gateway:
        raw = await gateway.dial(gateway.get("/v1/models"))
        await asyncio.wait_for(core.stuck.wait(), 10)
        gateway.stop.set()
        assert b"200" not in await raw.rest()
