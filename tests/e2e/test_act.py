"""`claw act` on a core in rehearsal, as a person uses it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CLAW = [sys.executable, "-m", "console.entry"]


@pytest.fixture
def env(home: Path) -> dict[str, str]:
    return os.environ | {"CLAW_HOME": str(home)}


@pytest.fixture
def core(env: dict[str, str]) -> Iterator[None]:
    serve = [*CLAW, "serve", "--rehearse", "--no-traffic", "--port", "0"]
    with subprocess.Popen(serve, env=env, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr
        while not (line := child.stderr.readline()).startswith("ready "):
            assert line, "it ended"
        yield
        child.terminate()
        child.wait(timeout=60)


def act(env: dict[str, str], *words: str, rehearse: str = "--rehearse") -> subprocess.CompletedProcess[str]:
    command = [*CLAW, "act", *words, rehearse]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def said(env: dict[str, str], *words: str) -> str:
    done = act(env, *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.removesuffix("\n")


def snapshot_of(acted: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(acted.stdout)
    return found


@pytest.mark.usefixtures("core")
def test_actions_are_taken_named_and_taken_back(env: dict[str, str]) -> None:
    assert said(env, "drain", "local", "--reason", "a new driver") == "local drained"
    assert said(env, "pause", "writer") == "agent writer paused"
    assert said(env, "set", "agents.ada.policy", "local", "--for", "1h").endswith("auto → local for 60 min")
    assert said(env, "set", "router.dial", ".6", "for", "2", "h") == "router.dial: 0.8 → 0.6 for 120 min"
    done = snapshot_of(act(env, "set-budget", "all", "day", "$250", "--for", "60m", "--json"))
    assert (done["before"], done["after"], done["undo"]["limit_usd"]) == ("$5.00", "$250", None)
    assert said(env, "undo").startswith("undone: budget all a day is limited to $250 for 60 min (cli:")
    assert said(env, "undo").startswith("undone: router.dial: 0.8 → 0.6 for 120 min (cli:")
    assert said(env, "unset", "agents.ada.policy") == "agents.ada.policy: local → auto"
    assert "warm after" in said(env, "warm", "local")
    assert said(env, "resume", "writer") == "agent writer resumed"
    assert said(env, "undrain", "local") == "local takes requests again"
    for words, code, line in (
        (("drian", "local"), 2, "the nearest is drain"),
        (("drain", "locl"), 2, "did you mean local"),
        (("set", "agents.writer.polcy", "local"), 2, "the nearest valid one is `agents.writer.policy`"),
        (("set", "agents.writer.policy", "locl"), 2, "agents.writer.policy"),
        (("set", "router.dial", ".5", "--for", "soon"), 2, "is not a time"),
        (("drain", "local", "--for", "1h"), 2, "holds until it is taken back"),
        (("cancel-agent", "writer"), 2, "no call of writer"),
        (("load", "cloud"), 2, "whose models are not loaded from here"),
    ):
        refused = act(env, *words)
        assert (refused.returncode, refused.stdout) == (code, "")
        assert line in refused.stderr
        assert refused.stderr.count("\n") == 1
