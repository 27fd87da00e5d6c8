"""Does a console stay slim and the ledger whole? Half an hour of rehearsal traffic, detached and attached in between.

    python -m benchmarks.soak [--minutes 30] [--json]

A core in rehearsal plays the agents; a console is attached to it in a pseudo-terminal, and from half-time on another.
Every half minute the resident memory of both is read. In the end each call that the twins counted must be one attempt
in the ledger. Exit 0 where none is missing.
"""

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import pexpect
import psutil

CLAW = [sys.executable, "-m", "console.entry"]
EVERY_S = 30.0
SETTLING_S = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = soak(Path(home), args.minutes * 60)
    if args.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:<28} {value}")
    return 0 if found["calls in the ledger"] == found["calls at the twins"] else 1


def soak(home: Path, seconds: float) -> dict[str, Any]:
    env = os.environ | {"CLAW_HOME": str(home), "TERM": "xterm-256color"}
    command = [*CLAW, "serve", "--rehearse", "--traffic", "--port", "0"]
    log = (home / "serve.err").open("w+")
    core = subprocess.Popen(command, env=env, stderr=log)
    try:
        while "ready" not in (home / "serve.err").read_text():
            time.sleep(0.2)
        samples = watch(core.pid, env, seconds / 2) + watch(core.pid, env, seconds / 2)
        calls = frozen_calls(core)
        core.terminate()
        core.wait(timeout=60)
    finally:
        core.kill()
        log.close()
    attempts, rows = ledger(home)
    return {
        "minutes": seconds / 60,
        "rows": rows,
        "calls in the ledger": attempts,
        "calls at the twins": calls,
        "core MB, first and last": [samples[0][0], samples[-1][0]],
        "console MB, first and last": [samples[0][1], samples[-1][1]],
        "second over first half": round(mean(samples, 2) / mean(samples, 1), 3),
    }


def watch(core: int, env: dict[str, str], seconds: float) -> list[tuple[int, int]]:
    """Attach a console, read (core's MB, console's MB) every half minute, detach."""
    console = pexpect.spawn(CLAW[0], [*CLAW[1:], "--rehearse"], env=env, dimensions=(60, 200), timeout=30)
    samples: list[tuple[int, int]] = []
    end = time.monotonic() + seconds
    due = time.monotonic() + EVERY_S / 2
    while time.monotonic() < end:
        with suppress(pexpect.TIMEOUT):
            console.read_nonblocking(65536, timeout=0.5)
        if time.monotonic() >= due:
            samples.append((resident(core), resident(console.pid)))
            due += EVERY_S
    console.send("\x11")
    console.expect(pexpect.EOF)
    console.close()
    time.sleep(SETTLING_S)
    return samples


def resident(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss / 1e6)


def mean(samples: list[tuple[int, int]], half: int) -> float:
    """Of the core's memory, in the first or second half of the samples."""
    middle = len(samples) // 2
    part = samples[:middle] if half == 1 else samples[middle:]
    return sum(core for core, _ in part) / len(part)


def frozen_calls(core: "subprocess.Popen[bytes]") -> int:
    """What the twins counted, those still open too, while the core holds still and starts no other."""
    listening = ports(core.pid)
    core.send_signal(signal.SIGSTOP)
    try:
        twins = [counts(port) for port in listening]
    finally:
        core.send_signal(signal.SIGCONT)
    return sum(sum(twin["calls"].values()) + twin["open"] for twin in twins)


def ports(core: int) -> list[int]:
    """Where the core's twins listen: their process is a child of the core's."""
    found = {
        connection.laddr.port
        for child in psutil.Process(core).children(recursive=False)
        if "backends.rehearsal" in " ".join(child.cmdline())
        for connection in child.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    return sorted(port for port in found if answers(port))


def answers(port: int) -> bool:
    try:
        return "calls" in counts(port)
    except OSError:
        return False


def counts(port: int) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/rehearsal/counts?calls=0", timeout=10) as answer:
        return json.load(answer)


def ledger(home: Path) -> tuple[int, int]:
    db = sqlite3.connect(f"file:{home}/state/rehearsal/ledger.db?mode=ro", uri=True)
    try:
        texts = [text for (text,) in db.execute("SELECT attempts FROM requests_v1")]
    finally:
        db.close()
    return sum(len(json.loads(text)) for text in texts), len(texts)


if __name__ == "__main__":
    sys.exit(main())
