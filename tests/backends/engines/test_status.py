"""What a server says of itself outside any call: loaded models, its own queue, and why it cannot be reached."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from backends.engines.framing import FRAME_LIMIT
from backends.engines.ollama.status import OllamaStatus
from backends.engines.probe import Probe
from backends.engines.registry import clients
from backends.engines.transport import Transport
from backends.settings.engines import OllamaSettings
from backends.types import RuntimeReading
from tests.backends.engines.rig import LOCAL_ENDPOINT, local_settings

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
Answer = Callable[[str], tuple[int, bytes]]

PS = b"""{"models": [{"name": "qwen2.5:14b", "size": 9000, "size_vram": 8000, "context_length": 16384,
"expires_at": "2026-11-24T14:38:31.837533012+02:00"}, {"model": "tiny", "expires_at": "0001-01-01T00:00:00Z"},
{"name": "odd", "expires_at": "2026-13-45T00:00:00Z"}]}"""


@asynccontextmanager
async def _server(answer: Answer) -> AsyncIterator[tuple[str, list[str]]]:
    """Answers GETs on loopback; yields its address and the paths asked for."""
    asked: list[str] = []
    visits = set[asyncio.Task[None] | None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.add(asyncio.current_task())
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ")[1].decode()
                asked.append(path)
                status, body = answer(path)
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}", asked
    finally:
        server.close()
        await server.wait_closed()
        for visit in visits:
            assert visit is not None
            await visit


async def _sample(url: str, kind: str = "ollama") -> RuntimeReading:
    (client,) = clients("local", local_settings(url, kind=kind))
    try:
        return await client.status(AT)
    finally:
        await client.close()


def _ollama(path: str) -> tuple[int, bytes]:
    return 200, b'{"version": "0.13.0"}' if path == "/api/version" else PS


async def test_ollamas_models_and_version() -> None:
    async with _server(_ollama) as (url, _):
        reading = await _sample(url)
    assert (reading.reachable, reading.version, reading.waiting) == (True, "0.13.0", None)
    first, second, odd = reading.models
    assert (first.name, first.size_b, first.vram_b, first.context) == ("qwen2.5:14b", 9000, 8000, 16384)
    assert first.expires_at == datetime(2026, 11, 24, 12, 38, 31, tzinfo=UTC)
    assert (second.name, second.size_b, second.expires_at, odd.expires_at) == ("tiny", None, None, None)


async def test_the_version_is_asked_for_once() -> None:
    async with _server(_ollama) as (url, asked):
        (client,) = clients("local", OllamaSettings(base_url=url))
        await client.status(AT)
        reading = await client.status(AT)
        assert (reading.version, reading.at) == ("0.13.0", AT)
        await client.close()
    assert asked == ["/api/version", "/api/ps", "/api/ps"]


async def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with _server(lambda path: (500, b"")) as (proxy, asked), _server(_ollama) as (url, _):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        assert (await _sample(url)).reachable
    assert asked == []


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (lambda path: (503, b""), "Ollama answers /api/version with 503"),
        (lambda path: (307, b""), "redirects to elsewhere (307)"),
        (lambda path: (200, b"<html>"), "answers /api/version with 200 and no object"),
        (lambda path: (200, b'{"version": 5}'), "answers /api/version without a version"),
        (lambda path: (200, b"x" * (FRAME_LIMIT + 1)), "sent more than 8 MiB"),
    ],
)
async def test_what_is_no_ollama_is_a_reading(answer: Answer, detail: str) -> None:
    async with _server(answer) as (url, _):
        reading = await _sample(url)
    assert not reading.reachable
    assert detail in reading.detail


async def test_nobody_there_is_a_reading() -> None:
    async with _server(_ollama) as (url, _):
        pass
    reading = await _sample(url)
    assert (reading.reachable, reading.detail) == (
        False,
        f"Ollama at {url} cannot be reached (connection refused)",
    )


async def test_silence_is_a_reading() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        left.set()

    left = asyncio.Event()
    server = await asyncio.start_server(mute, "127.0.0.1")
    host, port = server.sockets[0].getsockname()[:2]
    endpoint = replace(LOCAL_ENDPOINT, base_url=f"http://{host}:{port}")
    transport = Transport(endpoint, parallel=1)
    reading = await OllamaStatus(Probe(endpoint, transport), answer_s=0.05).read(AT)
    assert (reading.reachable, reading.detail) == (False, "Ollama sent no byte within 0.05 s")
    await transport.aclose()
    await left.wait()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("metrics", "waiting"),
    [
        (b"# HELP x\nllamacpp:requests_deferred 3\n", 3),
        (b'vllm:num_requests_waiting{model_name="q"} 2.0\nvllm:num_requests_waiting{model_name="r"} 1.0\n', 3),
        (b"vllm:num_requests_waiting NaN\n", None),
        (b"something_else 4\n", None),
    ],
)
async def test_a_servers_own_queue(metrics: bytes, waiting: int | None) -> None:
    async with _server(lambda path: (200, metrics)) as (url, asked):
        reading = await _sample(f"{url}/v1", "openai")
    assert (reading.reachable, reading.waiting) == (True, waiting)
    assert asked == ["/metrics"]


async def test_a_server_without_metrics_is_reachable() -> None:
    async with _server(lambda path: (404, b"")) as (url, _):
        reading = await _sample(url, "openai")
    assert (reading.reachable, reading.waiting) == (True, None)
    assert "unknown" in reading.detail


async def test_metrics_that_are_no_text_are_a_reading() -> None:
    async with _server(lambda path: (200, b"\xff\xfe")) as (url, _):
        assert not (await _sample(url, "openai")).reachable
