"""The bench on a real terminal: what $EDITOR gets and gives back, and the bytes that a copy sends."""

import base64
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

PROGRAM = """
from pathlib import Path
from tests.console.chat_host import ChatHost, says
ChatHost(says("a *fine* answer\\n"), copied=Path(HOME) / "copied.txt").run()
"""
EDITOR = """\
import os, pathlib, stat, sys
path = pathlib.Path(sys.argv[-1])
tty = os.isatty(0) and os.isatty(1)
report = f"{stat.S_IMODE(path.stat().st_mode):o} {tty} {path}"
(pathlib.Path.home() / "report").write_text(report + "\\n" + path.read_text())
print("EDITOR IS HERE", flush=True)
sys.stdin.readline()
path.write_text(path.read_text() + " and more\\nlines ü\\n")
sys.exit(int(os.environ.get("EDITOR_STATUS", "0")))
"""
TIMEOUT_S = 20

Start = Callable[..., "Terminal"]


class Terminal:
    """A terminal of 100×30; `read` looks only at what came after what it found before."""

    def __init__(self, home: Path, **environ: str) -> None:
        (home / "editor.py").write_text(EDITOR)
        self.child = pexpect.spawn(
            sys.executable,
            ["-c", PROGRAM.replace("HOME", repr(str(home)))],
            dimensions=(30, 100),
            encoding="utf-8",
            timeout=TIMEOUT_S,
            env={
                "TERM": "xterm-256color",
                "PATH": os.environ["PATH"],
                "HOME": str(home),
                "TMPDIR": str(home),
                "PYTHONPATH": os.pathsep.join(sys.path),
                "VISUAL": f"{sys.executable} '{home}/editor.py'",
                **environ,
            },
        )
        self.seen = ""
        self.found = 0

    def read(self, pattern: str) -> str:
        while (at := re.compile(pattern).search(self.seen, self.found)) is None:
            self.seen += self.child.read_nonblocking(65_536, timeout=TIMEOUT_S)
        self.found = at.end()
        return at[0]

    def press(self, keys: str) -> None:
        time.sleep(0.06)  # a hand's pause: what comes faster counts as a paste
        self.child.send(keys)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Terminal] = []

    def begin(**environ: str) -> Terminal:
        started.append(Terminal(tmp_path, **environ))
        started[-1].read("as default · auto")
        return started[-1]

    yield begin
    for terminal in started:
        terminal.child.close(force=True)


def test_the_editor_gets_the_prompt_in_a_private_file_that_is_gone_afterwards(start: Start, tmp_path: Path) -> None:
    terminal = start()
    terminal.press("draft")
    terminal.read("draft")
    terminal.press("\x18")
    terminal.read("EDITOR IS HERE")
    mode, is_terminal, path = (tmp_path / "report").read_text().split("\n")[0].split()
    assert (mode, is_terminal) == (f"{stat.S_IRUSR | stat.S_IWUSR:o}", "True")
    assert Path(path).parent == tmp_path
    assert (tmp_path / "report").read_text().endswith("\ndraft")
    assert "\x1b[?1049l" in terminal.seen[: terminal.found], "the console left the screen to it"
    before = terminal.found
    time.sleep(0.3)
    terminal.child.send("\n")
    terminal.read("lines ü")
    assert "\x1b[?1049h" in terminal.seen[before : terminal.found], "and took it back"
    assert not Path(path).exists()
    terminal.press("\r")
    terminal.read("answer")


def test_ctrl_c_in_the_editor_ends_neither_the_console_nor_the_prompt(start: Start, tmp_path: Path) -> None:
    terminal = start()
    terminal.press("draft")
    terminal.read("draft")
    terminal.press("\x18")
    terminal.read("EDITOR IS HERE")
    time.sleep(0.3)
    terminal.child.send("\x03")
    terminal.read("the prompt is as it was")
    terminal.press("\r")
    terminal.read("answer")
    assert not list(tmp_path.glob("claw-prompt-*"))


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"EDITOR_STATUS": "3"}, r"ended with status 3"),
        ({"VISUAL": "no-such-editor-here"}, r"cannot be run \(No such file or directory\)"),
        ({"VISUAL": "'unclosed"}, r"is no command"),
    ],
)
def test_an_editor_that_fails_is_told_and_the_prompt_stays(start: Start, environ: dict[str, str], says: str) -> None:
    terminal = start(**environ)
    terminal.press("draft")
    terminal.read("draft")
    terminal.press("\x18")
    if "EDITOR_STATUS" in environ:
        terminal.read("EDITOR IS HERE")
        time.sleep(0.3)
        terminal.child.send("\n")
    terminal.read(says)
    terminal.press("\r")
    terminal.read("answer")


@pytest.mark.proves("S32")
def test_a_copy_is_one_osc_52_with_the_answer_and_a_line_that_claims_no_more(start: Start) -> None:
    terminal = start()
    terminal.press("go")
    terminal.press("\r")
    terminal.read("310 in, 128 out")
    terminal.press("\x0f")
    sent = terminal.read(r"\x1b\]52;c;[A-Za-z0-9+/=]*\x07")
    terminal.read("whether it took them is not known")
    assert base64.b64decode(sent[7:-1]).decode() == "a *fine* answer\n"
    assert terminal.seen.count("\x1b]52;") == 1


def test_a_terminal_without_a_clipboard_gets_no_bytes_and_the_file_has_the_answer(start: Start, tmp_path: Path) -> None:
    terminal = start(TERM="linux")
    terminal.press("go")
    terminal.press("\r")
    terminal.read("310 in, 128 out")
    terminal.press("\x0f")
    terminal.read("This terminal has no clipboard")
    assert "\x1b]52;" not in terminal.seen
    assert (tmp_path / "copied.txt").read_text() == "a *fine* answer\n"
