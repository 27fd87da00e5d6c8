"""What every one-shot command does with odd streams: locales, closed and full ones, bytes that are no text."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backends.commands import main

FULL = Path("/dev/full")
UNWRITABLE = Path("/proc/self/mem")  # each write is an input/output error


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAW_HOME", str(tmp_path))


def test_a_locale_without_a_character_gets_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["report"]) == 0
    assert b"$0.00  ?" in raw.getvalue()


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stdout_is_one_line() -> None:
    command = [sys.executable, "-m", "console.entry", "report"]
    with FULL.open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=30, check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"no space left" in done.stderr


def test_a_prompt_that_is_no_text_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", os.fsdecode(b"caf\xe9")]) == 2
    assert capsys.readouterr().err == "claw: the prompt is not UTF-8 text: convert it first, for example with iconv\n"


def test_without_a_stdin_there_is_no_prompt_to_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["explain", "-"]) == 2
    assert "there is no stdin" in capsys.readouterr().err


def test_without_a_stdout_the_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["config", "path"]) == 0


@pytest.mark.skipif(not UNWRITABLE.exists(), reason="no /proc/self/mem here")
def test_another_fault_of_the_system_is_not_taken_for_a_full_disk() -> None:
    command = [sys.executable, "-m", "console.entry", "config", "path"]
    with UNWRITABLE.open("wb") as unwritable:
        done = subprocess.run(command, stdout=unwritable, stderr=subprocess.PIPE, timeout=30, check=False)
    assert done.returncode == 1
    assert b"no space left" not in done.stderr
    assert b"Input/output error" in done.stderr


@pytest.mark.parametrize("said", ["0", "-3", "inf", "soon"])
def test_a_deadline_is_a_number_of_seconds(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "--deadline", said, "hello"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_options_may_stand_between_a_commands_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["budget", "set", "--rehearse", "all", "day", "1"]) == 1
    assert "no core is running here" in capsys.readouterr().err
    assert main(["ledger", "backup", "--rehearse", "copy.db"]) == 1
    assert "there is no ledger" in capsys.readouterr().err
    assert main(["ledger", "verify", "--bogus"]) == 2
    assert "unrecognized arguments: --bogus" in capsys.readouterr().err


def test_a_list_of_tables_says_which_file_it_came_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "claw.toml").write_text("[[budgets]]\nlimit_usd = '1'\n")
    assert main(["config"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("budgets")]
    assert line.endswith(f"# {tmp_path / 'claw.toml'}")
