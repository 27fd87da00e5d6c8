import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import msgspec
import pytest

from backends.core import wire as frames
from backends.core.remote import RemoteCore
from backends.errors import ClawError
from backends.events import AlertCleared
from backends.gateway.control_socket import ControlLimits, listen_on
from backends.gateway.graceful_shutdown import GracefulShutdown
from backends.paths import Paths
from backends.settings.model import Settings
from backends.types import Delta, Message, Request
from tests.backends.gateway.running_gateway import Raw, running_gateway
from tests.backends.gateway.scripted_core import ScriptedCore
from tests.waiting import until

REQUEST = Request(id="r1", messages=(Message(role="user", text="hi"),))


@pytest.fixture
def paths() -> Paths:
    return Paths.find()


@asynccontextmanager
async def dialled(paths: Paths, data: bytes = b"", *, limit: int = 2**20) -> AsyncIterator[Raw]:
    raw = Raw(*await asyncio.open_unix_connection(str(paths.socket), limit=limit))
    raw.send(data)
    try:
        yield raw
    finally:
        raw.close()


async def test_a_call_is_answered_line_by_line(core: ScriptedCore, paths: Paths) -> None:
    async with listen_on(core, paths), dialled(paths, frames.encode(frames.Ask(request=REQUEST))) as raw:
        lines = [msgspec.json.decode(line) for line in (await raw.rest()).splitlines()]
    assert [next(iter(line)) for line in lines] == ["hello", "chunk", "chunk", "chunk", "chunk", "end"]
    assert lines[0]["hello"]["pid"] == os.getpid()
    assert lines[1]["chunk"]["type"] == "Routed"
    assert core.asked == [REQUEST]


async def test_the_socket_is_gone_when_the_core_is(core: ScriptedCore, paths: Paths) -> None:
    async with listen_on(core, paths):
        assert paths.socket.exists()
    assert not paths.socket.exists()


@pytest.mark.parametrize("line", [b"\n", b"GET / HTTP/1.1\r\n", b'{"verb":"dance","protocol":1}\n', b"\xff\n"])
async def test_what_is_no_call_is_told_so(core: ScriptedCore, paths: Paths, line: bytes) -> None:
    async with listen_on(core, paths), dialled(paths, line) as raw:
        said = msgspec.json.decode(await raw.rest())
    assert said["error"]["name"] == "WrongUse"
    assert core.asked == []


async def test_a_caller_that_sends_nothing_is_disconnected(core: ScriptedCore, paths: Paths) -> None:
    async with listen_on(core, paths, limits=ControlLimits(call_s=0.05)), dialled(paths) as raw:
        assert await raw.rest() == b""


async def test_a_line_without_an_end_is_bounded(core: ScriptedCore, paths: Paths) -> None:
    async with listen_on(core, paths, limits=ControlLimits(line_bytes=1000)), dialled(paths, b"x" * 5000) as raw:
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await raw.reader.readexactly(1)


async def test_k1_closing_the_connection_ends_the_ask(core: ScriptedCore, paths: Paths) -> None:
    core.says = ("one", asyncio.Event())
    async with listen_on(core, paths):
        async with dialled(paths, frames.encode(frames.Ask(request=REQUEST))) as raw:
            while b"Delta" not in await raw.reader.readline():
                pass
        await asyncio.wait_for(core.closed.wait(), 10)


async def test_k2_an_asker_that_reads_nothing_is_disconnected_and_a_watcher_is_not(
    core: ScriptedCore, paths: Paths
) -> None:
    core.says = ("x" * 65_536,) * 200
    async with (
        listen_on(core, paths, limits=ControlLimits(write_s=0.1)),
        dialled(paths, frames.encode(frames.WatchEvents()), limit=1024) as raw,
    ):
        await asyncio.wait_for(core.watched.wait(), 10)
        await asyncio.sleep(0)
        for number in range(40):
            core.bus.publish(AlertCleared(key=f"{number} " + "x" * 65_536))
        async with dialled(paths, frames.encode(frames.Ask(request=REQUEST)), limit=1024):
            await asyncio.wait_for(core.started.wait(), 10)
            await asyncio.wait_for(core.closed.wait(), 10)
        received = 0
        while received < 40:
            received += (await asyncio.wait_for(raw.reader.read(2**20), 10)).count(b"\n")


async def test_a_fault_of_the_cores_own_is_an_error_too(core: ScriptedCore, paths: Paths) -> None:
    core.breaks = ZeroDivisionError("with private words in it")
    async with listen_on(core, paths), dialled(paths, frames.encode(frames.Ask(request=REQUEST))) as raw:
        told = await raw.rest()
    assert b"internal error (ZeroDivisionError)" in told
    assert b"private words" not in told


async def test_what_cannot_be_sent_is_an_error(core: ScriptedCore, paths: Paths) -> None:
    core.says = ("half a pair \ud83d",)
    async with listen_on(core, paths), dialled(paths, frames.encode(frames.Ask(request=REQUEST))) as raw:
        assert b"cannot be sent" in await raw.rest()


async def test_p2_a_drain_is_told_to_askers_and_refuses_new_ones(core: ScriptedCore, paths: Paths) -> None:
    shutdown = GracefulShutdown()
    core.says = ("one", asyncio.Event())
    async with listen_on(core, paths, shutdown), dialled(paths, frames.encode(frames.Ask(request=REQUEST))) as raw:
        await asyncio.wait_for(core.started.wait(), 10)
        await until(lambda: shutdown.scopes)
        async with asyncio.TaskGroup() as group:
            group.create_task(shutdown.drain(0.01))
        last = msgspec.json.decode((await raw.rest()).splitlines()[-1])
        assert last["error"]["kind"] == "draining"
        async with dialled(paths, frames.encode(frames.Ask(request=REQUEST))) as late:
            assert msgspec.json.decode(await late.rest())["error"]["kind"] == "draining"
        assert (await RemoteCore(paths.socket).snapshot()).pid == 1


async def test_p2_looking_over_http_goes_on_while_asking_is_refused(core: ScriptedCore) -> None:
    core.says = (asyncio.Event(),)
    async with running_gateway(core, Settings()) as gateway:
        over = RemoteCore(gateway.url, token=gateway.token)
        answer = over.ask(REQUEST)
        await anext(answer)
        gateway.stop.set()
        await until(lambda: gateway.shutdown.closing)
        assert (await over.snapshot()).pid == 1
        with pytest.raises(ClawError, match="shutting down"):
            await anext(over.ask(REQUEST))
        gateway.shutdown.cancel_all()
        with pytest.raises(ClawError, match="shut down"):
            await anext(answer)


async def test_leaving_the_block_ends_what_runs(core: ScriptedCore, paths: Paths) -> None:
    core.says = (asyncio.Event(),)
    async with listen_on(core, paths):
        raw = Raw(*await asyncio.open_unix_connection(str(paths.socket)))
        raw.send(frames.encode(frames.Ask(request=REQUEST)))
        await asyncio.wait_for(core.started.wait(), 10)
    assert core.closed.is_set()
    await raw.rest()
    raw.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="a second user can only be played by root")
async def test_s29_another_user_s_connection_is_closed_unread(core: ScriptedCore, paths: Paths) -> None:
    call = frames.encode(frames.Ask(request=REQUEST))
    as_nobody = (
        "import os, socket, sys; peer = socket.socket(socket.AF_UNIX); os.chdir(sys.argv[1]); os.setuid(65534)\n"
        "peer.connect('claw.sock'); peer.sendall(sys.stdin.buffer.read()); sys.stdout.buffer.write(peer.recv(99))"
    )
    async with listen_on(core, paths):
        for path in (paths.run, paths.socket):
            path.chmod(0o777)
        run = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", as_nobody, str(paths.run)],
            input=call,
            capture_output=True,
            timeout=20,
            check=False,
        )
    assert run.stdout == b""
    assert core.asked == []


async def test_events_reach_their_watcher(core: ScriptedCore, paths: Paths) -> None:
    async with listen_on(core, paths), aclosing(RemoteCore(paths.socket).events()) as events:
        first = asyncio.ensure_future(anext(events))
        await asyncio.wait_for(core.watched.wait(), 10)
        await asyncio.sleep(0)
        core.bus.publish(AlertCleared(key="disk"))
        assert await asyncio.wait_for(first, 10) == AlertCleared(key="disk")


async def test_text_comes_unchanged(core: ScriptedCore, paths: Paths) -> None:
    core.says = ("\x1b]52;c;\u202e\x00\r\n", "\U0001f600")
    async with listen_on(core, paths), aclosing(RemoteCore(paths.socket).ask(REQUEST)) as chunks:
        texts = [chunk.text async for chunk in chunks if isinstance(chunk, Delta)]
    assert texts == list(core.says)
