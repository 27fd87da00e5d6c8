"""Keys, prompts and what the operator keeps private, in errors, logs, reprs and child processes."""

import ast
import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pydantic
import pytest
from blockbuster import BlockBuster
from google.genai import errors as genai_errors
from ollama import ResponseError

from backends.child_environment import child_environment, terminal_environment
from backends.errors import ClawError
from backends.logs import logging_to
from backends.monitoring.receivers import run_command
from backends.settings.model import Settings
from console.bench.clipboard import Clipboard
from console.bench.external_editor import edit
from tests.backends.gateway.running_gateway import running_gateway
from tests.backends.gateway.scripted_core import ScriptedCore

ROOT = Path(__file__).parents[2]
CANARY = "canary-3b9e71"
KEYS = (
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "CLAW_CONTROL_TOKEN",
    "MY_OWN_KEY",
    "OPENAI_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
)
ASK = f'{{"model":"auto","messages":[{{"role":"user","content":"{CANARY}"}}]}}'.encode()


# ---- S26: errors


class Strict(pydantic.BaseModel):
    count: int


def of_http() -> None:
    request = httpx.Request("POST", f"https://user:{CANARY}@g.example/?key={CANARY}", content=CANARY)
    httpx.Response(500, request=request, text=CANARY).raise_for_status()


def of_pydantic() -> None:
    Strict.model_validate({"count": CANARY})


def of_gemini() -> None:
    raise genai_errors.ClientError(400, {"error": {"message": CANARY, "status": CANARY}})


def of_ollama() -> None:
    raise ResponseError(CANARY, 500)


def of_json() -> None:
    msgspec.json.decode(f'{{"{CANARY}"'.encode(), type=dict[str, int])


def with_a_cause() -> None:
    try:
        of_http()
    except httpx.HTTPStatusError as error:
        raise RuntimeError(f"about {CANARY}") from error


def in_a_group() -> None:
    secret = CANARY * 2  # a local variable
    try:
        with_a_cause()
    except RuntimeError as error:
        raise ExceptionGroup(secret, [error, ValueError(CANARY)]) from error


def with_notes() -> None:
    error = KeyError(CANARY)
    error.add_note(f"while it had {CANARY}")
    raise error


RAISERS = [of_http, of_pydantic, of_gemini, of_ollama, of_json, with_a_cause, in_a_group, with_notes]


def caught(raises: Callable[[], None]) -> Exception:
    try:
        raises()
    except Exception as error:  # noqa: BLE001 — whatever it is
        return error
    raise AssertionError("it raises")


@pytest.mark.parametrize("raises", RAISERS)
@pytest.mark.parametrize("stream", [False, True])
def test_s26_a_fault_of_any_library_tells_nothing_to_caller_and_log(
    tmp_path: Path, raises: Callable[[], None], stream: bool, _guarded_loop: BlockBuster
) -> None:
    _guarded_loop.deactivate()  # a traceback is written to the log's file at once

    async def play() -> bytes:
        core = ScriptedCore()
        core.breaks = caught(raises)
        async with running_gateway(core, Settings()) as gateway:
            body = ASK.replace(b"{", b'{"stream":true,', 1) if stream else ASK
            raw = await gateway.dial(gateway.post(body, Authorization=f"Bearer {CANARY}", Connection="close"))
            return await raw.rest()

    log = tmp_path / "claw.log"
    with logging_to(log):
        answer = asyncio.run(play())
    assert stream or b"internal error" in answer
    assert CANARY.encode() not in answer
    said = log.read_text(encoding="utf-8")
    assert type(caught(raises)).__name__ in said
    assert CANARY not in said


async def test_s26_no_repr_of_the_settings_shows_what_is_secret() -> None:
    told = {
        "engines": {"cloud": {"kind": "gemini", "proxy": f"http://claw:{CANARY}@proxy.example:1"}},
        "notify": [
            {"name": "a", "kind": "webhook", "url": f"https://h.example/{CANARY}"},
            {"name": "b", "kind": "command", "argv": ["curl", CANARY]},
        ],
        "heartbeat": {"url": f"https://h.example/{CANARY}"},
        "privacy": {"words": [CANARY], "patterns": [CANARY], "allow": [CANARY], "internal_hosts": [f"{CANARY}.lan"]},
    }
    settings = msgspec.convert(told, Settings)
    assert CANARY not in repr(settings)
    assert "proxy='…'" in repr(settings) or "proxy=…" in repr(settings)
    assert repr(settings.notify) == str(settings.notify)
    assert "name='a'" in repr(settings.notify)


def test_s26_wrong_settings_are_told_without_the_wrong_value(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from backends.commands import main

    path = home / "claw.toml"
    home.mkdir()
    for text in (
        f'[engines.cloud]\nproxy = "ftp://user:{CANARY}@h"\n',
        f'[[notify]]\nname = "a"\nkind = "webhook"\nurl = "{CANARY}"\n',
        f'[privacy]\npatterns = ["({CANARY}"]\n',
        f'[heartbeat]\nurl = "{CANARY}"\n',
        f'[engines.local]\nbase_url = "http://u:{CANARY}@127.0.0.1:1"\n',
    ):
        path.write_text(text, encoding="utf-8")
        assert main(["config"]) == 2
        said = "".join(capsys.readouterr())
        assert said.startswith("claw: ")
        assert CANARY not in said, text


# ---- S27: child processes

CALLS = {"create_subprocess_exec", "create_subprocess_shell", "Popen", "run", "call", "check_call", "check_output"}
CLAW_ITSELF = {"console/background_core.py"}
"""It starts `claw serve`, which needs the keys."""


def test_s27_whatever_is_started_gets_an_environment_that_was_made_for_it() -> None:
    without = []
    for path in [*(ROOT / "backends").rglob("*.py"), *(ROOT / "console").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and started(node) and "env" not in {each.arg for each in node.keywords}:
                without.append(str(path.relative_to(ROOT)))
    assert set(without) == CLAW_ITSELF


def started(call: ast.Call) -> bool:
    """Is it a call that starts a program: of asyncio, or of subprocess?"""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in CALLS:
        return False
    return ast.unparse(call.func).startswith(("asyncio.create", "subprocess."))


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in KEYS:
        monkeypatch.setenv(name, CANARY)
    yield


@pytest.fixture
def tells(tmp_path: Path) -> Path:
    """A program that writes down its environment and its arguments, and ends well."""
    program = tmp_path / "bin" / "tmux"
    program.parent.mkdir()
    told = tmp_path / "told"
    program.write_text(f"#!/bin/sh\ncat /proc/$$/environ /proc/$$/cmdline >'{told}'\ncat >/dev/null </dev/null\n")
    program.chmod(0o755)
    return program


@pytest.mark.usefixtures("keys")
async def test_s27_the_editor_the_clipboard_and_a_receiver_get_no_key(
    tmp_path: Path, tells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tells.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TERM", "xterm-256color")

    async def told() -> bytes:
        return await asyncio.to_thread((tmp_path / "told").read_bytes)

    environ = {"EDITOR": str(tells)}
    assert await edit(f"about {CANARY}", aside=contextlib.nullcontext, environ=environ) == f"about {CANARY}"
    editors = await told()
    assert b"TERM=xterm-256color" in editors
    await Clipboard(lambda _: None, environ={"TMUX": "x"}).copy(f"about {CANARY}")
    clipboards = await told()
    assert clipboards != editors
    with contextlib.suppress(ClawError):
        await run_command([str(tells)], CANARY.encode(), 10.0)
    for said in (editors, clipboards, await told()):
        assert said
        assert CANARY.encode() not in said


@pytest.mark.usefixtures("keys")
def test_s27_no_variable_is_passed_on_because_nobody_thought_of_it() -> None:
    assert CANARY not in {*child_environment().values(), *terminal_environment().values()}
    assert {"PATH", "PYTHONPATH"} <= child_environment().keys()
