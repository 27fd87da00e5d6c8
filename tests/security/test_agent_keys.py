"""Agents' keys at the gateway: who comes in, as whom, and until when."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from backends.commands import main
from backends.commands.doctor_agents import check_keys
from backends.errors import WrongSettings, WrongUse
from backends.gateway import agent_keys
from backends.gateway.access_check import REREAD_S
from backends.gateway.agent_keys import AgentKey, AgentKeys, hash_of
from backends.gateway.asgi_app import http_routes
from backends.gateway.metrics import Counters
from backends.paths import Paths
from backends.settings.model import Settings
from backends.settings.money import Budget
from tests.backends.gateway.running_gateway import Raw, RunningGateway, running_gateway
from tests.backends.gateway.scripted_core import ScriptedCore
from tests.core import policy, served, stand
from tests.waiting import until

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ASK = b'{"model":"auto","messages":[{"role":"user","content":"hi"}]}'
OPEN = {b"/healthz", b"/readyz"}


@pytest.fixture
def file(home: Path) -> Path:
    paths = Paths.find()
    paths.make()
    return paths.agent_keys


@asynccontextmanager
async def gateway(file: Path, settings: Settings | None = None) -> AsyncIterator[RunningGateway]:
    async with running_gateway(ScriptedCore(), settings or Settings(), keys=file) as found:
        yield found


async def made_for(file: Path, agent: str) -> str:
    return (await asyncio.to_thread(agent_keys.add, file, agent, NOW))[1]


async def status(it: RunningGateway, key: str | None = None, header: str = "Authorization") -> int:
    """Of a short request that shows `key`."""
    value = f"Bearer {key}" if header == "Authorization" else key
    raw = await it.dial(it.post(ASK, **({header: value} if value is not None and key is not None else {})))
    return (await raw.answer())[0]


def code_of(body: bytes) -> str:
    return str(json.loads(body)["error"]["code"])


# ---- S6: nobody without a key


async def test_s6_every_route_but_the_health_checks_needs_a_key(file: Path) -> None:
    await made_for(file, "scout")
    async with gateway(file) as it:
        for route in http_routes(Settings(), Counters((), {})):
            path = route.path.decode() + ("x" if route.path.endswith(b"/") else "")
            request = it.post(ASK, path=path) if route.method == "POST" else it.get(path)
            answered, headers, _ = await (await it.dial(request)).answer()
            assert (answered != 401) == (route.path in OPEN), route.path
            assert ("www-authenticate" in headers) == (answered == 401)
        assert it.core.asked == []


async def test_s6_a_key_is_needed_before_the_body_is_read(file: Path) -> None:
    await made_for(file, "scout")
    async with gateway(file) as it:
        raw = await it.dial(it.post(b"", Content_Length=str(10**9), Content_Type="x/y"))
        answered, headers, body = await raw.answer()
    assert (answered, code_of(body), headers["connection"]) == (401, "invalid_api_key", "close")


async def test_s6_keys_are_needed_where_the_settings_say_so_and_from_the_first_one_on(file: Path) -> None:
    async with gateway(file) as it:
        assert await status(it) == 200
        await made_for(file, "scout")
        await until(lambda: refused(it))
    required = msgspec.convert({"gateway": {"keys": "required"}}, Settings)
    async with gateway(file.with_name("none.json"), required) as it:
        assert await status(it) == 401
    off = msgspec.convert({"gateway": {"keys": "off"}}, Settings)
    async with gateway(file, off) as it:
        assert await status(it) == 200


async def refused(it: RunningGateway, key: str | None = None) -> bool:
    return await status(it, key) == 401


def deleted(file: Path) -> None:
    file.unlink()


def opened_to_all(file: Path) -> None:
    file.chmod(0o644)


def damaged(file: Path) -> None:
    file.write_bytes(b'{"keys": [')


@pytest.mark.parametrize("change", [deleted, opened_to_all, damaged])
async def test_s6_a_key_file_that_is_gone_wide_or_damaged_lets_nobody_in(
    file: Path, change: Callable[[Path], None]
) -> None:
    key = await made_for(file, "scout")
    async with gateway(file) as it:
        assert await status(it, key) == 200
        await asyncio.to_thread(change, file)
        await until(lambda: refused(it, key))
        assert await status(it) == 401


@pytest.mark.proves("S28")
@pytest.mark.parametrize("change", [opened_to_all, damaged])
async def test_s6_a_gateway_does_not_start_on_a_key_file_that_it_cannot_trust(
    file: Path, change: Callable[[Path], None]
) -> None:
    await made_for(file, "scout")
    await asyncio.to_thread(change, file)
    with pytest.raises(WrongSettings) as said:
        async with gateway(file):
            pass
    assert str(file) in str(said.value)
    assert ("chmod 600" in str(said.value)) == (change is opened_to_all)


# ---- S7: what a key is, and what is none


def test_s7_a_key_has_256_random_bits_and_only_its_hash_is_kept(file: Path) -> None:
    made = [agent_keys.add(file, "scout", NOW)[1] for _ in range(50)]
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(set(made)) == 50
    for key in made:
        assert re.fullmatch(r"claw_[\w-]{43}", key)  # 43 letters of 6 bits
    kept = file.read_text(encoding="utf-8")
    assert not [key for key in made if key in kept or key.removeprefix("claw_") in kept]
    assert {hash_of(key) for key in made} == {key.sha256 for key in agent_keys.read(file).keys}


async def test_s7_nothing_but_a_key_comes_in(file: Path) -> None:
    made, key = await asyncio.to_thread(agent_keys.add, file, "scout", NOW)
    wrong = [
        *(made.sha256, made.id, "scout", "' OR '1'='1", "claw_", "", "null", "*", "%", "schl\u00fcssel", "x" * 30_000),
        *(key[:-1], key + "x", key.upper(), f"{key} {key}", f'"{key}"'),
    ]
    async with gateway(file) as it:
        for given in wrong:
            for header in ("Authorization", "X-Api-Key", "X-Goog-Api-Key"):
                raw = await it.dial(it.post(ASK, **{header: f"Bearer {given}"}))
                answered, _, body = await raw.answer()
                assert (answered, code_of(body)) == (401, "invalid_api_key"), given
                assert not given or len(given) < 9 or given.encode() not in body
        assert await status(it, "x" * 1_000_000) == 431
        assert await status(it, f"{key}\0") == 400
        assert it.core.asked == []
        for header in ("Authorization", "X-Api-Key", "X-Goog-Api-Key"):
            assert await status(it, key, header) == 200


async def test_s7_hashes_are_compared_in_constant_time(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is the standard library's; nothing else decides."""
    key = await made_for(file, "scout")
    async with gateway(file) as it:
        monkeypatch.setattr("hmac.compare_digest", lambda *_: False)
        assert await status(it, key) == 401


async def test_s7_two_keys_of_two_agents_are_nobody(file: Path) -> None:
    keys = [await made_for(file, agent) for agent in ("scout", "ada")]
    async with gateway(file) as it:
        raw = await it.dial(it.post(ASK, Authorization=f"Bearer {keys[0]}", X_Api_Key=keys[1]))
        assert (await raw.answer())[0] == 401
        raw = await it.dial(it.post(ASK, Authorization=f"Bearer {keys[0]}", X_Api_Key="dummy"))
        assert (await raw.answer())[0] == 200


# ---- S8: the end of a key


@pytest.mark.parametrize("end", [agent_keys.revoke, agent_keys.rotate])
async def test_s8_a_key_ends_within_a_second_also_on_an_open_connection(
    file: Path, end: Callable[[Path, str, datetime], object]
) -> None:
    made, key = await asyncio.to_thread(agent_keys.add, file, "scout", NOW)
    other = await made_for(file, "ada")
    assert REREAD_S <= 0.5
    async with gateway(file) as it:
        open_still, ended = await it.dial(), 0
        assert await again(open_still, it, key) == 200
        await asyncio.to_thread(end, file, made.id, NOW)

        async def over() -> bool:
            nonlocal ended
            ended = await again(open_still, it, key)
            return ended != 200

        await until(over)
        assert ended == 401
        assert await status(it, key) == 401
        assert await status(it, other) == 200


async def again(raw: Raw, it: RunningGateway, key: str) -> int:
    raw.send(it.post(ASK, Authorization=f"Bearer {key}"))
    return (await raw.answer())[0]


def written(file: Path, keys: AgentKeys) -> None:
    file.write_bytes(msgspec.json.encode(keys))
    file.chmod(0o600)


async def test_s8_keys_with_a_long_common_beginning_are_two(file: Path) -> None:
    """What is remembered of a key is its whole hash."""
    begin = "claw_" + "A" * 42
    keys = [
        AgentKey(id=f"{number}" * 8, agent=agent, sha256=hash_of(begin + end), created_at=NOW, revoked_at=revoked)
        for number, (agent, end, revoked) in enumerate([("scout", "x", NOW), ("ada", "y", None)])
    ]
    await asyncio.to_thread(written, file, AgentKeys(keys=tuple(keys)))
    async with gateway(file) as it:
        assert [await status(it, begin + end) for end in "xyz"] == [401, 200, 401]
        assert [request.agent for request in it.core.asked] == ["ada"]


def test_s8_the_last_key_that_is_revoked_leaves_keys_on(file: Path) -> None:
    for _ in range(120):
        agent_keys.revoke(file, agent_keys.add(file, "scout", NOW)[0].id, NOW)
    kept = agent_keys.read(file).keys
    assert len(kept) == 100
    assert not [key for key in kept if key.valid]
    with pytest.raises(WrongUse, match="no valid key"):
        agent_keys.rotate(file, "scout", NOW)


# ---- S9: whose call it is


def few(settings: Settings) -> Settings:
    """Scout's money is spent, and what ada sends stays at home."""
    spent = (Budget(limit_usd=Decimal(0), scope="agent:scout", on_exceeded="refuse"), Budget(limit_usd=Decimal(5)))
    settings = policy(replace(settings, budgets=spent), "scout", "cloud")
    return policy(policy(settings, "ada", "prefer-cloud", sensitive=True), "claw", "cloud")


async def test_s9_a_key_s_agent_asks_whatever_else_is_said(home: Path, file: Path) -> None:
    keys = {agent: await made_for(file, agent) for agent in ("scout", "ada", "claw")}
    async with stand(home, change=few) as it, served(it, few) as url, httpx.AsyncClient(base_url=url) as http:

        async def ask(agent: str, model: str = "auto", **headers: str) -> httpx.Response:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            body = {"model": model, "messages": [{"role": "user", "content": f"hello from {agent}"}]}
            bearer = {"Authorization": f"Bearer {keys[agent]}"}
            return await http.post("/v1/chat/completions", json=body, headers=given | bearer)

        assert (await ask("claw")).headers["x-claw-engine"] == "cloud"
        sent = it.gemini.usage.requests.total()
        for headers in ({}, {"X_Claw_Agent": "claw"}):
            for model in ("auto", "cloud", "claw"):
                assert (await ask("scout", model, **headers)).status_code == 402
        for headers in ({"X_Claw_Sensitive": "false"}, {"X_Claw_Sensitive": "false", "X_Claw_Agent": "claw"}):
            answer = await ask("ada", **headers)
            assert (answer.headers["x-claw-agent"], answer.headers["x-claw-engine"]) == ("ada", "local")
        # naming an agent that is kept at home adds its rules, though not its name
        kept = await ask("claw", X_Claw_Agent="ada")
        assert kept.headers.get("x-claw-engine") != "cloud"
        assert it.gemini.usage.requests.total() == sent
        assert {row["agent"] for row in await asyncio.to_thread(it.rows)} <= {"claw", "ada"}


# ---- the commands


def test_doctor_says_who_has_a_key_and_that_nobody_comes_in(file: Path) -> None:
    paths, settings = Paths.find(), Settings()
    assert check_keys(settings, paths).ok is None
    made, _ = agent_keys.add(file, "scout", NOW)
    assert (check_keys(settings, paths).ok, check_keys(settings, paths).detail) == (True, "needed, and made for scout")
    agent_keys.revoke(file, made.id, NOW)
    assert check_keys(settings, paths).ok is False
    file.chmod(0o640)
    found = check_keys(settings, paths)
    assert found.ok is False
    assert found.remedy.startswith(f"run `chmod 600 {file}`")


def test_the_command_shows_a_key_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "add", "SCOUT"]) == 0
    shown = capsys.readouterr()
    key = shown.out.strip()
    assert key.startswith("claw_")
    assert key not in shown.err
    assert "of scout" in shown.err
    assert main(["key", "list"]) == 0
    assert main(["key", "list", "--json"]) == 0
    listed = capsys.readouterr().out
    (made,) = agent_keys.read(file).keys
    assert made.id in listed
    assert key not in listed
    assert made.sha256 not in listed
    assert main(["key", "rotate", "scout", "--json"]) == 0
    turned = json.loads(capsys.readouterr().out)
    assert turned["agent"] == "scout"
    assert turned["key"] != key
    assert main(["key", "revoke", turned["id"]]) == 0
    assert [key.valid for key in agent_keys.read(file).keys] == [False, False]


@pytest.mark.parametrize("words", ["add", "add sc0ut", "add nobody", "rotate", "revoke x", "list scout", "frob"])
def test_a_wrong_command_is_one_line(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", *words.split()]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_two_at_once_lose_no_key(file: Path) -> None:
    async def both() -> None:
        await asyncio.gather(*(asyncio.to_thread(agent_keys.add, file, "scout", NOW) for _ in range(20)))

    asyncio.run(both())
    assert len(agent_keys.read(file).keys) == 20
