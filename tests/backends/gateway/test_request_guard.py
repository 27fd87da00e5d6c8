import asyncio
import gzip
import tracemalloc
from itertools import product

import msgspec
import pytest

from backends.gateway.asgi_app import http_routes
from backends.gateway.http_errors import HttpError
from backends.gateway.http_limits import HttpLimits
from backends.gateway.metrics import Counters
from backends.gateway.request_guard import RequestGuard
from backends.settings.model import Settings
from tests.backends.gateway.running_gateway import RunningGateway, running_gateway
from tests.backends.gateway.scripted_core import ScriptedCore

ASK = b'{"model":"auto","messages":[{"role":"user","content":"hi"}]}'


def code_of(body: bytes) -> str:
    return str(msgspec.json.decode(body)["error"]["code"])


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "localhost",
        "127.0.0.1",
        "localhost:{port}/#@x",
        "localhost:{port}@evil.example",
        "localhost.:{port}",
        "127.0.0.1:1",
        "127.1:{port}",
        "[::1]:{port}x",
        "",
    ],
)
async def test_s2_a_host_outside_the_list_is_misdirected_before_key_and_body(
    gateway: RunningGateway, host: str
) -> None:
    raw = await gateway.dial(gateway.post(b"not read", Host=host.format(port=gateway.port), Content_Type="x/y"))
    status, headers, body = await raw.answer()
    assert (status, code_of(body)) == (421, "misdirected")
    assert headers["x-claw-request-id"]
    assert await raw.rest() == b""
    assert gateway.core.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
async def test_each_loopback_name_with_our_port_is_known(gateway: RunningGateway, host: str) -> None:
    raw = await gateway.dial(gateway.get("/healthz", Host=host.format(port=gateway.port)))
    assert (await raw.answer())[0] == 200


async def test_s2_no_host_two_hosts_and_an_absolute_target_are_misdirected(gateway: RunningGateway) -> None:
    port = gateway.port
    for request in (
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost:%d\r\nHost: localhost:%d\r\n\r\n" % (port, port),
        b"GET /healthz HTTP/1.1\r\nHost: localhost:%d\r\nHost: evil\r\n\r\n" % port,
        b"GET http://localhost:%d/healthz HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % (port, port),
        b"GET //evil/healthz HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % port,
    ):
        raw = await gateway.dial(request)
        assert (await raw.answer())[0] == 421, request


async def test_a_setting_names_further_hosts(settings: Settings) -> None:
    plain = RequestGuard(8787, ("claw.lan",))
    assert {b"claw.lan", b"claw.lan:8787"} <= plain.hosts
    assert b"127.0.0.1" not in plain.hosts
    assert b"127.0.0.1" in RequestGuard(80).hosts
    with pytest.raises(HttpError) as turned:
        plain.headers([(b"host", b"claw.lan:1")])
    assert turned.value.http_status == 421


async def test_s3_every_route_refuses_a_bad_host_and_a_path_spelled_otherwise(gateway: RunningGateway) -> None:
    routes = http_routes(Settings(), Counters((), {}))
    for route, host in product(routes, ("evil.example", f"localhost:{gateway.port}/{'x'}")):
        path = route.path.decode()
        request = gateway.post(ASK, path=path, Host=host) if route.method == "POST" else gateway.get(path, Host=host)
        assert (await (await gateway.dial(request)).answer())[0] == 421
    for path in ("/v1/%6dodels", "/v1/models/", "/v1//models", "/V1/models", "/./v1/models", "/v1/x/../models"):
        assert (await (await gateway.dial(gateway.get(path))).answer())[0] == 404, path


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.example", "http://127.0.0.1:1", "https://localhost:{port}", "x"]
)
async def test_s4_a_web_page_is_refused_and_told_nothing(gateway: RunningGateway, origin: str) -> None:
    raw = await gateway.dial(gateway.post(ASK, Origin=origin.format(port=gateway.port)))
    status, headers, body = await raw.answer()
    assert (status, code_of(body)) == (403, "origin")
    assert not [name for name in headers if name.startswith("access-control")]
    assert gateway.core.asked == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
async def test_s4_a_fetch_from_another_site_is_refused(gateway: RunningGateway, site: str) -> None:
    raw = await gateway.dial(gateway.get("/v1/models", Sec_Fetch_Site=site))
    assert (await raw.answer())[0] == 403


async def test_s4_a_preflight_gets_no_cors_header(gateway: RunningGateway) -> None:
    head = f"Host: localhost:{gateway.port}\r\nOrigin: http://localhost:{gateway.port}\r\n"
    raw = await gateway.dial(f"OPTIONS /v1/chat/completions HTTP/1.1\r\n{head}\r\n".encode())
    status, headers, _ = await raw.answer()
    assert status == 405
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/json; charset=latin-1"],
)
async def test_s5_a_body_that_is_not_json_is_not_read(gateway: RunningGateway, kind: str) -> None:
    raw = await gateway.dial(gateway.post(ASK, Content_Type=kind))
    status, _, body = await raw.answer()
    assert (status, code_of(body)) == (415, "not_json")
    assert gateway.core.asked == []


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
async def test_s13_gzip_is_read(gateway: RunningGateway, encoding: str) -> None:
    raw = await gateway.dial(gateway.post(gzip.compress(ASK), Content_Encoding=encoding))
    assert (await raw.answer())[0] == 200
    assert [message.text for message in gateway.core.asked[0].messages] == ["hi"]


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "chunked", "evil"])
async def test_s13_an_unknown_encoding_is_refused(gateway: RunningGateway, encoding: str) -> None:
    raw = await gateway.dial(gateway.post(gzip.compress(ASK), Content_Encoding=encoding))
    status, headers, body = await raw.answer()
    assert (status, code_of(body), headers["connection"]) == (415, "encoding", "close")
    assert gateway.core.asked == []


PACKED = gzip.compress(ASK, mtime=0)


@pytest.mark.parametrize("body", [ASK, PACKED[:-1], PACKED[:12], PACKED + b"{}", PACKED + PACKED, b""])
async def test_s13_what_is_not_one_whole_gzip_stream_is_refused(gateway: RunningGateway, body: bytes) -> None:
    raw = await gateway.dial(gateway.post(body, Content_Encoding="gzip"))
    status, _, said = await raw.answer()
    assert (status, code_of(said)) == (400, "encoding")
    assert gateway.core.asked == []


async def test_s13_a_bomb_is_unpacked_no_further_than_the_limit(core: ScriptedCore) -> None:
    settings = msgspec.convert({"router": {"max_prompt_bytes": 2**20}}, Settings)
    bomb = gzip.compress(bytes(2**26))
    async with running_gateway(core, settings) as gateway:
        tracemalloc.start()
        raw = await gateway.dial(gateway.post(bomb, Content_Encoding="gzip"))
        status, _, said = await raw.answer()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (status, code_of(said)) == (413, "too_large")
    assert most < 2**23
    assert core.asked == []


async def test_json_in_utf_8_by_either_spelling_is_read(gateway: RunningGateway) -> None:
    for kind in ("application/json", 'Application/JSON; charset="UTF-8"', "application/json;charset=utf-8"):
        assert (await (await gateway.dial(gateway.post(ASK, Content_Type=kind))).answer())[0] == 200


async def test_a_header_sent_twice_is_refused_where_it_decides(gateway: RunningGateway) -> None:
    head = f"Host: localhost:{gateway.port}\r\nX-Claw-Agent: scout\r\nX-Claw-Agent: ada\r\n"
    raw = await gateway.dial(f"GET /v1/models HTTP/1.1\r\n{head}\r\n".encode())
    assert (await raw.answer())[0] == 400


async def test_k5_a_body_larger_than_its_route_takes_is_refused_from_its_length(gateway: RunningGateway) -> None:
    raw = await gateway.dial(gateway.post(b"", Content_Length=str(100 * 2**20)))
    status, _, body = await raw.answer()
    assert (status, code_of(body)) == (413, "too_large")
    assert await raw.rest() == b""


async def test_k5_a_chunked_body_is_refused_once_it_is_too_large(core: ScriptedCore) -> None:
    settings = msgspec.convert({"router": {"max_prompt_bytes": 1000}}, Settings)
    async with running_gateway(core, settings) as gateway:
        head = f"Host: localhost:{gateway.port}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
        raw = await gateway.dial(f"POST /v1/chat/completions HTTP/1.1\r\n{head}\r\n".encode())
        raw.send((b"3e8\r\n" + b" " * 1000 + b"\r\n") * 3)
        assert (await raw.answer())[0] == 413


async def test_a_get_takes_no_body(gateway: RunningGateway) -> None:
    raw = await gateway.dial(gateway.get("/healthz", Content_Length="2") + b"{}")
    assert (await raw.answer())[0] == 413


async def test_s14_a_body_that_comes_too_slowly_is_given_up(core: ScriptedCore, settings: Settings) -> None:
    async with running_gateway(core, settings, HttpLimits(body_grace_s=0.05)) as gateway:
        raw = await gateway.dial(gateway.post(ASK)[:-1])
        status, headers, body = await raw.answer()
        assert (status, code_of(body), headers["connection"]) == (408, "too_slow", "close")
        assert gateway.core.asked == []


async def test_s14_all_bodies_together_are_bounded(core: ScriptedCore, settings: Settings) -> None:
    async with running_gateway(core, settings, HttpLimits(bodies_bytes=len(ASK))) as gateway:
        unfinished = await gateway.dial(gateway.post(ASK)[:-1])
        raw = await gateway.dial(gateway.post(ASK))
        assert (await raw.answer())[0] == 503
        unfinished.send(ASK[-1:])
        assert (await unfinished.answer())[0] == 200


async def test_a_caller_that_leaves_in_the_middle_of_its_body_is_forgotten(gateway: RunningGateway) -> None:
    raw = await gateway.dial(gateway.post(ASK)[:-1])
    await asyncio.sleep(0)
    raw.close()
    assert (await (await gateway.dial(gateway.post(ASK))).answer())[0] == 200
    assert len(gateway.core.asked) == 1


async def test_unknown_paths_and_methods_name_what_is_there(gateway: RunningGateway) -> None:
    status, _, body = await (await gateway.dial(gateway.get("/nothing"))).answer()
    assert (status, code_of(body)) == (404, "not_found")
    status, _, body = await (await gateway.dial(gateway.get("/v1/chat/completions"))).answer()
    assert status == 405
    assert b"POST" in body
