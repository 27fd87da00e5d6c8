"""What several end-to-end tests stand on."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.terminal import Terminal

SETTINGS = """
[agents.default]
policy = "cloud"
[cache]
semantic = false
[telemetry]
gpu = false
"""
Open = Callable[..., Terminal]


@pytest.fixture(scope="module")
def stage() -> Iterator[dict[str, Any]]:
    """Both twins in a child process, speaking scripted text."""
    child = subprocess.Popen(
        [sys.executable, "-m", "backends.rehearsal", "--scripted"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdin is not None
    yield json.loads(child.stdout.readline())
    child.stdin.close()
    child.wait(timeout=10)
    child.stdout.close()


@pytest.fixture
def env(stage: dict[str, str], home: Path) -> dict[str, str]:
    """A home of its own whose engines are the twins."""
    home.mkdir(parents=True)
    (home / "claw.toml").write_text(SETTINGS)
    for state in (home / "state", home / "state" / "rehearsal"):  # its operator has seen the card of the first run
        state.mkdir(mode=0o700)
        (state / "console-view.json").write_text('{"welcomed": true}')
    return os.environ | {
        "CLAW_HOME": str(home),
        "OLLAMA_HOST": stage["local_url"],
        "CLAW_GEMINI_BASE_URL": stage["cloud_url"],
        "GEMINI_API_KEY": "canary-key-0123456789",
    }


@pytest.fixture
def terminal(env: dict[str, str]) -> Iterator[Open]:
    """Opens consoles; what is still open at the end is closed."""
    opened: list[Terminal] = []

    def make(*words: str, **more: Any) -> Terminal:
        opened.append(Terminal(env | more.pop("env", {}), *words, **more))
        return opened[-1]

    yield make
    for each in opened:
        each.child.close(force=True)
