"""The command `claw`: what it does before there is a screen, and that it costs nothing it does not need."""

import os
import subprocess
import sys
from argparse import Namespace
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from backends import __version__
from backends.bootstrap import connect as opening
from backends.errors import Unreachable
from backends.settings.model import Settings
from console import entry, launch
from console.app import ClawApp

HEAVY = ("textual", "rich", "google.genai", "ollama", "aiohttp", "numpy", "torch", "genai_prices", "psutil", "uvicorn")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        entry.main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.strip() == f"claw {__version__}"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        entry.main(["--help"])
    shown = capsys.readouterr().out
    for word in ("--attach", "--rehearse", "--theme", "serve", "ask", "doctor"):
        assert word in shown


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys, console.entry; print([name for name in {HEAVY!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_without_a_cursor_is_refused(
    term: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", term)
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    assert entry.main([]) == 2
    assert f"TERM={term}" in capsys.readouterr().err


def test_a_command_is_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["config", "path"]) == 0
    assert capsys.readouterr().out.strip() == str(home / "claw.toml")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--nonsense"], "--help"),
        (["--theme", "no-such"], "claw-dark"),
        (["--embed", "--attach", "x"], "not allowed"),
        ([], "needs a terminal"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(words) == 2
    line = capsys.readouterr().err
    assert line.startswith("claw: ")
    assert line.count("\n") == 1
    assert says in line


def test_wrong_settings_exit_2_before_any_screen(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.mkdir()
    (home / "claw.toml").write_text("[engines.locl]\n")
    assert entry.main([]) == 2
    assert "engines.locl" in capsys.readouterr().err


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.stdin, "isatty", interrupted)
    assert entry.main([]) == 130


class Doors:
    """Stands for backends.bootstrap.connect and keeps what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    @asynccontextmanager
    async def attach(self, where: str):  # type: ignore[no-untyped-def]
        self.asked.append(where)
        if where == "/gone":
            raise Unreachable("nobody there")
        yield SimpleNamespace(where=where, mode="attached")

    @asynccontextmanager
    async def open_core(self, settings: Settings, **options: object):  # type: ignore[no-untyped-def]
        self.asked.append(options)
        yield SimpleNamespace(where="/run/claw.sock", mode="attached")

    async def nothing_to_run(self, settings: Settings) -> bool:
        return True


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Doors:
    stand_in = Doors()
    for name in ("attach", "open_core", "nothing_to_run"):
        monkeypatch.setattr(opening, name, getattr(stand_in, name))
    return stand_in


def door(*, attach: str | None = None, embed: bool = False, rehearse: bool = False) -> launch.CoreOpener:
    return launch.CoreOpener(Namespace(attach=attach, embed=embed, rehearse=rehearse), Settings())


async def test_with_nothing_to_run_the_console_rehearses(doors: Doors) -> None:
    way = door()
    async with way.open() as opened:
        assert opened.where == "/run/claw.sock"
    assert doors.asked == [{"rehearse": True, "embed": False, "listen": True, "traffic": True, "purpose": "console"}]
    async with way.reopen() as opened:
        assert opened.where == "/run/claw.sock", "the core that was attached to, and no other"


async def test_attach_uses_that_core_and_never_another(doors: Doors) -> None:
    async with door(attach="/there").open() as opened:
        assert opened.where == "/there"
    assert doors.asked == ["/there"]
    with pytest.raises(Unreachable):
        async with door(attach="/gone").open():
            pass


async def test_embed_leaves_the_socket_to_the_other_core(doors: Doors) -> None:
    async with door(embed=True, rehearse=True).open():
        pass
    assert doors.asked == [{"rehearse": True, "embed": True, "listen": False, "traffic": True, "purpose": "console"}]


class Terminal:
    """Never hangs up: its other end stays open as long as this process."""

    ends = os.pipe()

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.ends[0]


@pytest.mark.parametrize(("line", "code"), [("", 0), ("the ledger is held by process 4711", 1)])
def test_the_screen_has_the_terminals_size_and_ends_with_its_code_and_its_line(
    line: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[object] = []

    async def run(app: ClawApp, *, mouse: bool) -> None:
        seen.append((app.theme, mouse, {"COLUMNS", "LINES"} & os.environ.keys()))
        app.exit_message = line
        app.exit(return_code=code)

    for name in ("COLUMNS", "LINES"):
        monkeypatch.setenv(name, "33")
    monkeypatch.setattr(ClawApp, "run_async", run)
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert entry.main(["--no-mouse", "--theme", "phosphor"]) == code
    assert seen == [("phosphor", False, set())], "an exported size would freeze the screen"
    assert capsys.readouterr().err == (f"claw: {line}\n" if line else "")
