"""`claw serve` as a process: ready, answering, drained by a signal, and alone on its port."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

CLAW = [sys.executable, "-m", "console.entry"]
START_S = 60


class Served:
    """A running `claw serve`."""

    def __init__(self, stage: dict[str, str], home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        (home / "claw.toml").write_text("[cache]\nsemantic = false\n[telemetry]\ngpu = false\n")
        self.home = home
        self.env = os.environ | {
            "CLAW_HOME": str(home),
            "OLLAMA_HOST": stage["local_url"],
            "CLAW_GEMINI_BASE_URL": stage["cloud_url"],
            "GEMINI_API_KEY": "canary-key-0123456789",
        }
        self.process = subprocess.Popen(
            [*CLAW, "serve", "--port", "0"], env=self.env, stderr=subprocess.PIPE, text=True
        )
        timer = threading.Timer(START_S, self.process.kill)
        timer.start()
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        timer.cancel()
        assert line.startswith("ready http://127.0.0.1:"), line
        self.url = line.split()[1]

    def open(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        return urllib.request.urlopen(request, timeout=30)

    def claw(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*CLAW, *words], env=self.env, capture_output=True, text=True, timeout=60, check=False)

    def reload(self, more: str) -> str:
        """What is said of claw.toml with `more` in it after a SIGHUP."""
        (self.home / "claw.toml").write_text(f"[cache]\nsemantic = false\n[telemetry]\ngpu = false\n{more}")
        self.process.send_signal(signal.SIGHUP)
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def end(self, *, signals: int = 1) -> tuple[int, str]:
        for _ in range(signals):
            self.process.send_signal(signal.SIGTERM)
        _, told = self.process.communicate(timeout=60)
        return self.process.returncode, told


@pytest.fixture
def served(stage: dict[str, str], home: Path) -> Iterator[Served]:
    it = Served(stage, home)
    yield it
    if it.process.poll() is None:
        it.process.kill()
        it.process.communicate()


def ask(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "scout", "messages": [{"role": "user", "content": text}]} | more


@pytest.mark.proves("I10")
def test_it_serves_is_reached_three_ways_and_leaves_nothing(served: Served) -> None:
    with served.open("/readyz") as ready:
        assert json.load(ready) == {"ready": True, "semantic": "off", "ledger": "ok"}
    with served.open("/v1/chat/completions", ask("hello")) as answer:
        assert json.load(answer)["choices"][0]["finish_reason"] == "stop"
    run = served.home / "run"
    modes = {path.name: path.lstat().st_mode & 0o777 for path in run.iterdir()}
    assert modes == {"claw.sock": 0o600, "control.token": 0o600}
    acted = served.claw("act", "stop-cloud", "--json")
    assert (acted.returncode, json.loads(acted.stdout)["detail"]) == (0, "cloud spend stopped")
    asked = served.claw("ask", "--agent", "scout", "--json", "hello over the socket")
    assert json.loads(asked.stdout)["finish"] == "stop"
    with served.open("/metrics") as metrics:
        lines = metrics.read().decode().splitlines()
    assert 'claw_requests_total{agent="scout",engine="local",zone="local",finish="stop"} 2' in lines
    assert "claw_cloud_stopped 1" in lines
    assert served.reload('[agents.writer]\npolicy = "moon"\n').endswith(
        "`agents.writer.policy`: Invalid enum value 'moon'\n"
    )
    assert served.reload('[agents.writer]\npolicy = "local"\n').startswith("claw: agents taken from claw.toml")
    with served.open("/healthz") as alive:
        assert alive.status == 200
    assert served.end() == (0, "")
    assert list(run.iterdir()) == []


def test_p5_a_second_one_says_who_is_there_in_one_line(served: Served) -> None:
    port = served.url.rsplit(":", 1)[1]
    taken = served.claw("serve", "--port", port)
    assert (taken.returncode, len(taken.stderr.splitlines())) == (1, 1)
    assert "--port" in taken.stderr
    second = served.claw("serve", "--port", "0")
    assert (second.returncode, len(second.stderr.splitlines())) == (1, 1)
    with served.open("/healthz") as alive:
        assert alive.status == 200


def test_p2_a_signal_lets_the_stream_in_the_air_land(served: Served) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    body = json.dumps(ask("write a long story", stream=True)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as caller:
        caller.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        received = caller.recv(1)
        served.process.send_signal(signal.SIGTERM)
        while part := caller.recv(65_536):
            received += part
    assert b"data: [DONE]\n\n" in received
    assert served.end(signals=0) == (0, "")


def listening(process: psutil.Process) -> list[str]:
    found = process.net_connections(kind="tcp4")
    return [f"http://127.0.0.1:{each.laddr.port}" for each in found if each.status == psutil.CONN_LISTEN]


def test_a_rehearsals_agents_stop_as_the_drain_begins(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    settings = "[cache]\nexact = false\nsemantic = false\n[telemetry]\ngpu = false\n[agents.writer]\npolicy = 'cloud'\n"
    (home / "claw.toml").write_text(settings)
    words = ["serve", "--port", "0", "--rehearse", "--traffic"]
    env = os.environ | {"CLAW_HOME": str(home)}
    core = subprocess.Popen([*CLAW, *words], env=env, stderr=subprocess.PIPE, text=True)
    try:
        assert core.stderr is not None
        url = core.stderr.readline().split()[1]
        (twins,) = psutil.Process(core.pid).children()
        told = re.findall(r"http://127\.0\.0\.1:\d+", core.stderr.readline())
        assert sorted(told) == sorted(listening(twins))
        for twin in told:
            slow = urllib.request.Request(f"{twin}/rehearsal/behaviour", b'{"tokens_per_s": 8}', method="PUT")
            urllib.request.urlopen(slow, timeout=30).close()
        body = json.dumps(ask("hold the door", model="writer", stream=True)).encode()
        request = urllib.request.Request(f"{url}/v1/chat/completions", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            core.terminate()
            heard_at = datetime.now(UTC) + timedelta(seconds=0.5)
            assert b"data: [DONE]" in answer.read()
        assert core.wait(timeout=60) == 0
        assert core.stderr.read() == ""
        assert not twins.is_running()
    finally:
        core.kill()
        core.communicate()
    with closing(sqlite3.connect(home / "state" / "rehearsal" / "ledger.db")) as ledger:
        started = ledger.execute(
            "SELECT source, started_at > ? FROM requests", [f"{heard_at:%Y-%m-%dT%H:%M:%S.%fZ}"]
        ).fetchall()
    assert ("gateway", 0) in started
    assert ("traffic", 1) not in started
