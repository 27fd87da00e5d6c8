"""A terminal with `claw` in it: what it shows, what was written to it, and how it is left."""

import os
import re
import select
import sys
import termios
import time
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pexpect
import pyte

WAIT_S = 30.0
HAND_S = 0.06  # a hand's pause: what comes faster counts as a paste

PRIVATE = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]")  # of kitty's keyboard protocol, which pyte prints
BEGUN = re.compile(rb"\x1b(\[[0-9;<>=?$]*)?\Z")
SEQUENCE = re.compile(
    rb"\x1b\[[?>=<]?[0-9;]*\$?[A-Za-z@`]"  # CSI: styles, places, modes
    rb"|\x1b\][0-9]+;[^\x07\x1b]*(\x07|\x1b\\)"  # OSC
    rb"|\x1b[()][0AB]|\x1b[78=>M]"
)
MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
SIZE = {"COLUMNS", "LINES"}  # outrank the terminal's own, and would not follow it
ON_AT_FIRST = {7, 25}  # line wrap, cursor


class Terminal:
    """`claw WORDS` in a pseudo-terminal of `rows` × `columns`."""

    def __init__(self, env: Mapping[str, str], *words: str, rows: int = 40, columns: int = 120) -> None:
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "console.entry", *words],
            env={**{name: env[name] for name in set(env) - SIZE}, "TERM": "xterm-256color", "LANG": "C.UTF-8"},
            dimensions=(rows, columns),
            timeout=WAIT_S,
        )
        self.child.delaybeforesend = None
        self.written = b""
        self._screen = pyte.Screen(columns or 80, rows or 25)  # what is assumed of a terminal that tells no size
        self._stream = pyte.ByteStream(self._screen)
        self._rest = b""

    @property
    def text(self) -> str:
        """What the screen shows, line by line."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def until(self, pattern: str, *, gone: bool = False) -> re.Match[str] | None:
        """Read until the screen shows `pattern`, or no longer shows it; fails with the screen where that takes long."""
        deadline = time.monotonic() + WAIT_S
        while bool(found := re.search(pattern, self.text)) is gone:
            assert time.monotonic() < deadline, f"{'still' if gone else 'no'} {pattern!r} on screen:\n{self.text}"
            assert self._read(deadline), f"ended or silent before {pattern!r}:\n{self.text}"
        return found

    def takes_over(self, times: int) -> None:
        """Read until the screen was taken over so many times in all."""
        deadline = time.monotonic() + WAIT_S
        while self.written.count(b"\x1b[?1049h") < times:
            assert self._read(deadline), f"ended or silent:\n{self.text}"

    def is_stopped(self) -> None:
        """Read until the process has stopped, and all that it wrote before."""
        deadline = time.monotonic() + WAIT_S
        while Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < deadline, f"it goes on:\n{self.text}"
            self._read(time.monotonic() + 0.02)
        self.drain()

    def see(self, pattern: str) -> re.Match[str]:
        found = self.until(pattern)
        assert found is not None
        return found

    def drain(self) -> None:
        """Take in what has come."""
        while self._read(time.monotonic() + 0.01):
            pass

    def press(self, *keys: str) -> None:
        for key in keys:
            time.sleep(HAND_S)
            self.child.send(key)

    def resize(self, rows: int, columns: int) -> None:
        self._screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def modes(self) -> set[int]:
        """The private modes (mouse, paste, alternate screen, cursor, …) that are now otherwise than at first."""
        changed: set[int] = set()
        for numbers, switch in MODE.findall(self.written):
            for number in map(int, numbers.split(b";")):
                as_at_first = (switch == b"h") is (number in ON_AT_FIRST)
                (changed.discard if as_at_first else changed.add)(number)
        return changed

    def attributes(self) -> list[object]:
        """What termios says of it."""
        return list(termios.tcgetattr(self.child.child_fd))

    def stray(self) -> set[int]:
        """Control bytes written outside of sequences, other than line ends."""
        return {byte for byte in SEQUENCE.sub(b"", self.written) if byte < 0x20 or byte == 0x7F} - set(b"\r\n")

    def end(self) -> int:
        """Read to the end; its exit code, or minus the signal that ended it."""
        deadline = time.monotonic() + WAIT_S
        while self._read(deadline):
            pass
        self.child.wait()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -self.child.signalstatus)

    def hang_up(self) -> int:
        """Close the terminal, as a lost connection does; the exit code of what was in it."""
        ended = os.pidfd_open(self.child.pid)
        self.child.ptyproc.fileobj.close()
        self.child.closed = self.child.ptyproc.closed = True
        try:
            assert select.select([ended], [], [], WAIT_S)[0], "it goes on without a terminal"
        finally:
            os.close(ended)
        self.child.ptyproc.wait()
        return int(self.child.ptyproc.exitstatus)

    def _read(self, deadline: float) -> bool:
        """Take in what comes; false at the end, and where nothing comes until the deadline."""
        try:
            data = self.child.read_nonblocking(65_536, timeout=max(0.0, deadline - time.monotonic()))
        except (pexpect.EOF, pexpect.TIMEOUT):
            return False
        self.written += data
        data = PRIVATE.sub(b"", self._rest + data)
        begun = BEGUN.search(data)
        at = begun.start() if begun else len(data)
        self._rest = data[at:]
        self._stream.feed(data[:at])
        shown = {character for line in self._screen.display for character in line}
        assert not {character for character in shown if unicodedata.category(character) == "Cc"}
        return True
