"""Incidents played at the twins of a rehearsal: what the console's screen says, and what is on record afterwards."""

import itertools
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.terminal import WAIT_S, Terminal

CLAW = [sys.executable, "-m", "console.entry"]
SETTINGS = """
[alerts]
clear_after_s = 0.5
error_requests = 100_000
silent_unknown_s = 2
[cache]
exact = false
semantic = false
[telemetry]
gpu = false
[[budgets]]
scope = "agent:intel"
window = "day"
limit_usd = "0.000001"
on_exceeded = "refuse"
"""
EVERY_S = 0.15
PATIENCE_S = 5.0
ENGINES = ("cloud", "local")


class Played(NamedTuple):
    """`start` and `end` are words of `claw`. `model` and `agent` are whose requests meet it. `says` is what the Alerts
    pane shows and `header` what the header does; `key` is the alert's on record.
    """

    name: str
    start: tuple[tuple[str, ...], ...]
    end: tuple[tuple[str, ...], ...]
    model: str
    agent: str
    says: str
    header: str
    key: str


def at_twin(name: str, says: str, key: str, *, model: str = "cloud", also: str = "") -> Played:
    start = tuple(("rehearse", incident) for incident in filter(None, (name, also)))
    header = "✗ " if model == "auto" else rf"[◐○] {model}"
    return Played(f"{name}{also}", start, (("rehearse", "reset"),), model, "script", says, header, key)


def by_hand(name: str, start: str, end: str, says: str, key: str, *, header: str = "▲", model: str = "auto") -> Played:
    act, undo = (("act", *words.split(), "--rehearse") for words in (start, end))
    return Played(name, (act,), (undo,), model, "script", says, header, key)


INCIDENTS = (
    at_twin("C1", r"cloud: 429, minute quota 10/min", "engine:cloud:minute"),
    at_twin("C2", r"cloud: 429, day quota", "engine:cloud:day"),
    at_twin("C2b", r"cloud: 429(?!, day)", "engine:cloud:minute"),
    at_twin("C2c", r"cloud: 429, day quota", "engine:cloud:day"),
    at_twin("C3", r"cloud: 503", "engine:cloud"),
    at_twin("C3b", r"cloud: 500", "engine:cloud"),
    at_twin("C4", r"cloud: .*silent|cloud: .*no first byte|cloud: .*hear", "engine:cloud:silent"),
    at_twin("C10", r"cloud: .*key", "engine:cloud:key"),
    at_twin("C10b", r"cloud: .*key", "engine:cloud:key"),
    at_twin("C10c", r"cloud: ", "engine:cloud:key"),
    at_twin("C10d", r"cloud: ", "engine:cloud:key"),
    at_twin("C11", r"cloud: .*gemini", "engine:cloud:model:gemini-3.5-flash-lite"),
    at_twin("L1", r"local: full", "engine:local:full", model="local"),
    at_twin("L5b", r"local: 500", "engine:local", model="local"),
    at_twin("C3", r"no engine answers since \d\d:\d\d:\d\d", "no-engine", also="L5b", model="auto"),
    by_hand(
        "stop", "stop-cloud", "resume-cloud", r"cloud .*stopped by|stopped", "stopped:cloud", header="CLOUD STOPPED"
    ),
    by_hand("drain", "drain local", "undrain local", r"local is drained by", "drained:local"),
    by_hand("pause", "pause writer", "resume writer", r"writer .*paused", "paused:writer"),
    by_hand("session", "pause script", "resume script", r"script .*paused", "paused:script"),
    by_hand("set", "set router.dial .3 --for 60m", "unset router.dial", r"router\.dial", "set:router.dial"),
    Played("budget", (), (), "cloud", "intel", r"a budget refuses requests", "▲", "budget-refuses"),
    Played("refused", (), (), "cloud", "infra", r"infra: \d+ requests refused", "▲", "refused:infra"),
)


class Rehearsal(NamedTuple):
    url: str
    env: dict[str, str]
    ledger: Path
    console: Terminal

    def claw(self, *words: str) -> None:
        subprocess.run([*CLAW, *words], env=self.env, check=True, capture_output=True)

    def recorded(self) -> list[str]:
        """The keys of the incidents that are on record."""
        with closing(sqlite3.connect(self.ledger)) as db:
            return [key for (key,) in db.execute("SELECT key FROM incidents_v1")]

    @contextmanager
    def asking(self, model: str, agent: str) -> Iterator[None]:
        """Requests, one after the other, as long as the block runs."""
        ended = threading.Event()

        def ask() -> None:
            for number in itertools.count():
                body = {"model": model, "messages": [{"role": "user", "content": f"say {number}"}], "max_tokens": 4}
                headers = {"Content-Type": "application/json", "X-Claw-Agent": agent}
                request = urllib.request.Request(f"{self.url}/v1/chat/completions", json.dumps(body).encode(), headers)
                try:
                    urllib.request.urlopen(request, timeout=PATIENCE_S).close()
                except urllib.error.HTTPError as error:
                    error.close()
                except (urllib.error.URLError, TimeoutError):
                    continue  # silent: as a caller who gives up
                if ended.wait(EVERY_S):
                    return

        caller = threading.Thread(target=ask)
        caller.start()
        try:
            yield
        finally:
            ended.set()
            caller.join()


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    home = tmp_path_factory.mktemp("incidents") / "claw"
    for state in (home / "state", home / "state" / "rehearsal"):
        state.mkdir(mode=0o700, parents=True)
        (state / "console-view.json").write_text('{"welcomed": true}')
    (home / "claw.toml").write_text(SETTINGS)
    env = os.environ | {"CLAW_HOME": str(home)}
    command = [*CLAW, "serve", "--rehearse", "--no-traffic", "--port", "0"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as core:
        assert core.stderr is not None
        ready, _, url = core.stderr.readline().strip().partition(" ")
        assert ready == "ready"
        console = Terminal(env, "--rehearse", rows=50, columns=160)
        try:
            console.see("● local .* cloud .* REHEARSAL")
            yield Rehearsal(url, env, home / "state" / "rehearsal" / "ledger.db", console)
        finally:
            console.child.close(force=True)
            core.terminate()


@pytest.mark.parametrize("played", INCIDENTS, ids=lambda played: played.name)
def test_an_incident_is_on_screen_while_it_lasts_and_on_record_afterwards(rehearsal: Rehearsal, played: Played) -> None:
    console, standing = rehearsal.console, rf"[▲△] .*({played.says})"
    for words in played.start:
        rehearsal.claw(*words)
    with rehearsal.asking(played.model, played.agent):
        console.see(standing)
        console.see(played.header)
        for words in played.end:
            rehearsal.claw(*words)
    deadline = time.monotonic() + WAIT_S
    while played.key not in rehearsal.recorded():
        assert time.monotonic() < deadline, rehearsal.recorded()
