import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
import uvicorn
from uvicorn.server import ServerState

from backends.gateway.http_connection import HttpConnection
from backends.gateway.http_limits import HttpLimits
from backends.settings.model import Settings
from tests.backends.gateway.running_gateway import RunningGateway, running_gateway
from tests.backends.gateway.scripted_core import ScriptedCore
from tests.waiting import until

ASK = b'{"model":"auto","messages":[{"role":"user","content":"hi"}]}'
STREAM = b'{"model":"auto","stream":true,"messages":[{"role":"user","content":"hi"}]}'

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\n"

AMBIGUOUS = {
    "length and chunked": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "two unequal lengths": b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a list of lengths": b"Content-Length: 2, 2\r\n\r\n{}",
    "a signed length": b"Content-Length: +2\r\n\r\n{}",
    "a negative length": b"Content-Length: -2\r\n\r\n{}",
    "a hexadecimal length": b"Content-Length: 0x2\r\n\r\n{}",
    "bare LF after a header": b"X-A: b\nContent-Length: 2\r\n\r\n{}",
    "bare CR in a header": b"X-A: b\rc\r\nContent-Length: 2\r\n\r\n{}",
    "NUL in a header": b"X-A: b\x00c\r\nContent-Length: 2\r\n\r\n{}",
    "a folded header": b"X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
    "space before the colon": b"Content-Length : 2\r\n\r\n{}",
    "gzip then chunked": b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunked then identity": b"Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a chunk size with a sign": b"Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
    "a chunk that runs over": b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}X\r\n0\r\n\r\n",
    "a chunk size ended by LF": b"Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
    "trailers": b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nHost: evil\r\n\r\n",
}


@pytest.mark.parametrize("rest", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
async def test_s13_what_can_be_framed_in_two_ways_is_refused_and_closed(gateway: RunningGateway, rest: bytes) -> None:
    raw = await gateway.dial(HEAD % gateway.port + rest + b"GET /healthz HTTP/1.1\r\n\r\n")
    status, headers, body = await raw.answer()
    assert status == 400
    assert msgspec.json.decode(body)["error"]["code"] == "framing"
    assert headers["connection"] == "close"
    assert headers["x-claw-request-id"]
    assert await raw.rest() == b""
    assert gateway.core.asked == []


@pytest.mark.parametrize(
    "request_line",
    [
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked",
        b"GET /#f HTTP/1.1",
        b"PRI * HTTP/2.0",
        b"\x00\x01\x02",
        b"GET / HTTP/9",
    ],
)
async def test_s13_what_is_no_http_1_1_is_refused(gateway: RunningGateway, request_line: bytes) -> None:
    raw = await gateway.dial(request_line + b"\r\nHost: localhost:%d\r\n\r\n" % gateway.port)
    assert (await raw.answer())[0] == 400
    assert await raw.rest() == b""


@pytest.mark.parametrize(
    "field", [b"X: " + b"a" * 40_000, b"X" * 40_000 + b": a", b"\r\n".join(b"X%d: a" % n for n in range(200))]
)
async def test_s14_headers_are_bounded(gateway: RunningGateway, field: bytes) -> None:
    raw = await gateway.dial(b"GET /healthz HTTP/1.1\r\nHost: localhost:%d\r\n%s\r\n\r\n" % (gateway.port, field))
    status, _, body = await raw.answer()
    assert (status, msgspec.json.decode(body)["error"]["code"]) == (431, "headers_too_large")


async def test_s14_a_header_that_never_ends_is_bounded(gateway: RunningGateway) -> None:
    raw = await gateway.dial(b"GET /healthz HTTP/1.1\r\nX: ")
    for _ in range(9):
        raw.send(b"a" * 4096)
        await raw.writer.drain()
    assert (await raw.answer())[0] == 431


async def test_s14_headers_that_take_too_long_are_given_up(core: ScriptedCore, settings: Settings) -> None:
    async with running_gateway(core, settings, HttpLimits(head_s=0.05)) as gateway:
        raw = await gateway.dial(b"GET /healthz HTTP/1.1\r\n")
        assert (await raw.answer())[0] == 408
        silent = await gateway.dial()
        assert await silent.rest() == b""
        blank = await gateway.dial(b"\r\n\r\n")
        assert await blank.rest() == b""


async def test_s14_slow_senders_leave_room_for_a_good_caller(gateway: RunningGateway) -> None:
    slow = [await gateway.dial(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x") for _ in range(200)]
    assert (await (await gateway.dial(gateway.post(ASK))).answer())[0] == 200
    assert len(slow) == 200


async def test_p3_connections_beyond_the_limit_get_a_503(core: ScriptedCore, settings: Settings) -> None:
    async with running_gateway(core, settings, HttpLimits(connections=1)) as gateway:
        first = await gateway.dial(gateway.get("/healthz"))
        assert (await first.answer())[0] == 200
        second = await gateway.dial()
        status, _, body = await second.answer()
        assert (status, msgspec.json.decode(body)["error"]["code"]) == (503, "busy")
        assert await second.rest() == b""
        first.send(gateway.get("/healthz"))
        assert (await first.answer())[0] == 200


async def test_a_connection_serves_one_request_after_another(gateway: RunningGateway) -> None:
    raw = await gateway.dial()
    for _ in range(3):
        raw.send(gateway.post(ASK))
        status, headers, _ = await raw.answer()
        assert status == 200
        assert "connection" not in headers


async def test_k5_a_request_sent_before_the_answer_came_ends_the_connection_after_it(gateway: RunningGateway) -> None:
    gate = asyncio.Event()
    gateway.core.says = (gate, "late")
    raw = await gateway.dial(gateway.post(ASK) + gateway.post(ASK))
    await asyncio.wait_for(gateway.core.started.wait(), 10)
    gate.set()
    assert (await raw.answer())[0] == 200
    assert await raw.rest() == b""
    assert len(gateway.core.asked) == 1


async def test_a_malformed_request_behind_a_stream_does_not_write_into_it(gateway: RunningGateway) -> None:
    gate = asyncio.Event()
    gateway.core.says = ("one", gate, "two")
    raw = await gateway.dial(gateway.post(STREAM))
    await raw.head()
    raw.send(b"\x00garbage\r\n\r\n")
    later = await gateway.dial(gateway.get("/healthz"))
    assert (await later.answer())[0] == 200  # so the bytes that were sent before it have been read
    gate.set()
    rest = await raw.rest()
    assert b"HTTP/1.1" not in rest
    assert b'"two"' in rest


CHUNKS = 2000  # more than the kernel's buffers hold


@pytest.fixture
def flooding(core: ScriptedCore) -> ScriptedCore:
    core.says = ("x" * 16_384,) * CHUNKS
    return core


async def test_k2_for_a_reader_that_stops_the_producer_waits(flooding: ScriptedCore, gateway: RunningGateway) -> None:
    raw = await gateway.dial(gateway.post(STREAM), limit=1024)
    await raw.head()
    assert await status_of(gateway) == 200  # the loop had its turns
    assert 0 < flooding.yielded < CHUNKS


async def test_k2_a_reader_that_stops_is_disconnected_after_its_time(
    flooding: ScriptedCore, settings: Settings
) -> None:
    async with running_gateway(flooding, settings, HttpLimits(write_s=0.2)) as gateway:
        raw = await gateway.dial(gateway.post(STREAM), limit=1024)
        await raw.head()
        await asyncio.wait_for(flooding.started.wait(), 10)
        await asyncio.wait_for(flooding.closed.wait(), 10)


async def test_k2_a_reader_that_takes_its_time_gets_everything(flooding: ScriptedCore, gateway: RunningGateway) -> None:
    raw = await gateway.dial(gateway.post(STREAM), limit=1024)
    assert (await raw.head())[0] == 200
    received = b""
    while not received.endswith(b"0\r\n\r\n"):
        received += await asyncio.wait_for(raw.reader.read(65_536), 10)
    assert received.count(b"x" * 16_384) == CHUNKS
    assert b"[DONE]" in received


async def test_k2_a_whole_answer_left_unread_is_cut_after_its_time() -> None:
    async def app(_scope: object, _receive: object, send: Callable[[Any], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    body = b"x" * 16_384 * CHUNKS
    config = uvicorn.Config(app, http="httptools", ws="none", lifespan="off", log_config=None)
    config.load()
    state, loop = ServerState(), asyncio.get_running_loop()
    limits = HttpLimits(write_s=0.2)
    server = await loop.create_server(lambda: HttpConnection(config, state, loop, limits), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        assert len(state.connections) == 1
        await until(lambda: not state.connections)
        writer.transport.abort()


async def status_of(gateway: RunningGateway) -> int:
    raw = await gateway.dial(gateway.get("/healthz"))
    status, *_ = await raw.answer()
    raw.close()
    return status


OFFERS = {
    "h2c as Java's client offers it": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n",
    "a web socket": b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    "something unheard of": b"Connection: Upgrade\r\nUpgrade: gopher/2\r\n",
}


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS.keys())
async def test_an_offer_of_another_protocol_is_ignored_and_the_request_answered(
    gateway: RunningGateway, offer: bytes
) -> None:
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\n" % gateway.port
    )
    raw = await gateway.dial(head + offer + b"Content-Length: %d\r\n\r\n" % len(ASK) + ASK[:5])
    await asyncio.sleep(0)
    raw.send(ASK[5:])
    status, headers, body = await raw.answer()
    assert status == 200
    assert "upgrade" not in headers
    assert b"Hello there" in body
    for again in (b"GET /healthz HTTP/1.1\r\nHost: localhost:%d\r\n%s\r\n" % (gateway.port, offer), gateway.post(ASK)):
        raw.send(again)
        assert (await raw.answer())[0] == 200


async def test_what_follows_an_offer_in_one_packet_is_framed_as_ever(gateway: RunningGateway) -> None:
    offer = b"GET /healthz HTTP/1.1\r\nHost: localhost:%d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" % gateway.port
    raw = await gateway.dial(offer + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + gateway.post(ASK))
    answers = await raw.rest()
    assert answers.count(b"HTTP/1.1 ") <= 2
    assert gateway.core.asked == []
