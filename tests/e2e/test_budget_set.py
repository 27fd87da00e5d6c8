"""`claw budget set` on a core that runs, as a person uses it."""

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
def env(stage: dict[str, str], home: Path) -> dict[str, str]:
    home.mkdir(parents=True)
    (home / "claw.toml").write_text('[money]\ncurrency = "EUR"\nrate = "0.5"\nrate_date = 2026-11-20\n')
    return os.environ | {
        "CLAW_HOME": str(home),
        "OLLAMA_HOST": stage["local_url"],
        "CLAW_GEMINI_BASE_URL": stage["cloud_url"],
        "GEMINI_API_KEY": "twin",
    }


@pytest.fixture
def core(env: dict[str, str]) -> Iterator[None]:
    with subprocess.Popen([*CLAW, "serve", "--port", "0"], env=env, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr
        assert child.stderr.readline().startswith("ready ")
        yield
        child.terminate()
        child.wait(timeout=60)


def claw(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLAW, *words], env=env, capture_output=True, text=True, timeout=60, check=False)


def budgets(env: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(claw(env, "budget", "--json").stdout)["budgets"]
    return found


@pytest.mark.usefixtures("core")
def test_a_limit_is_set_shown_and_taken_back(env: dict[str, str]) -> None:
    assert claw(env, "budget", "set", "all", "day", "$2.50").stdout == "budget all a day is limited to $2.50\n"
    assert claw(env, "budget", "set", "agent:ada", "week", "1").returncode == 0
    assert budgets(env) == [
        {
            "scope": "all", "window": "day", "limit_usd": "2.50", "spent_usd": "0", "reserved_usd": "0",
            "left_usd": "2.50", "settings_limit_usd": "5.00",
        },
        {
            "scope": "agent:ada", "window": "week", "limit_usd": "1", "spent_usd": "0", "reserved_usd": "0",
            "left_usd": "1", "settings_limit_usd": None,
        },
    ]  # fmt: skip
    shown = claw(env, "budget").stdout
    assert "$2.50 ≈ 1.25 EUR" in shown
    assert "all a day: set by an operator; claw.toml's limit is $5.00" in shown
    assert "agent:ada a week: set by an operator; claw.toml has no such budget" in shown
    assert "≈ at 0.5 EUR for a US dollar, the rate of 2026-11-20" in shown
    done = claw(env, "budget", "set", "all", "day", "default", "--json")
    assert json.loads(done.stdout) == {"detail": "budget all a day has claw.toml's limit again"}
    assert list(budgets(env)[0]) == ["scope", "window", "limit_usd", "spent_usd", "reserved_usd", "left_usd"]


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("set", "all", "day"), 2, "is the form"),
        (("set", "all", "day", "much"), 2, "is the form"),
        (("set", "all", "day", "NaN"), 2, "is the form"),
        (("show", "all"), 2, "is the form"),
        (("set", "all", "day", "1"), 1, "no core is running here"),
    ],
)
def test_what_is_no_order_is_one_line(env: dict[str, str], words: tuple[str, ...], code: int, line: str) -> None:
    done = claw(env, "budget", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
