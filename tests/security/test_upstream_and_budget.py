"""What a caller can make the core call: never another address, and nothing that a budget has no money for."""

import contextlib
import json
import socket
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from blockbuster import BlockBuster
from msgspec.structs import replace

from backends.commands import main
from backends.errors import ClawError
from backends.gateway.asgi_app import http_routes
from backends.gateway.metrics import Counters
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import Action, Policy, Source
from tests.backends.engines.rig import wire
from tests.core import ask, policy, prompt, served, stand

POLICIES: tuple[Policy, ...] = ("auto", "prefer-cloud", "cloud", "prefer-local")
SPENDS = ("generateContent", "streamGenerateContent", "countTokens", "embedContent", "cachedContents")


# ---- S10: no way past a budget of nothing


def penniless(settings: Settings) -> Settings:
    """Agents of each policy that may leave this machine, each with every check and retry, and a budget of zero."""
    for rule in POLICIES:
        settings = policy(settings, rule, rule, verify="always")
    cache = replace(settings.cache, recheck=1.0)
    return replace(settings, budgets=(Budget(limit_usd=Decimal(0), on_exceeded="refuse"),), cache=cache)


def bodies(text: str) -> Iterator[dict[str, Any]]:
    """Requests of the dialects that a caller may post, in the fields that make more or dearer calls."""
    messages = [{"role": "user", "content": text}]
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    chat = {"model": "auto", "messages": messages}
    yield chat
    yield chat | {"stream": True}
    yield chat | {"n": 3}
    yield chat | {"tools": [tool], "tool_choice": "required"}
    yield chat | {"response_format": {"type": "json_object"}}
    yield chat | {"model": "cloud"}
    yield chat | {"model": "gemini-3.5-flash-lite", "max_tokens": 1}
    yield {"model": "cloud", "input": text}  # Responses, embeddings
    yield {"model": "cloud", "prompt": text}  # completions, Ollama's generate
    yield {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    yield {"model": "cloud", "max_tokens": 9, "system": "Be brief.", "messages": messages}


OTHER_PATHS = (
    *("/v1/completions", "/v1/responses", "/v1/embeddings", "/v1/messages", "/v1/messages/count_tokens"),
    *("/api/chat", "/api/generate", "/api/embed", "/api/embeddings"),
    *(f"/v1beta/models/gemini-3.5-flash-lite:{verb}" for verb in SPENDS),
)
"""What other dialects have, whether or not this gateway answers there."""


async def test_s10_no_path_of_the_gateway_spends_what_is_not_there(home: Path) -> None:
    async with (
        stand(home, change=penniless) as it,
        served(it, penniless) as url,
        httpx.AsyncClient(base_url=url) as http,
    ):
        posted = {route.path.decode() for route in http_routes(Settings(), Counters((), {})) if route.method == "POST"}
        ways = [(path, rule) for path in sorted(posted) for rule in POLICIES]
        statuses = set()
        for path, rule in (*ways, *((path, "cloud") for path in OTHER_PATHS)):
            for body in bodies(f"hello {rule} at {path}"):
                answer = await http.post(path, json=body, headers={"X-Claw-Agent": rule})
                statuses.add(answer.status_code)
        assert {200, 402, 404} <= statuses
        assert it.gemini.usage.requests.total() == 0


async def test_s10_nor_does_any_other_caller_operator_or_command(home: Path) -> None:
    sources: tuple[Source, ...] = ("chat", "cli", "traffic", "shadow")
    async with stand(home, change=penniless) as it:
        it.compared = False  # an operator has models called
        for rule in POLICIES:
            for source in sources:
                for verb in (it.core.explain, lambda request: ask(it.core, request)):
                    with contextlib.suppress(ClawError):
                        await verb(prompt(f"hello {rule} from {source}", agent=rule, source=source))
        for verb_name in ("warm", "load", "unload"):
            for engine in ("cloud", "local"):
                with contextlib.suppress(ClawError):
                    await it.core.act(Action(verb=verb_name, actor="t", engine=engine, confirmed=True))
        with contextlib.suppress(ClawError):
            await it.core.act(Action(verb="relearn", actor="t"))
        asked = [path for path in it.gemini.usage.requests if any(name in path for name in SPENDS)]
        assert asked == []


NOTHING_LEFT = """
[[budgets]]
limit_usd = "0"
on_exceeded = "refuse"
[telemetry]
gpu = false
[cache]
semantic = false
[agents.writer]
policy = "cloud"
[engines.cloud]
"""


def test_s10_one_shot_commands_keep_the_budget_too(
    home: Path, capsys: pytest.CaptureFixture[str], _guarded_loop: BlockBuster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each opens a core of its own, whose cloud is a socket that nobody accepts at."""
    _guarded_loop.deactivate()  # a command may read its files on its own loop
    monkeypatch.setenv("GEMINI_API_KEY", "canary")
    home.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as sink:
        url = f"http://127.0.0.1:{sink.getsockname()[1]}"
        (home / "claw.toml").write_text(f'{NOTHING_LEFT}base_url = "{url}"\n', encoding="utf-8")
        for words in (["ask", "--agent", "writer", "hello"], ["ask", "--engine", "cloud", "hello"]):
            assert main(words) == 3
        capsys.readouterr()
        main(["explain", "--agent", "writer", "--json", "hello"])
        assert json.loads(capsys.readouterr().out)["status"] == 402
        sink.setblocking(False)
        with pytest.raises(BlockingIOError):
            sink.accept()


# ---- S11: the upstream is the settings' word


def elsewhere(url: str) -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Paths, fields and headers by which proxies let a caller name the upstream."""
    host = url.removeprefix("http://")
    chat = "/v1/chat/completions"
    for name in (
        "base_url",
        "api_base",
        "baseURL",
        "endpoint",
        "url",
        "upstream",
        "host",
        "server_url",
        "azure_endpoint",
    ):
        yield chat, {name: url}, {}
    yield chat, {"extra_body": {"base_url": url}}, {}
    yield chat, {"litellm_params": {"api_base": url}}, {}
    yield chat, {"provider": {"url": url}, "route": url}, {}
    yield chat, {"user_config": {"model_list": [{"litellm_params": {"api_base": url}}]}}, {}
    for name in (
        *("X-Forwarded-Host", "X-Forwarded-Server", "X-Original-URL", "X-Rewrite-URL", "X-Target-Url", "X-Base-Url"),
        *("X-Upstream", "X-Host", "Helicone-Target-Url", "X-Portkey-Custom-Host", "OpenAI-Base-Url"),
        *("Forwarded", "Via", "X-HTTP-Host-Override", "Proxy-Connection", "Referer"),
    ):
        yield chat, {}, {name: f"host={host}" if name == "Forwarded" else url}
    for model in (
        url,
        f"{url}/v1",
        f"local@{host}",
        f"//{host}/m",
        f"../../{host}",
        f"openai/{url}",
        "local#@x",
        "cloud/..",
    ):
        yield chat, {"model": model}, {}
    for path in (
        *(f"/{url}", f"/proxy/{url}/v1/chat/completions", f"/http://{host}/v1/chat/completions", "/chat/completions"),
        *("/v1/../v1/chat/completions", "/v1/%2e%2e/v1/chat/completions", "/v1//chat/completions", f"{chat}/{url}"),
        *("/openai/v1/chat/completions", "/openai/deployments/local/chat/completions", "/engines/local/completions"),
    ):
        yield path, {}, {}


async def test_s11_no_field_header_name_or_path_leads_a_call_elsewhere(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        return policy(policy(settings, "here", "local"), "there", "cloud")

    async with (
        wire(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as sink,
        stand(home, change=change) as it,
        served(it, change) as url,
        httpx.AsyncClient(base_url=url) as http,
    ):
        answered = 0
        for number, (path, fields, headers) in enumerate(elsewhere(sink.url)):
            agent = ("here", "there")[number % 2]
            body = {"model": "auto", "messages": [{"role": "user", "content": f"hello {number}"}]} | fields
            request = http.build_request("POST", path, json=body, headers={"X-Claw-Agent": agent} | headers)
            request.url = request.url.copy_with(raw_path=path.encode())
            answer = await http.send(request)
            assert answer.status_code in (200, 400, 403, 404), (path, fields, headers)
            answered += answer.status_code == 200
        assert answered > 20
        assert sink.connections == 0
        assert it.ollama.usage.requests.total() + it.gemini.usage.requests.total() >= answered
