"""Coding agents on Node as their users run them: each reads a file by its own tool, against the twins."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.clients.client_gateway import ClientGateway
from tests.clients.program import NODE
from tests.clients.upstream import bodies

BIN = NODE / "node_modules/.bin"
LONGEST_S = 120.0
PROMPT = "Please do read(notes)"  # the dictated model calls the tool read with the file notes
CONTENT = "seven hinges and one spare key"

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("client-coding-agents")]


def pi(home: Path, url: str) -> list[str]:
    """As docs/clients.md says: its models in a file of its own."""
    models = {"claw": {"baseUrl": url, "api": "openai-completions", "apiKey": "any", "models": [{"id": "writer"}]}}
    written(home / ".pi/agent/models.json", {"providers": models})
    return ["pi", "-p", "--provider", "claw", "--model", "writer", PROMPT]


def opencode(home: Path, url: str) -> list[str]:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": url, "apiKey": "any"},
        "models": {"writer": {"limit": {"context": 1_000_000, "output": 16_384}}},
    }
    settings = {"model": "claw/writer", "small_model": "claw/writer", "provider": {"claw": provider}}
    written(home / ".config/opencode/opencode.json", settings | {"autoupdate": False, "share": "disabled"})
    return ["opencode", "run", PROMPT]


AGENTS = {"pi": pi, "opencode": opencode}


def written(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(content))


async def run(command: list[str], home: Path) -> str:
    """What the agent prints. It has a home and a folder of its own, and Node's programs before all others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "COVERAGE", "XDG_"))}
    process = await asyncio.create_subprocess_exec(
        str(BIN / command[0]),
        *command[1:],
        cwd=home,
        env=kept | {"HOME": str(home), "PWD": str(home), "PATH": f"{BIN}:{os.environ['PATH']}", "NO_COLOR": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, said.decode()[-2_000:]
    return said.decode()


@pytest.mark.parametrize("name", AGENTS)
async def test_an_agent_reads_a_file_and_answers_in_one_session(at: ClientGateway, tmp_path: Path, name: str) -> None:
    if not (BIN / name).exists():
        pytest.skip(f"{name} is not there: `make clients` installs it")
    home = tmp_path / "agent"
    home.mkdir()
    (home / "notes").write_text(CONTENT)
    said = await run(AGENTS[name](home, at.url), home)
    assert said.strip()
    assert CONTENT in json.dumps(bodies(at, "cloud")[-1])
    rows = at.stand.rows()
    assert {(row["agent"], row["engine"], row["finish"]) for row in rows} == {("writer", "cloud", "stop")}
    assert len({row["session"] for row in rows}) == 1
