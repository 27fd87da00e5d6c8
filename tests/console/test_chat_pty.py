"""What the chat really writes to a terminal while a hostile answer is read in it."""

import os
import re
import sys
import time
from collections.abc import Iterator

import pexpect
import pytest

END = "END OF ANSWER"
PROGRAM = f"""
from tests.console.chat_host import ChatHost, says
from tests.console.hostile_text import HOSTILE
ChatHost(says("\\n\\n".join(HOSTILE), "\\n\\n{END}")).run()
"""
TEXTUALS = re.compile(
    r"\x1b\[[?>=<]?[0-9;]*\$?[A-Za-z@`]"  # CSI: styles, places, modes
    r"|\x1b\]22;[a-z]*(\x07|\x1b\\)"  # OSC 22: the mouse pointer's shape
)
CSI = re.compile(r"\x1b\[[?>=<]?[0-9;]*\$?[A-Za-z@`]")
TIMEOUT_S = 30


class Terminal:
    """A terminal of 200 columns; `read` looks only at what came after what it found before."""

    def __init__(self) -> None:
        self.child = pexpect.spawn(
            sys.executable,
            ["-c", PROGRAM],
            dimensions=(100, 200),
            encoding="utf-8",
            codec_errors="strict",
            timeout=TIMEOUT_S,
            env={"TERM": "xterm-256color", "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.seen = ""
        self.found = 0

    def read(self, text: str) -> None:
        while (at := self.seen.find(text, self.found)) < 0:
            self.seen += self.child.read_nonblocking(65_536, timeout=TIMEOUT_S)
        self.found = at + len(text)

    def press(self, keys: str) -> None:
        time.sleep(0.06)  # a hand's pause: what comes faster counts as a paste
        self.child.send(keys)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.child.close(force=True)


@pytest.mark.proves("T5", "I12")
@pytest.mark.proves("S30", "S32")
def test_no_byte_of_a_hostile_answer_drives_the_terminal(terminal: Terminal) -> None:
    terminal.read("as default · auto")
    known = set(map(_kind, CSI.findall(terminal.seen)))
    before = len(terminal.seen)
    terminal.press("go")
    terminal.read("go")
    terminal.press("\r")
    terminal.read(END)
    for _ in range(20):
        terminal.press("\x1b[5~")  # page up, to the top of the answer
    terminal.read("as default · auto → ")
    written = terminal.seen[before : terminal.found]  # past it, a sequence may have come by half

    assert written.count("␛]52;c;") >= 4, "the answer was not read"
    assert "[@click=app.quit]x[/]" in written
    assert set(map(_kind, CSI.findall(written))) <= known
    rest = TEXTUALS.sub("", written)
    assert {c for c in rest if c < " " or "\x7f" <= c <= "\x9f"} <= {"\n", "\r"}
    assert not set("\u061c\u200b\u200e\u202a\u202b\u202d\u202e\u2066\u2067\u2068\ufeff\U000e0001") & set(rest)


def _kind(sequence: str) -> str:
    """A sequence without its numbers: what it does, not where or in which colour."""
    return re.sub(r"[0-9;]+", "", sequence)
