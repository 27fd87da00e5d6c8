import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import httpx
import msgspec
import ollama
import psutil
import pytest

from backends.engines.engine_checks import check
from backends.errors import NoEngine
from backends.rehearsal import process as module
from backends.rehearsal.__main__ import run
from backends.rehearsal.process import ENDED, LOST, Child, Stage, rehearse
from backends.rehearsal.twin_specs import BUILT_IN_TWINS, SCRIPTED, TwinSpec, settings_for, twin_specs
from backends.settings.agents import Agent
from backends.settings.engines import OllamaSettings, OpenAISettings, built_in_engines
from backends.settings.model import Settings
from tests.waiting import until

HELD = """
import asyncio
from backends.rehearsal.process import rehearse
async def main():
    async with rehearse() as stage:
        print(stage.local_url, stage.small_model_detail, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


SPECS = (
    TwinSpec(engine="local", kind="ollama", models=("llama3:8b",)),
    TwinSpec(engine="cloud", kind="gemini", models=("gemini-9-flash",)),
)


async def answers(url: str) -> bool:
    async with httpx.AsyncClient(base_url=url) as http:
        try:
            return (await http.get("/")).status_code < 500
        except httpx.HTTPError:
            return False


def told_to(processes: list[psutil.Process]) -> list[bytes]:
    """Environment and arguments, as the kernel shows them."""
    return [Path(f"/proc/{each.pid}/{file}").read_bytes() for each in processes for file in ("environ", "cmdline")]


async def test_both_twins_live_as_long_as_their_context() -> None:
    async with rehearse(SPECS, small_model=False) as stage:
        assert stage.labels == {"local": SCRIPTED, "cloud": "simulated Gemini"}
        assert stage.engines == {"local": (stage.local_url,), "cloud": (stage.cloud_url,)}
        assert stage.small_model_detail == "switched off"
        async with ollama.AsyncClient(host=stage.local_url) as client:
            assert (await client.list()).models[0].model == "llama3:8b"
        async with httpx.AsyncClient(base_url=stage.cloud_url, headers={"x-goog-api-key": "k"}) as http:
            assert (await http.get("/v1beta/models/gemini-9-flash")).status_code == 200

    assert not await answers(stage.local_url)
    assert not await answers(stage.cloud_url)


async def test_s27_no_key_reaches_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "CLAW_CONTROL_TOKEN", "WHATEVER_THE_SETTINGS_NAME"):
        monkeypatch.setenv(name, "canary-7f3a")
    async with rehearse():
        children = await asyncio.to_thread(psutil.Process().children, recursive=True)
        seen = await asyncio.to_thread(told_to, children)
    assert seen
    assert not any(b"canary-7f3a" in each for each in seen)


async def test_no_child_outlives_a_parent_that_was_killed() -> None:
    root = Path(module.__file__).parents[2]
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", HELD, stdout=asyncio.subprocess.PIPE, cwd=root)
    assert parent.stdout is not None
    line = (await asyncio.wait_for(parent.stdout.readline(), 30)).decode()
    children = await asyncio.to_thread(psutil.Process(parent.pid).children, recursive=True)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()

    assert len(children) == (2 if re.search(r"pid \d+", line) else 1)
    await until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))
    assert not await answers(line.split()[0])


async def test_a_child_that_does_not_start_is_one_line() -> None:
    with pytest.raises(NoEngine, match="did not start"):
        async with rehearse(child=Child(python="/bin/false")):
            raise AssertionError("nothing to stand on")


def second(folder: Path, command: str) -> str:
    """An interpreter that is Python the first time and `command` from then on."""
    script = folder / "python"
    script.write_text(
        f'#!/bin/sh\nif [ -e "{folder}/once" ]; then {command}; fi\ntouch "{folder}/once"\nexec {sys.executable} "$@"\n'
    )
    script.chmod(0o755)
    return str(script)


async def children() -> list[psutil.Process]:
    return await asyncio.to_thread(psutil.Process().children, recursive=True)


async def heard(news: "asyncio.Queue[str]") -> str:
    return await asyncio.wait_for(news.get(), 30)


async def test_a_child_that_is_killed_is_started_again_where_it_stood() -> None:
    news: asyncio.Queue[str] = asyncio.Queue()
    async with rehearse(SPECS, small_model=False, tell=news.put_nowait) as stage:
        for _ in range(2):
            (child,) = await children()
            child.kill()
            assert [await heard(news), await heard(news)] == [ENDED, ""]
            async with ollama.AsyncClient(host=stage.local_url) as client:
                assert (await client.list()).models[0].model == "llama3:8b"
            assert await answers(stage.cloud_url)

    assert await children() == []
    assert not await answers(stage.local_url)


async def test_twins_that_do_not_come_back_are_given_up_after_a_few_tries(tmp_path: Path) -> None:
    news: asyncio.Queue[str] = asyncio.Queue()
    child = Child(python=second(tmp_path, "exit 1"), pause_s=0.0)
    async with rehearse(small_model=False, tell=news.put_nowait, child=child):
        (running,) = await children()
        running.kill()
        tries = child.restarts
        assert [await heard(news) for _ in range(tries + 1)] == [ENDED] * tries + [LOST]
        assert await children() == []


async def test_twins_that_run_well_for_long_begin_a_new_row() -> None:
    news: asyncio.Queue[str] = asyncio.Queue()
    child = Child(restarts=1, pause_s=0.0, steady_s=0.0)
    async with rehearse(small_model=False, tell=news.put_nowait, child=child):
        for _ in range(2):
            (running,) = await children()
            running.kill()
            assert [await heard(news), await heard(news)] == [ENDED, ""]


async def test_twins_that_come_back_as_another_model_are_not_shown_as_the_first(tmp_path: Path) -> None:
    news: asyncio.Queue[str] = asyncio.Queue()
    other = Stage.of({"local": ("http://127.0.0.1:9",)}, {"local": "a small model"})
    command = f"echo '{msgspec.json.encode(other).decode()}'; exec sleep 60"
    child = Child(python=second(tmp_path, command), restarts=1, pause_s=0.0, end_s=0.0)
    async with rehearse(small_model=False, tell=news.put_nowait, child=child) as stage:
        (running,) = await children()
        running.kill()
        assert [await heard(news), await heard(news)] == [ENDED, LOST]
    assert stage.labels["local"] == SCRIPTED
    assert await children() == []


async def test_leaving_while_a_child_is_being_started_leaves_none() -> None:
    async with rehearse(small_model=False, child=Child(pause_s=0.0)):
        (child,) = await children()
        child.kill()
        await until(lambda: [each.pid for each in psutil.Process().children()] not in ([], [child.pid]))
    assert await children() == []


async def test_a_child_that_does_not_end_by_itself_is_killed(tmp_path: Path) -> None:
    other = Stage.of({"local": ("http://127.0.0.1:9",)}, {"local": "deaf"})
    (tmp_path / "once").touch()
    deaf = second(tmp_path, f"echo '{msgspec.json.encode(other).decode()}'; exec sleep 60")
    async with rehearse(SPECS[:1], child=Child(python=deaf, end_s=0.0)):
        assert [each.name() for each in await children()] == ["sleep"]
    assert await children() == []


async def test_the_child_says_where_it_stands_and_ends_with_its_stdin(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    reading, writing = os.pipe()
    said: list[bytes] = []

    def spoken() -> bool:
        said.append(capfdbinary.readouterr().out)
        return b"\n" in b"".join(said)

    with os.fdopen(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        child = asyncio.create_task(run(BUILT_IN_TWINS, small_model=False))
        await until(spoken)
        stage = msgspec.json.decode(b"".join(said), type=Stage)
        assert await answers(stage.local_url)
        os.close(writing)
        async with asyncio.timeout(10):
            await child
    assert not await answers(stage.local_url)


FIVE = Settings(
    engines=built_in_engines()
    | {
        "small": OllamaSettings(model="qwen2.5:3b"),
        "gpu": OllamaSettings(base_url="http://10.0.0.2:11434", replicas=("http://10.0.0.3:11434",), zone="local"),
        "backup": OpenAISettings(base_url="https://openrouter.ai/api/v1", model="a/b", zone="cloud", key_env="K"),
        "vllm": OpenAISettings(base_url="http://10.0.0.4:8000/v1", model="c", zone="local"),
    },
    agents={"ada": Agent(model="gemini-9-pro")},
)


def test_settings_point_at_the_twins_and_nowhere_else() -> None:
    specs = twin_specs(FIVE)
    addresses = {
        spec.engine: tuple(f"http://127.0.0.1:{number}{index}" for index, _ in enumerate(spec.ports))
        for number, spec in enumerate(specs, 1)
    }
    after = settings_for(FIVE, addresses)

    assert [spec.kind for spec in specs] == ["ollama", "gemini", "ollama", "ollama", "provider", "openai"]
    assert specs[1].models == ("gemini-3.5-flash-lite", "gemini-9-pro")
    assert {name: engine.addresses for name, engine in after.engines.items()} == addresses
    assert addresses["gpu"] == ("http://127.0.0.1:40", "http://127.0.0.1:41")
    assert [after.zone(name) for name in after.engines] == [FIVE.zone(name) for name in FIVE.engines]
    assert [engine.model for engine in after.engines.values()] == [engine.model for engine in FIVE.engines.values()]
    assert msgspec.structs.replace(after, engines=FIVE.engines) == FIVE


async def test_every_engine_has_its_twins() -> None:
    async with rehearse(twin_specs(FIVE), small_model=False) as stage:
        checks = await check(settings_for(FIVE, stage.engines), dict.fromkeys(FIVE.engines, "rehearsal"))
    assert [(one.name, one.detail) for one in checks if one.ok is not True] == []
    assert {one.name for one in checks} >= {"engine gpu replica 1", "engine backup", "model vllm", "cloud engine"}
    assert stage.labels["backup"] == "simulated provider"
