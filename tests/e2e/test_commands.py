"""The commands as a person runs them: in a shell, against the twins in a process of their own."""

import json
import os
import sqlite3
import subprocess
import sys
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backends.rehearsal.process import Stage

CLAW = [sys.executable, "-m", "console.entry"]


@pytest.fixture
def shell(stage: dict[str, str], home: Path) -> "Shell":
    return Shell(stage, home)


class Shell:
    """Runs `claw` in a home of its own whose engines are the twins."""

    def __init__(self, stage: dict[str, str], home: Path) -> None:
        self.stage = stage
        self.home = home
        self.env = os.environ | {
            "CLAW_HOME": str(home),
            "OLLAMA_HOST": stage["local_url"],
            "CLAW_GEMINI_BASE_URL": stage["cloud_url"],
            "GEMINI_API_KEY": "canary-key-0123456789",
        }

    def claw(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*CLAW, *words], env=self.env, input=stdin, capture_output=True, timeout=60, check=False)

    def json(self, *words: str, stdin: bytes = b"") -> Any:
        done = self.claw(*words, "--json", stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def settings(self, text: str) -> None:
        self.home.mkdir(exist_ok=True)
        (self.home / "claw.toml").write_text(text)

    def reset(self) -> None:
        for url in (self.stage["local_url"], self.stage["cloud_url"]):
            urllib.request.urlopen(urllib.request.Request(f"{url}/rehearsal/reset", method="POST"), timeout=5).close()

    def counts(self, twin: str) -> Any:
        with urllib.request.urlopen(f"{self.stage[twin]}/rehearsal/counts", timeout=5) as answer:
            return json.load(answer)


def test_asking_prints_the_answer_and_nothing_else(shell: Shell) -> None:
    done = shell.claw("ask", "--agent", "scout", "what is trending in home labs?")
    assert done.returncode == 0
    assert done.stderr == b""
    assert done.stdout.endswith(b"\n")


def test_an_answer_as_json_has_the_documented_keys_and_the_providers_bill(shell: Shell) -> None:
    shell.reset()
    shell.settings('[agents.writer]\npolicy = "cloud"\n')
    answer = shell.json("ask", "--agent", "writer", "draft a post about routers")
    assert list(answer) == [
        "id", "agent", "text", "engine", "model", "intent", "complexity", "sensitive", "reasons", "cache", "tokens",
        "cost_usd", "baseline_usd", "ttft_ms", "latency_ms", "finish", "attempts", "zone", "session",
    ]  # fmt: skip
    counts = shell.counts("cloud_url")
    assert Decimal(answer["cost_usd"]) == Decimal(counts["usd"]) > 0
    assert answer["tokens"] == {
        "input": counts["tokens"]["input"],
        "output": counts["tokens"]["output"],
        "thinking": counts["tokens"]["thinking"],
        "cached_input": counts["tokens"]["cached"],
    }
    assert answer["attempts"] == [{"engine": "cloud", "model": "gemini-3.5-flash-lite", "error": None}]


def test_a_prompt_may_come_from_stdin(shell: Shell) -> None:
    assert shell.json("ask", "-", stdin="grüße die Schränke".encode())["finish"] == "stop"
    wrong = shell.claw("ask", "-", stdin=b"\xff\xfe")
    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert b"not UTF-8" in wrong.stderr


def test_explaining_sends_nothing(shell: Shell) -> None:
    shell.reset()
    explained = shell.json("explain", "--agent", "ada", "audit this config for open ports")
    assert list(explained) == [
        "agent", "engine", "model", "intent", "complexity", "sensitive", "reasons", "decision_us", "estimate",
        "alternatives", "zone", "quality", "session", "ask", "envelope", "status", "error",
    ]  # fmt: skip
    assert shell.counts("cloud_url")["calls"] == shell.counts("local_url")["calls"] == {}
    assert b"because" in shell.claw("explain", "--agent", "ada", "audit this config").stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("ask", ""), 2, "prompt is empty"),
        (("ask", "--agent", "no such agent!", "hi"), 2, "agent's name"),
        (("ask",), 2, "PROMPT"),
        (("ask", "--engine", "clod", "hi"), 2, "did you mean cloud? The engines are auto, local, cloud"),
        (("ask", "--engine", "sky", "hi"), 2, "use one of auto, local, cloud"),
        (("ask", "--engine", "cloud", "--sensitive", "hi"), 3, "sensitive"),
        (("act", "stop-cloud"), 1, "no core is running"),
        (("act", "pin", "ada"), 2, "pin AGENT ENGINE"),
        (("act", "silence", "engine:cloud", "soon"), 2, "is not a time"),
        (("report", "--since", "yesterdayish"), 2, "since"),
    ],
)
def test_a_mistake_is_one_line_and_its_exit_code(shell: Shell, words: tuple[str, ...], code: int, says: str) -> None:
    done = shell.claw(*words)
    assert done.returncode == code
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("claw: ")
    assert says in line


def test_a_mistyped_setting_is_one_line_that_names_the_nearest(shell: Shell) -> None:
    shell.settings("[engines.local]\nparalel = 2\n")
    done = shell.claw("ask", "hi")
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert "engines.local.parallel" in done.stderr.decode()


def test_a_pipe_in_the_place_of_the_settings_is_one_line_and_no_wait(shell: Shell) -> None:
    shell.home.mkdir(exist_ok=True)
    os.mkfifo(shell.home / "claw.toml")
    for words in (("config",), ("serve", "--port", "0")):
        done = shell.claw(*words)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert b"not a regular file" in done.stderr


def test_an_engine_that_is_down_is_exit_4_and_says_what_to_do(shell: Shell) -> None:
    shell.env["OLLAMA_HOST"] = "http://127.0.0.1:9"
    done = shell.claw("ask", "--agent", "scout", "what is up?")
    assert done.returncode == 4
    assert "ollama serve" in done.stderr.decode()
    assert done.stderr.decode().count("\n") == 1


@pytest.mark.proves("D2")
def test_a_corrupt_ledger_is_kept_beside_and_the_next_start_goes_on(shell: Shell) -> None:
    shell.json("ask", "--agent", "scout", "one")
    ledger = shell.home / "state" / "ledger.db"
    ledger.write_bytes(b"not a database at all" * 1000)
    broken = shell.claw("ask", "--agent", "scout", "two")
    assert broken.returncode == 1
    assert broken.stderr.decode().count("\n") == 1
    assert list(ledger.parent.glob("ledger.db*.corrupt"))
    assert shell.json("ask", "--agent", "scout", "three")["finish"] == "stop"


def test_a_report_adds_up_what_was_asked(shell: Shell) -> None:
    for number in range(2):
        shell.json("ask", "--agent", "scout", f"number {number}")
    shell.json("ask", "--agent", "scout", "number 1")
    report = shell.json("report", "--by", "agent")
    (row,) = report["rows"]
    assert (row["key"], row["requests"]) == ("scout", 3)
    assert sum(map(Decimal, row["saved_by"].values())) == Decimal(row["saved_usd"]) > 0
    with sqlite3.connect(shell.home / "state" / "ledger.db") as db:
        assert db.execute("SELECT count(*) FROM requests_v1").fetchone() == (3,)
    db.close()


def test_settings_explain_themselves(shell: Shell) -> None:
    written = shell.claw("config", "init")
    path = Path(written.stdout.decode().strip())
    assert path.stat().st_mode & 0o777 == 0o600
    assert shell.claw("config", "init").returncode == 2
    assert shell.claw("config", "path").stdout.decode().strip() == str(path)
    shown = shell.json("config")
    assert shown["engines.local.base_url"]["source"] == "OLLAMA_HOST"
    assert shown["router.dial"] == {"value": 0.8, "source": "built in"}
    assert b"router.dial = 0.8  # built in" in shell.claw("config").stdout


def test_the_doctor_names_what_is_well_and_what_is_not(shell: Shell) -> None:
    shell.env["OLLAMA_HOST"] = "http://127.0.0.1:9"
    done = shell.claw("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert any(check["ok"] is False and "ollama" in check["remedy"].lower() for check in checks.values())
    assert checks["disk"]["ok"] in (True, False)
    assert b"canary-key" not in done.stdout


def test_help_imports_nothing_heavy(shell: Shell) -> None:
    script = (
        "import sys, console.entry as e\n"
        "try: e.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'textual', 'google', 'ollama', 'aiohttp', 'httpx', 'numpy', 'torch', 'uvicorn', 'psutil'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], env=shell.env, capture_output=True, timeout=60, check=True)
    assert b"HEAVY []" in done.stdout
    assert b"serve" in done.stdout


def test_the_stage_is_what_the_console_shows(stage: dict[str, Any]) -> None:
    assert set(stage) == set(Stage.__struct_fields__)
    assert stage["labels"]["cloud"] == "simulated Gemini"
