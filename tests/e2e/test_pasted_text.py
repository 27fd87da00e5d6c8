"""Text that is pasted into a real terminal without bracketed paste never acts, on a machine with far too much to do.

`PASTED_TEXTS=1000 pytest tests/e2e/test_pasted_text.py` tries more of them than the tests of each change do.
"""

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import Open
from tests.e2e.terminal import WAIT_S

TEXTS = int(os.environ.get("PASTED_TEXTS", "12"))
CLAW = [sys.executable, "-m", "console.entry"]
ESCAPE, F2, QUIT = "\x1b", "\x1bOQ", "\x11"
QUIET_S = 0.35
"""After so long the guard has forgotten the text before."""
ACTING = (
    *("S", "Sy", "u", "uy", "xx", "x", "p", "pl", "pc", "px", "P", "Py", "X", "Xy", "e", "+", "-", "B250y", "B1\r"),
    *("b9y", "1dl", "1dly", "1l\r", "3f", "3fy", "4b5\r", "5a", "5ay", "5y", "5m", "sry", "sPy", "t", "\r", "y"),
)
"""Keys that open something or act, as they would be typed."""
WORDS = (
    *("please", "Stop", "the", "cloud", "now,", "yes;", "2,50", "=", "$x", "pay", "up!", "Why?", "kill", "-9", "/"),
    *("etc", "local", "1", "5", "4", "6", "B", "b", "u\r\r"),
)


def texts(seed: int) -> Iterator[str]:
    """Pasted texts of two characters to a few lines: prose, digits, and keys that act."""
    chance = random.Random(seed)
    while True:
        parts = [chance.choice((*ACTING, *WORDS)) for _ in range(chance.randrange(1, 9))]
        text = chance.choice(("", " ", "\r")).join(parts)
        if len(text) > 1:
            yield text


@pytest.fixture
def busy() -> Iterator[Callable[[int], None]]:
    """Makes a process wait for its core nearly always, as on a machine that has far too much to do."""
    core = min(os.sched_getaffinity(0))
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    for hog in hogs:
        os.sched_setaffinity(hog.pid, {core})

    def slow(pid: int) -> None:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})

    yield slow
    for hog in hogs:
        hog.kill()
        hog.wait()


@pytest.mark.proves("T6")
@pytest.mark.proves("S33")
def test_no_pasted_text_acts_also_where_keys_are_handled_late(
    terminal: Open, env: dict[str, str], home: Path, busy: Callable[[int], None]
) -> None:
    it = terminal()
    it.see("embedded")
    subprocess.run(
        [*CLAW, "ask", "--agent", "writer", "why?"], env=env, capture_output=True, timeout=WAIT_S, check=True
    )
    it.see(r"writer .* [▌▐]\w+ .* \d")
    before = done(home)
    assert len(before) == 1, "there is a request for keys to be about"
    busy(it.child.pid)
    for number, text in zip(range(TEXTS), texts(7), strict=False):
        it.press(ESCAPE, ESCAPE, F2)
        time.sleep(QUIET_S)  # the pause is what is tried here
        it.child.send(text)
        it.drain()
        assert done(home) == before, f"text {number} acted, or the one before it: {text!r}"
    time.sleep(QUIET_S)
    it.press(ESCAPE, ESCAPE, F2, "?")
    it.see("━ Help ━")
    it.press(ESCAPE, ESCAPE, QUIT)
    assert it.end() == 0
    assert done(home) == before


def done(home: Path) -> list[tuple[str, ...]]:
    """The operator's actions in a home's ledger, and its requests."""
    path = next(path for path in (home / "ledger.db", home / "state" / "ledger.db") if path.exists())
    with closing(sqlite3.connect(path)) as db:
        return [
            *db.execute("SELECT actor, action FROM audit_v1").fetchall(),
            *db.execute("SELECT agent, id FROM requests_v1").fetchall(),
        ]
