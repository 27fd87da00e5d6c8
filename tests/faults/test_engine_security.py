"""The engines' lines of the security list, as their clients keep them."""

import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from msgspec import Struct
from msgspec.structs import replace as changed

from backends.engines.base import Call, Engine
from backends.engines.gemini import GeminiClient
from backends.engines.ollama import OllamaClient
from backends.engines.openai import OpenAIClient
from backends.errors import EngineError
from backends.rehearsal.faults import Fault
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.settings.engines import GeminiSettings
from backends.types import Media
from tests.backends.engines.rig import (
    CALL,
    CLOUD_CALL,
    KEY,
    PROMPT,
    answer,
    candidate,
    delta,
    failure,
    local_settings,
    response,
    sse,
    wire,
)
from tests.backends.engines.twins import gemini, gemini_twin

__all__ = ["gemini", "gemini_twin"]


class Kind(Struct, frozen=True):
    """How to build one engine, what to call it with, and a good answer of its server."""

    build: Callable[[str], Engine]
    call: Call
    good: bytes


KINDS = {
    "ollama": Kind(
        lambda url: OllamaClient("local", local_settings(url)),
        CALL,
        response(b'{"message":{"role":"assistant","content":"x"},"done":true}\n'),
    ),
    "openai": Kind(
        lambda url: OpenAIClient("local", local_settings(url, kind="openai")), CALL, response(sse(delta("x", "stop")))
    ),
    "gemini": Kind(
        lambda url: GeminiClient("cloud", GeminiSettings(base_url=url), KEY),
        CLOUD_CALL,
        response(sse(candidate("x", "STOP"))),
    ),
}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


@asynccontextmanager
async def open_engine(kind: str, url: str) -> AsyncIterator[Engine]:
    engine = KINDS[kind].build(url)
    yield engine
    await engine.close()


@EVERY_KIND
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_s16_a_redirect_is_an_error_and_the_other_place_hears_nothing(kind: str, status: str) -> None:
    async with wire(KINDS[kind].good) as other:
        location = f"http://user:canary-pw@{other.url.removeprefix('http://')}/steal?{KEY}"
        detour = f"HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
        async with wire(detour) as server, open_engine(kind, server.url) as engine:
            error = await failure(engine, KINDS[kind].call)
    assert error.kind == "unavailable"
    assert error.status == int(status[:3])
    assert other.url in str(error)
    assert "canary-pw" not in str(error)
    assert other.connections == 0


@EVERY_KIND
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"])
async def test_s17_proxy_variables_are_not_read(kind: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with wire(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as proxy, wire(KINDS[kind].good) as server:
        monkeypatch.setenv(variable, proxy.url)
        async with open_engine(kind, server.url) as engine:
            assert (await answer(engine, KINDS[kind].call)).text == "x"
    assert proxy.connections == 0
    assert len(server.requests) == 1


async def test_s18_the_key_is_in_its_header_and_nowhere_else(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    await answer(gemini, CLOUD_CALL)
    (seen,) = gemini_twin.seen
    assert [name for name, value in seen.headers.items() if KEY in value] == ["x-goog-api-key"]
    assert KEY not in seen.path
    assert KEY.encode() not in seen.body


def told(error: BaseException) -> str:
    """All that a log would show of an error: its traceback with causes, its repr, its arguments."""
    lines = traceback.TracebackException.from_exception(error).format()
    return "".join(lines) + repr(error) + repr(vars(error)) + repr(error.args)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 429, 500, 503])
async def test_s26_an_error_that_quotes_the_key_and_the_prompt(
    gemini: GeminiClient, gemini_twin: GeminiTwin, status: int
) -> None:
    """The prompt is ours to keep out; what an upstream quotes of it is shortened, the key in it is struck out."""
    body = {"error": {"code": status, "message": f"bad key {KEY}\r\n\x1b[2J{KEY}" + "." * 5_000}}
    gemini_twin.inject(Fault(kind="status", status=status, body=body))
    with pytest.raises(EngineError) as caught:
        await answer(gemini, CLOUD_CALL)
    assert KEY not in told(caught.value)
    assert PROMPT not in told(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="silence"),
        Fault(kind="reset", after=1),
        Fault(kind="half", after=1),
        Fault(kind="error", after=1, body={"error": {"code": 500, "message": f"about {KEY}"}}),
        Fault(kind="error", after=0, body={"oops": KEY}),
    ],
)
async def test_s26_broken_calls_tell_neither_key_nor_prompt(
    gemini: GeminiClient, gemini_twin: GeminiTwin, fault: Fault
) -> None:
    gemini_twin.inject(fault)
    with pytest.raises(EngineError) as caught:
        await answer(gemini, changed(CLOUD_CALL, first_byte_s=0.2))
    assert KEY not in told(caught.value)
    assert PROMPT not in told(caught.value)


async def test_s18_the_engine_itself_shows_no_key(gemini: GeminiClient) -> None:
    await gemini.prepare()
    assert KEY not in repr(gemini)
    assert KEY not in str(gemini)


@pytest.mark.parametrize("variable", ["GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE"])
async def test_s11_variables_of_the_sdk_do_not_move_the_cloud(
    gemini_twin: GeminiTwin, gemini: GeminiClient, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with wire(KINDS["gemini"].good) as other:
        monkeypatch.setenv(variable, "true")
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "somebody")
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", other.url)
        assert (await answer(gemini, CLOUD_CALL)).finished is not None
    assert other.connections == 0
    assert gemini_twin.usage.requests.total() == 1


@pytest.mark.parametrize("model", ["../../v1/other", "a/b", "m?key=x", "m#", "http://evil.example/m", "", "m:count"])
async def test_s11_a_model_name_cannot_change_the_address(
    gemini: GeminiClient, gemini_twin: GeminiTwin, model: str
) -> None:
    assert (await failure(gemini, changed(CLOUD_CALL, model=model))).kind == "model"
    assert gemini_twin.usage.requests == {}


async def test_s12_an_image_is_never_taken_for_a_path_of_this_machine() -> None:
    image = Media(media_type="image/png", data=b"/etc/hostname")
    call = changed(CALL, messages=(changed(CALL.messages[1], media=(image,)),))
    async with wire(KINDS["ollama"].good) as server, open_engine("ollama", server.url) as engine:
        await answer(engine, call)
    assert b"L2V0Yy9ob3N0bmFtZQ==" in server.requests[0]
