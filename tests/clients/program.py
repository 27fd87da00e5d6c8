"""A client as a process of its own, driven by lines of JSON: one request in, what the client returned or raised out."""

import asyncio
import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
VENVS = ROOT / ".venv-clients"
NODE = Path(__file__).parent / "node"
LONGEST_S = 60.0


class RaisedError(Exception):
    """What the client raised: the names of its class and of all that it derives from, causes included."""

    def __init__(self, classes: list[str], said: str) -> None:
        super().__init__(f"{classes[0]}: {said}")
        self.classes = classes
        self.said = said


class Program:
    """A client's process, started once and asked again and again."""

    def __init__(self, *command: str, folder: Path) -> None:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "COVERAGE"))
        }
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 — open for as long as the process writes to it
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=folder,
            env=environment | {"HOME": str(folder), "NO_COLOR": "1"},
        )

    async def __call__(self, do: str, url: str, **given: Any) -> Any:
        """What the client returned. Raises RaisedError with what it raised."""
        line = json.dumps({"do": do, "url": url, **given})
        heard = await asyncio.to_thread(self._exchange, line)
        if "raised" in heard:
            raise RaisedError(heard["raised"], heard["said"])
        return heard["result"]

    def _exchange(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        timer = threading.Timer(LONGEST_S, self._process.kill)
        timer.start()
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not answer:
            self._errors.seek(0)
            raise AssertionError(f"the client ended, or took over {LONGEST_S:.0f} s: {self._errors.read()[-2_000:]}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()
