"""The provider's key, in a whole core: in its header, and nowhere else, whatever fails."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from backends.commands import main
from backends.logs import logging_to
from backends.paths import Paths
from backends.rehearsal.faults import Fault
from backends.settings.model import Settings
from tests.core import Stand, policy, served, stand

KEY = "AIza-canary-9c41e7b2d8f0"
AGENTS = ("quick", "there")


def change(settings: Settings) -> Settings:
    return policy(policy(settings, "there", "cloud"), "quick", "cloud", deadline_s=0.2)


def faults() -> Iterator[tuple[str, Fault]]:
    """Errors that quote the key, as some servers do, with the agent that meets each."""
    for status in (400, 401, 403, 404, 429, 500, 503):
        body = {"error": {"code": status, "message": f"API key not valid: {KEY}", "status": KEY}}
        yield "there", Fault(kind="status", status=status, body=body, headers={"x-quoted": KEY})
    yield "quick", Fault(kind="silence", seconds=0.4)
    yield "there", Fault(kind="error", after=1, body={"error": {"code": 500, "message": KEY}})
    yield "there", Fault(kind="redirect", location=f"http://127.0.0.1:9/?key={KEY}")
    yield from (("there", Fault(kind=kind, after=1)) for kind in ("reset", "half", "drop"))


def test_s18_the_key_is_in_its_header_alone_whatever_fails(home: Path) -> None:
    paths = Paths.find()
    paths.make()
    with logging_to(paths.log):
        asyncio.run(everything_fails(home))
    for path in home.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


async def everything_fails(home: Path) -> None:
    async with (
        stand(home, change=change, key=KEY) as it,
        served(it, change) as url,
        httpx.AsyncClient(base_url=url) as http,
    ):
        it.compared = False
        for number, (agent, fault) in enumerate(faults()):
            for stream in (False, True):
                it.slots["cloud"].breaker.answered()
                it.gemini.behaviour = replace(it.gemini.behaviour, faults=(replace(fault, times=None),))
                messages = [{"role": "user", "content": f"hello {number} {stream}"}]
                body = {"model": "auto", "messages": messages, "stream": stream}
                with contextlib.suppress(httpx.RemoteProtocolError):
                    answer = await http.post("/v1/chat/completions", json=body, headers={"X-Claw-Agent": agent})
                    assert KEY not in f"{answer.headers}{answer.text}", fault
        assert await told(it, http) == []
        sent = list(it.gemini.seen)
    assert len(sent) > 10
    for seen in sent:
        assert {name for name, value in seen.headers.items() if KEY in value} == {"x-goog-api-key"}
        assert KEY not in seen.path
        assert KEY.encode() not in seen.body


async def told(it: Stand, http: httpx.AsyncClient) -> list[str]:
    """What shows the key, of all that the core tells of itself."""
    shown = {
        "rows": str(await asyncio.to_thread(it.rows)),
        "snapshot": repr(await it.core.snapshot()),
        "metrics": (await http.get("/metrics")).text,
        "models": (await http.get("/v1/models")).text,
        "engines": repr([slot.settings for slot in it.slots.values()]),
    }
    assert all(shown.values())
    return [name for name, text in shown.items() if KEY in text]


async def test_s18_a_failed_tls_handshake_tells_no_key(home: Path) -> None:
    def to_tls(settings: Settings) -> Settings:
        cloud = settings.engines["cloud"]
        wrong = replace(cloud, base_url=str(cloud.base_url).replace("http:", "https:"))
        return change(replace(settings, engines=settings.engines | {"cloud": wrong}))

    async with (
        stand(home, change=to_tls, key=KEY) as it,
        served(it, change) as url,
        httpx.AsyncClient(base_url=url) as http,
    ):
        body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
        answer = await http.post("/v1/chat/completions", json=body, headers={"X-Claw-Agent": "there"})
        assert answer.status_code in (502, 503)
        assert KEY not in answer.text
        assert await told(it, http) == []


@pytest.mark.parametrize("words", [["doctor"], ["doctor", "--json"], ["config"], ["config", "--json"]])
def test_s18_no_command_prints_the_key(
    home: Path, words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("CLAW_GEMINI_BASE_URL", "http://127.0.0.1:9")
    home.mkdir()
    main(words)
    shown = capsys.readouterr()
    assert shown.out
    assert KEY not in shown.out + shown.err
