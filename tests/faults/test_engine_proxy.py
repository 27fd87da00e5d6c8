"""A proxy between here and Gemini: only where settings name one, only for the cloud, and its password in no word."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from backends.commands import main
from backends.engines.gemini import GeminiClient
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.settings.engines import GeminiSettings
from backends.settings.model import Settings
from tests.backends.engines.rig import CLOUD_CALL, KEY, answer, failure, wire
from tests.backends.engines.twins import gemini_twin
from tests.core import ask, policy, prompt, stand

__all__ = ["gemini_twin"]

PASSWORD = "canary-proxy-word"


class Forwarder:
    """A forward proxy: passes requests on to the server they name; what it heard first of each stands in `heads`."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        verb, target, _ = head.split(b" ", 2)
        parts = urlsplit(target.decode())
        there, here = await asyncio.open_connection(parts.hostname, parts.port)
        rest = head.split(b"\r\n", 1)[1].replace(b"Connection: keep-alive", b"Connection: close")
        path = f"{parts.path}?{parts.query}".rstrip("?").encode()
        here.write(verb + b" " + path + b" HTTP/1.1\r\n" + rest)
        upward = asyncio.create_task(_pour(reader, here))
        await _pour(there, writer)
        upward.cancel()
        here.close()
        writer.close()


async def _pour(source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
    """Until the source ends, which ends the other side too."""
    while data := await source.read(65_536):
        into.write(data)
        await into.drain()
    into.close()


@asynccontextmanager
async def forwarding() -> AsyncIterator[Forwarder]:
    proxy = Forwarder()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()


def with_user(url: str) -> str:
    return url.replace("://", f"://claw:{PASSWORD}@")


async def test_cloud_proxy_carries_calls_and_checks_with_its_user(gemini_twin: GeminiTwin) -> None:
    async with forwarding() as proxy:
        settings = GeminiSettings(base_url=gemini_twin.url, proxy=with_user(proxy.url))
        engine = GeminiClient("cloud", settings, KEY)
        whole = await answer(engine, CLOUD_CALL)
        await engine.close()
        another = GeminiClient("cloud", settings, KEY)
        inspection = await another.inspect()
        await another.close()
    assert whole.finished is not None
    assert inspection.model is not None
    assert len(proxy.heads) == 2
    assert all(b"proxy-authorization: basic" in head.lower() for head in proxy.heads)
    assert gemini_twin.usage.requests.total() == 2


async def test_cloud_proxy_is_asked_for_a_tunnel_where_gemini_is_reached_by_tls() -> None:
    refusing = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with wire(refusing) as proxy:
        engine = GeminiClient("cloud", GeminiSettings(base_url="https://gemini.test", proxy=with_user(proxy.url)), KEY)
        error = await failure(engine, CLOUD_CALL)
        await engine.close()
    assert error.kind == "unavailable"
    assert "the proxy at http://127.0.0.1:" in str(error)
    assert "refuses (403): check engines.cloud.proxy" in str(error)
    assert PASSWORD not in str(error)
    assert proxy.requests[0].startswith(b"CONNECT gemini.test:443 ")
    assert KEY.encode() not in proxy.requests[0]


async def test_cloud_proxy_that_is_gone_or_wants_another_user_is_named_without_its_password() -> None:
    wants_user = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with wire(wants_user) as proxy:
        url = proxy.url
        engine = GeminiClient("cloud", GeminiSettings(base_url="http://gemini.test", proxy=with_user(url)), KEY)
        refused = await failure(engine, CLOUD_CALL)
        await engine.close()
    engine = GeminiClient("cloud", GeminiSettings(base_url="http://gemini.test", proxy=with_user(url)), KEY)
    absent = await failure(engine, CLOUD_CALL)
    await engine.close()
    assert "refuses (407)" in str(refused)
    assert "cannot be reached (connection refused)" in str(absent)
    for error in (refused, absent):
        assert (error.kind, error.billed) == ("unavailable", False)
        assert PASSWORD not in f"{error}{error.__cause__!r}"


async def test_cloud_proxy_hears_nothing_of_what_the_local_engine_answers(home: Path) -> None:
    async with forwarding() as proxy:

        def change(settings: Settings) -> Settings:
            cloud = replace(settings.engines["cloud"], proxy=proxy.url)
            return policy(replace(settings, engines=settings.engines | {"cloud": cloud}), "ada", "auto")

        async with stand(home, change=change) as it:
            await ask(it.core, prompt("hello", agent="ada", engine="local"))
            assert proxy.heads == []
            await ask(it.core, prompt("hello", agent="ada", engine="cloud"))
        assert len(proxy.heads) == 1


@pytest.mark.parametrize("address", ["socks5://127.0.0.1:1", "proxy.example:3128", "http://"])
def test_cloud_proxy_that_is_no_address_is_refused_at_the_start(
    home: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    assert main(["config", "set", "engines.cloud.proxy", address]) == 2
    assert "`engines.cloud.proxy` must be an http:// or https:// address" in capsys.readouterr().err


def test_cloud_proxy_is_shown_without_its_password(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "set", "engines.cloud.proxy", with_user("http://proxy.example:3128")]) == 0
    assert main(["config"]) == 0
    assert main(["config", "--json"]) == 0
    said = capsys.readouterr().out.replace(r"\u2026", "…")  # JSON is in ASCII
    assert PASSWORD not in said
    assert said.count("http://…@proxy.example:3128") == 3
