"""A core in the background, for a console that quits and leaves its agents served."""

import subprocess
import sys
import time
from pathlib import Path

from backends.paths import open_private

READY_S = 20.0
LOOK_S = 0.1


def serve_in_background(log: Path, *, rehearse: bool) -> str:
    """Start `claw serve` in a session of its own, so that it outlives the terminal; in `log` is what it says. Blocks
    until it is ready, has ended, or has taken too long, and returns a line about that.
    """
    words = [sys.executable, "-m", "console.entry", "serve", *(["--rehearse"] if rehearse else [])]
    with open(log, "wb", opener=open_private) as said:
        core = subprocess.Popen(  # noqa: S603 — the words are ours
            words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if log.read_bytes().startswith(b"ready"):
            return f"the core runs on as process {core.pid}: `claw` attaches to it, `kill {core.pid}` ends it"
        if core.poll() is not None:
            return f"no core runs now: `claw serve` ended with {core.returncode}, {log} says why"
        time.sleep(LOOK_S)
    return f"the core, process {core.pid}, is not ready after {READY_S:.0f} s: {log} says why"
