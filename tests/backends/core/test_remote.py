import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from backends.core import wire as frames
from backends.core.remote import RemoteCore, is_running
from backends.core.wire import Frame, Hello
from backends.errors import BudgetExceeded, ClawError, QueueFull, Unreachable, WrongUse
from backends.gateway.control_socket import listen_on
from backends.gateway.unix_socket import bind
from backends.paths import Paths
from backends.settings.model import Settings
from backends.types import Action, Called, Delta, Done, Media, Message, Request, Routed, ToolCall
from tests.backends.gateway.running_gateway import RunningGateway, running_gateway
from tests.backends.gateway.scripted_core import ScriptedCore, explanation, snapshot

REQUEST = Request(
    id="r1",
    messages=(Message(role="user", text="hi", media=(Media(media_type="image/png", data=bytes(range(256))),)),),
)


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore()


@pytest.fixture
async def gateway(core: ScriptedCore) -> AsyncIterator[RunningGateway]:
    async with running_gateway(core, Settings()) as found:
        yield found


@pytest.fixture(params=["socket", "address"])
async def reached(request: pytest.FixtureRequest, core: ScriptedCore) -> AsyncIterator[RemoteCore]:
    """The scripted core, over either way."""
    if request.param == "socket":
        paths = Paths.find()
        async with listen_on(core, paths):
            yield RemoteCore(paths.socket)
    else:
        async with running_gateway(core, Settings()) as gateway:
            yield RemoteCore(gateway.url, token=gateway.token)


async def test_every_verb_means_the_same_as_next_to_the_core(reached: RemoteCore, core: ScriptedCore) -> None:
    core.says = ("one", Called((ToolCall(id="a", name="look", arguments="{}"),)), "two")
    async with aclosing(reached.ask(REQUEST)) as chunks:
        heard = [chunk async for chunk in chunks]
    assert [type(chunk) for chunk in heard] == [Routed, Delta, Called, Delta, Done]
    assert core.asked == [REQUEST]
    assert await reached.explain(REQUEST) == explanation(agent="default")
    assert await reached.snapshot() == snapshot()
    action = Action(verb="pin", actor="me", agent="scout", engine="local")
    assert (await reached.act(action)).action == action
    assert core.acted == [action]
    assert (await reached.ping()).pid == os.getpid()


@pytest.mark.parametrize(
    "error", [WrongUse("empty"), BudgetExceeded("spent"), QueueFull("full", retry_after_s=1.5)], ids=lambda e: e.kind
)
async def test_what_the_core_raises_is_raised_here(reached: RemoteCore, core: ScriptedCore, error: ClawError) -> None:
    core.refuses = error
    with pytest.raises(type(error)) as raised:
        await anext(reached.ask(REQUEST))
    assert (str(raised.value), raised.value.exit_code, raised.value.retry_after_s) == (
        str(error),
        error.exit_code,
        error.retry_after_s,
    )
    with pytest.raises(type(error)):
        await reached.explain(REQUEST)
    with pytest.raises(type(error)):
        await reached.act(Action(verb="stop-cloud", actor="me"))


async def test_k1_closing_an_ask_ends_it_in_the_core(reached: RemoteCore, core: ScriptedCore) -> None:
    core.says = ("one", asyncio.Event())
    chunks = reached.ask(REQUEST)
    while not isinstance(await anext(chunks), Delta):
        pass
    await chunks.aclose()
    assert await asyncio.wait_for(core.closed.wait(), 10)


async def test_k1_a_cancelled_asker_ends_its_ask_too(reached: RemoteCore, core: ScriptedCore) -> None:
    core.says = (asyncio.Event(),)

    async def ask() -> None:
        async with aclosing(reached.ask(REQUEST)) as chunks:
            async for _ in chunks:
                pass

    task = asyncio.create_task(ask())
    await asyncio.wait_for(core.started.wait(), 10)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
    assert await asyncio.wait_for(core.closed.wait(), 10)


async def test_a_core_that_ends_without_a_done_went_away(reached: RemoteCore, core: ScriptedCore) -> None:
    core.ends = None
    with pytest.raises(Unreachable, match="went away"):
        async with aclosing(reached.ask(REQUEST)) as chunks:
            async for _ in chunks:
                pass


async def test_a_home_without_a_core_says_so(home: Path) -> None:
    paths = Paths.find()
    assert not await asyncio.to_thread(is_running, paths)
    with pytest.raises(Unreachable, match="claw serve"):
        await RemoteCore(paths.socket).ping()
    (await asyncio.to_thread(bind, paths.socket)).close()
    assert not await asyncio.to_thread(is_running, paths)
    with pytest.raises(Unreachable, match="claw serve"):
        await RemoteCore(paths.socket).snapshot()


async def test_a_running_core_is_seen(core: ScriptedCore) -> None:
    paths = Paths.find()
    async with listen_on(core, paths):
        assert await asyncio.to_thread(is_running, paths)


async def test_what_is_no_socket_is_not_spoken_to(tmp_path: Path, core: ScriptedCore) -> None:
    (tmp_path / "file").write_text("x")
    async with listen_on(core, Paths.find()):
        (tmp_path / "link").symlink_to(Paths.find().socket)
        for name in ("file", "link"):
            with pytest.raises(Unreachable, match="not a socket"):
                await RemoteCore(tmp_path / name).ping()
    with pytest.raises(Unreachable, match="CLAW_HOME"):
        await RemoteCore(tmp_path / ("x" * 120)).ping()


async def test_s29_a_socket_of_another_user_hears_nothing(core: ScriptedCore) -> None:
    paths = Paths.find()
    async with listen_on(core, paths):
        with pytest.raises(Unreachable, match="another user"):
            await anext(RemoteCore(paths.socket, uid=os.geteuid() + 1).ask(REQUEST))
    assert core.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n",
        frames.encode(Frame(hello=Hello(protocol=2, version="9.0", pid=1))),
        frames.encode(Frame(hello=Hello(protocol=1, version="9.0", pid=1))),
        b'{"result":{"novel":1}}\n',
        b"x" * 5000,
    ],
)
async def test_an_answer_that_is_none_is_one_line(answer: bytes) -> None:
    path = Paths.find().socket

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(reply, sock=await asyncio.to_thread(bind, path)):
        with pytest.raises(Unreachable):
            await RemoteCore(path, frame_bytes=4096).snapshot()


async def test_a_request_too_large_for_a_frame_is_wrong_use() -> None:
    with pytest.raises(WrongUse, match="larger than"):
        await RemoteCore(Paths.find().socket, frame_bytes=100).explain(REQUEST)


async def test_an_address_needs_its_token(
    gateway: RunningGateway, core: ScriptedCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unreachable, match="CLAW_CONTROL_TOKEN"):
        await RemoteCore(gateway.url).ping()
    for wrong in ("x", gateway.token + "x", "t\u00f6ken"):
        with pytest.raises(Unreachable, match="does not know the token"):
            await RemoteCore(gateway.url, token=wrong).ping()
    monkeypatch.setenv("CLAW_CONTROL_TOKEN", gateway.token)
    assert (await RemoteCore(gateway.url).ping()).pid == os.getpid()
    monkeypatch.delenv("CLAW_CONTROL_TOKEN")
    paths = Paths.find()
    await asyncio.to_thread(paths.make)
    await asyncio.to_thread(paths.control_token.write_text, gateway.token + "\n")
    assert (await RemoteCore(gateway.url + "/").snapshot()).pid == 1


async def test_an_address_that_is_none_of_ours_is_one_line(gateway: RunningGateway) -> None:
    with pytest.raises(Unreachable, match="no core answers"):
        await RemoteCore("http://127.0.0.1:1", token="x").ping()
    with pytest.raises(Unreachable, match="answers with 404"):
        await RemoteCore(gateway.url + "/elsewhere", token=gateway.token).ping()


async def test_an_address_behind_another_port_is_told_which_to_forward(gateway: RunningGateway) -> None:
    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", gateway.port)
        back.write(await reader.readuntil(b"\r\n\r\n"))
        writer.write(await there.read())
        writer.close()
        back.close()

    async with await asyncio.start_server(forward, "127.0.0.1", 0) as tunnel:
        port = tunnel.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable, match="ssh -L"):
            await RemoteCore(f"http://127.0.0.1:{port}", token=gateway.token).ping()
