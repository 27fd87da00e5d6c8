"""A real core is killed between an alert and its delivery: whoever is told hears of it from the next one."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from backends.paths import Paths

SETTINGS = """
[engines.local]
base_url = "http://127.0.0.1:9"

[engines.cloud]
base_url = "http://127.0.0.1:9"

[[notify]]
name = "phone"
kind = "webhook"
url = "http://127.0.0.1:{port}/hook"
severity = "warning"
timeout_s = 60
"""
PROMPT = "SECRET-PROMPT of the user"


class Phone(ThreadingHTTPServer):
    """Stalls while `answers` is not set; `heard` are the bodies of requests that it accepted."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = threading.Event()
        self.asked = threading.Event()
        self.heard: list[Any] = []


class Handler(BaseHTTPRequestHandler):
    server: Phone

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.set()
        self.server.answers.wait(30)
        if self.server.answers.is_set():
            self.server.heard.append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "console.entry", "serve", "--port", "0"]
    env = os.environ | {"CLAW_HOME": str(home), "GEMINI_API_KEY": "canary"}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as core:
        assert core.stderr is not None
        try:
            ready = core.stderr.readline()
            assert ready.startswith("ready "), ready
            yield core, ready.split()[1]
        finally:
            core.kill()


def ask(address: str) -> None:
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": PROMPT}]}).encode()
    request = urllib.request.Request(
        f"{address}/v1/chat/completions", data=body, headers={"Content-Type": "application/json"}
    )
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as error:
        assert error.code >= 500
        error.close()


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def waiting(home: Path) -> list[str]:
    """The keys of messages that are in the ledger and not delivered."""
    ledger = Paths.find(environ={"CLAW_HOME": str(home)}).ledger
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        return [
            json.loads(text)["key"]
            for (text,) in db.execute("SELECT message FROM notifications WHERE delivered_at IS NULL")
        ]


def test_an_alert_is_told_at_least_once_over_a_kill_before_its_delivery(home: Path) -> None:
    with Phone() as phone:
        thread = threading.Thread(target=phone.serve_forever)
        thread.start()
        home.mkdir()
        (home / "claw.toml").write_text(SETTINGS.format(port=phone.server_address[1]))
        try:
            with serving(home) as (core, address):
                for _ in range(3):
                    ask(address)
                until(lambda: waiting(home))
                assert phone.asked.wait(30)
                core.send_signal(signal.SIGKILL)
                core.wait(timeout=10)
            raised = set(waiting(home))
            assert raised
            assert phone.heard == []
            phone.answers.set()
            with serving(home):
                until(lambda: raised <= {each["key"] for each in listed(phone.heard)})
                until(lambda: not raised & set(waiting(home)))
        finally:
            phone.answers.set()
            phone.shutdown()
            thread.join(timeout=10)
    assert all(each["event"] in ("raised", "changed", "ended") for each in listed(phone.heard))
    assert "SECRET-PROMPT" not in json.dumps(phone.heard)
    assert "canary" not in json.dumps(phone.heard)


def listed(heard: list[Any]) -> list[Any]:
    return [one for each in heard for one in each.get("messages", [each])]
