"""What is sensitive stays at home: whatever the local engine does, and wherever else a request may leak.

Three witnesses: the cloud twin's own count, a sink that every proxy variable names, and the names and addresses that
this process asked the system for.
"""

import asyncio
import contextlib
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from hashlib import blake2b, blake2s, md5, sha1, sha256
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import httpx
import msgspec
import psutil
import pytest
from msgspec.structs import replace

from backends.commands import main
from backends.errors import ClawError
from backends.logs import logging_to
from backends.paths import Paths
from backends.rehearsal.behaviour import TwinModel
from backends.rehearsal.faults import Fault, FaultKind, UsageMode, WireMode
from backends.settings.agents import Agent
from backends.settings.model import Settings
from backends.types import Action
from tests.backends.engines.rig import wire
from tests.core import Stand, ask, policy, prompt, served, stand
from tests.property.test_privacy_redacted import Repeats
from tests.waiting import until

CANARY = "quokka-7f3a19"
SECRET = f"postgres://admin:{CANARY}@db.intern:5432/app does not answer, why?"
KINDS = [kind for kind in get_args(FaultKind) if kind not in ("usage", "wire")]


def faults(elsewhere: str) -> Iterator[Fault]:
    """Each kind of fault once, before the first word and after it; a redirect leads `elsewhere`."""
    for kind in KINDS:
        for after in (None, 1):
            body = {"error": "out of memory"} if kind in ("error", "status") else None
            yield Fault(kind=kind, after=after, seconds=0.2, location=elsewhere, body=body, mode="length")
    for status in (400, 404, 429, 503):
        yield Fault(kind="status", status=status, body={"error": "server busy"})
    yield from (Fault(kind="usage", mode=mode) for mode in get_args(UsageMode))
    yield from (Fault(kind="wire", mode=mode, size_b=9 * 2**20) for mode in get_args(WireMode))


class Asked:
    """The names and addresses that this process asked the system for while a block ran."""

    def __init__(self) -> None:
        self.on = False
        self.hosts: set[str] = set()
        self.ports: set[int] = set()

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in ("socket.getaddrinfo", "socket.gethostbyname"):
            self.hosts.add(str(args[0]))
        elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
            self.hosts.add(str(args[1][0]))
            self.ports.add(int(args[1][1]))

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        self.on = True
        try:
            yield
        finally:
            self.on = False


ASKED = Asked()
sys.addaudithook(ASKED.hear)  # it cannot be removed, so there is one, and it listens only within a block


@asynccontextmanager
async def proxies(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    async with wire(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n") as sink:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, sink.url)
        yield sink


def every_way(settings: Settings) -> Settings:
    """Agents that would rather have the cloud, with every check on; one whose prompts are all private."""
    eager = Agent(policy="prefer-cloud", verify="always")
    agents = settings.agents | {
        "eager": eager,
        "automatic": Agent(policy="auto", verify="doubtful"),
        "private": replace(eager, sensitive=True),
    }
    cache = replace(settings.cache, recheck=1.0)
    return replace(settings, agents=agents, cache=cache, router=replace(settings.router, dial=1.0))


async def test_s20_no_fault_of_the_local_engine_sends_a_sensitive_request_away(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxies(monkeypatch) as sink, stand(home, change=every_way) as it:
        it.compared = False  # a fault of the twin's may leave a call without an account
        with ASKED.listening():
            for number, fault in enumerate(faults(it.gemini.url)):
                for agent, text in (("eager", f"{SECRET} {number}"), ("private", f"my diary, day {number}")):
                    it.slots["local"].breaker.answered()
                    it.ollama.behaviour = replace(it.ollama.behaviour, faults=(replace(fault, times=3),))
                    with contextlib.suppress(ClawError):
                        await ask(it.core, prompt(text, agent=agent, engine="auto", deadline_s=0.3))
        await until(it.idle)
        rows = await asyncio.to_thread(it.rows)
        assert {row["sensitive"] for row in rows} == {1}
        assert it.gemini.usage.requests.total() == 0
        assert sink.connections == 0
        assert ASKED.hosts <= {"127.0.0.1"}
        assert ASKED.ports <= {urlsplit(it.ollama.url).port}
        ended = {row["finish"] for row in rows}
        assert {"stop", "error", "length"} <= ended
        it.ollama.behaviour = replace(it.ollama.behaviour, faults=())
        await ask(it.core, prompt("Why is the sky blue?", agent="eager"))
        assert it.gemini.usage.requests.total() >= 1


def busy(it: Stand) -> bool:
    return it.ollama.usage.open > 0


async def test_s20_full_gone_left_or_started_anew_it_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxies(monkeypatch) as sink:
        for round_ in range(2):  # the second core has the first one's files
            async with stand(home, change=every_way) as it:
                it.compared = False
                it.ollama.behaviour = replace(it.ollama.behaviour, first_token_s=0.1)
                with ASKED.listening():
                    many = [prompt(f"{SECRET} {round_} {n}", agent="eager", deadline_s=5.0) for n in range(30)]
                    calls = [asyncio.ensure_future(ask(it.core, each)) for each in many]
                    await until(partial(busy, it))
                    for call in calls[::3]:
                        call.cancel()
                    await asyncio.wait(calls)
                    if round_:
                        await it.core.act(Action(verb="drain", actor="t", engine="local"))
                    else:
                        it.ollama.inject(Fault(kind="status", status=503, times=None))
                    for engine in ("auto", "cloud"):
                        with contextlib.suppress(ClawError):
                            assert (await ask(it.core, prompt(SECRET, agent="eager", engine=engine)))[0] == ""
                    told = await it.core.explain(prompt(SECRET, agent="eager"))
                assert told.sensitive
                assert told.zone != "cloud"
                await until(it.idle)
                assert it.gemini.usage.requests.total() == 0
                assert sink.connections == 0
                assert ASKED.hosts <= {"127.0.0.1"}
                snapshot = await it.core.snapshot()
                assert snapshot.cache.entries == 0


# ---- S19: "local" is proved


@pytest.mark.parametrize(
    "model",
    [
        TwinModel(name="qwen2.5:14b", remote_host="https://ollama.com:443"),
        TwinModel(name="gpt-oss:120b-cloud"),
        TwinModel(name="kimi-k2:cloud"),
    ],
    ids=lambda model: model.name,
)
async def test_s19_a_model_that_ollama_relays_gets_nothing_sensitive_and_doctor_says_why(
    home: Path, model: TwinModel, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(settings: Settings) -> Settings:
        local = replace(settings.engines["local"], model=model.name)
        return policy(replace(settings, engines=settings.engines | {"local": local}), "ada", "auto")

    async with stand(home, change=change) as it:
        it.ollama.behaviour = replace(it.ollama.behaviour, models=(model,))
        async with served(it, change) as url, httpx.AsyncClient(base_url=url) as http:
            body = {"model": "auto", "messages": [{"role": "user", "content": SECRET}]}
            for headers in ({"X-Claw-Agent": "ada"}, {"X-Claw-Agent": "ada", "X-Claw-Sensitive": "true"}):
                answer = await http.post("/v1/chat/completions", json=body, headers=headers)
                assert answer.status_code == 403
                assert CANARY not in answer.text
        assert it.ollama.usage.requests.get("chat", 0) == 0
        assert it.gemini.usage.requests.total() == 0
        settings = f'[engines.local]\nbase_url = "{it.ollama.url}"\nmodel = "{model.name}"\n'
        await asyncio.to_thread(it.paths.config.write_text, settings)
        assert await asyncio.to_thread(main, ["doctor", "--json"]) == 1
    checks = msgspec.json.decode(capsys.readouterr().out)["checks"]
    assert [check["remedy"] for check in checks if "passes" in check["detail"] and check["ok"] is False]


async def test_s19_another_machine_is_local_only_where_the_settings_say_so(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        local = replace(settings.engines["local"], base_url="http://gpu-box.invalid:11434")
        return policy(replace(settings, engines=settings.engines | {"local": local}), "ada", "auto")

    async with stand(home, change=change) as it:
        told = await it.core.explain(prompt(SECRET, agent="ada"))
        assert (told.engine, told.status) == ("", 403)
        assert it.gemini.usage.requests.total() == 0


# ---- S21: a stage that fails or is unsure


async def test_s21_a_gate_that_ran_out_of_time_keeps_the_request_at_home(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        settings = replace(settings, privacy=replace(settings.privacy, patterns=(r"(\w+\.)*corp",)))
        return policy(settings, "ada", "cloud")

    async with stand(home, change=change) as it, served(it, change) as url, httpx.AsyncClient(base_url=url) as http:
        for text, status, calls in (("a." * 100_000 + "!corp", 403, 0), ("hello there", 200, 1)):
            body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
            answer = await http.post("/v1/chat/completions", json=body, headers={"X-Claw-Agent": "ada"}, timeout=60)
            assert answer.status_code == status
            assert ("is sensitive" in answer.text) == (status == 403)
            assert it.gemini.usage.requests.total() == calls


# ---- S24, S25: what is kept


def kept(home: Path, *words: str) -> dict[str, str]:
    """The files below `home` that have one of the words in them, each with that word."""
    found: dict[str, str] = {}
    for path in home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            found |= {str(path.relative_to(home)): word for word in words if word.encode() in data}
    return found


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, empty at first."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_s24_neither_prompt_nor_answer_is_in_any_file(home: Path, temporary: Path) -> None:
    """Each fault once at both engines, then every file that claw or its libraries wrote, and what the kernel lists.

    The cache keeps answers by its own setting, but nothing of a sensitive request.
    """
    paths = Paths.find()
    paths.make()
    with logging_to(paths.log):
        asyncio.run(everything_fails_once(home))
    assert (home / "backup.db").exists()
    assert kept(home, CANARY) == {}
    assert kept(temporary, CANARY) == {}
    assert CANARY.encode() not in b"".join(map(arguments, psutil.process_iter()))


def arguments(process: psutil.Process) -> bytes:
    try:
        return Path(f"/proc/{process.pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""


async def everything_fails_once(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        return policy(policy(settings, "ada", "cloud", cache="off"), "eager", "prefer-local", cache="off")

    said = f"the word is {CANARY}-plain"
    async with stand(home, change=change) as it:
        it.compared = False
        for fault in faults("http://127.0.0.1:9/"):
            for slot in it.slots.values():
                slot.breaker.answered()
            it.ollama.behaviour = replace(it.ollama.behaviour, faults=(fault,))
            it.gemini.behaviour = replace(it.gemini.behaviour, faults=(fault,))
            for agent, text in (("ada", said), ("eager", said), ("eager", SECRET)):
                with contextlib.suppress(ClawError):
                    await ask(it.core, prompt(f"{text} {fault.kind}", agent=agent, deadline_s=0.3))
        it.ollama.behaviour = replace(it.ollama.behaviour, faults=())
        _, outcome = await ask(it.core, prompt(SECRET, agent="writer"))
        assert (outcome.sensitive, outcome.finish) == (True, "stop")
        assert await asyncio.to_thread(main, ["ledger", "backup", str(home / "backup.db")]) == 0
        assert len(await asyncio.to_thread(it.rows)) > 50
        assert "state/ledger.db-wal" in await asyncio.to_thread(kept, home, "")
        assert await asyncio.to_thread(kept, home, CANARY) == {}


async def test_s24_with_bodies_on_those_of_sensitive_requests_are_still_left_out(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        settings = replace(settings, ledger=replace(settings.ledger, bodies=True))
        redacting = Agent(policy="prefer-cloud", privacy="redact", cache="off")
        return replace(settings, agents=settings.agents | {"redacted": redacting, "ada": Agent(cache="off")})

    async with stand(home, change=change) as it:
        it.gemini.script = it.ollama.answerer = Repeats()
        for agent in ("ada", "redacted"):
            text, outcome = await ask(it.core, prompt(SECRET, agent=agent))
            assert (outcome.sensitive, outcome.finish) == (True, "stop")
            assert CANARY in text
        plain, _ = await ask(it.core, prompt("the word is capybara-88", agent="ada"))
        backup = home / "backup.db"
        assert await asyncio.to_thread(main, ["ledger", "backup", str(backup)]) == 0
    assert await asyncio.to_thread(kept, home, CANARY) == {}
    found = await asyncio.to_thread(kept, home, "capybara-88")
    assert {"state/ledger.db", "backup.db"} <= found.keys()
    assert plain == "the word is capybara-88"


def test_s24_no_core_dump_is_written() -> None:
    """As every `claw` starts, with whatever limit its shell gave it."""
    code = "import resource; from console.entry import main; main(['key', 'list']); print(resource.getrlimit(4))"
    assert resource.RLIMIT_CORE == 4
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "(0, 0)"


async def test_s25_the_hash_of_a_prompt_can_be_made_by_nobody_without_this_installs_key(home: Path) -> None:
    async def hashes(folder: Path, text: str) -> set[str]:
        async with stand(folder) as it:
            await ask(it.core, prompt(text, agent="scout", sensitive=True))
            return {row["prompt_hash"] for row in await asyncio.to_thread(it.rows)}

    (mine,) = await hashes(home, "1234")
    (theirs,) = await hashes(home.with_name("another"), "1234")
    assert mine != theirs
    (again,) = await hashes(home, "1234")
    assert again == mine
    for text in (b"1234", b"user:1234", b"1234\n", b"\x1e1234"):
        plain = [name(text).hexdigest() for name in (sha256, sha1, md5, blake2b, blake2s)]
        plain += [blake2b(text, digest_size=16).hexdigest()]
        for digest in plain:
            assert mine not in digest
            found = await asyncio.to_thread(kept, home, digest, digest[:32])
            assert found == {}
