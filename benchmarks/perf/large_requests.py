"""How long does one large request delay everybody else, wherever its bytes are?

    python -m benchmarks.perf.large_requests [--megabytes 8] [--times 3] [--json] [WORD …]

Runs `claw serve --rehearse` in a temporary home. One caller sends a large request to each engine; another requests
/healthz every few milliseconds and records its longest wait. The quietest of several tries counts, beside the longest
wait of as many seconds without large requests. A WORD selects the places whose names contain it.
"""

import argparse
import base64
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

HI = {"role": "user", "content": "Say hello."}
CODE = "def handler(request): return {'status': 200, 'name': request.get('name'), 'path': '/srv/data/x'}\n"
EVERY_S = 0.004
LONG_S = 90.0


def places(size: int) -> dict[str, Any]:
    """Requests of about `size` bytes, by where the bytes are."""
    text = CODE * (size // len(CODE) + 1)
    schema = {"type": "object", "description": text}
    image = "data:image/png;base64," + base64.b64encode(b"\x89PNG" * (size // 6)).decode()
    hundreds = {
        f"tool_{index}": {f"field_{field}": {"type": "string", "description": "words " * 20} for field in range(200)}
        for index in range(min(128, size // 35_000 + 1))
    }
    return {
        "text": {"messages": [{"role": "user", "content": text}]},
        "digits": {"messages": [{"role": "user", "content": "1234 " * (size // 5)}]},
        "tool result": {"messages": [*_called("x"), _result(text), HI]},
        "tool arguments": {"messages": [*_called(text), _result("ok"), HI]},
        "tool description": {"messages": [HI], "tools": [_tool("look", text, {})]},
        "tool parameters": {"messages": [HI], "tools": [_tool(name, "d", fields) for name, fields in hundreds.items()]},
        "schema": {"messages": [HI], "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}},
        "20,000 messages": {"messages": [{"role": "user", "content": text[: size // 20_000]}] * 20_000},
        "20,000 parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "words"}] * 20_000}]},
        "image": {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": image}}]}, HI]},
        "stop words": {"messages": [HI], "stop": [text[: size // 16]] * 16},
        "unknown text": {"messages": [HI], "unknown": text},
        "unknown numbers": {"messages": [HI], "unknown": [1] * (size // 3)},
        "unknown objects": {"messages": [HI], "unknown": [{"a": 1}] * (size // 10)},
        "unknown keys": {"messages": [HI], "unknown": {f"k{index:06d}": index for index in range(size // 18)}},
        "200,000 messages": {"messages": [HI] * 200_000},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=8.0)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    rows = []
    with served() as url:
        floor = min(waits(url, lambda: time.sleep(1.0))[0] for _ in range(args.times))
        for place, body in places(int(args.megabytes * 1e6)).items():
            if args.words and not any(word in place for word in args.words):
                continue
            for agent in ("cloudy", "homely"):
                data = json.dumps({"model": "auto", "max_tokens": 16, "deadline_ms": 60_000, **body}).encode()
                tries = [waits(url, partial(send, url, agent, data)) for _ in range(args.times)]
                wait, status = min(tries)
                row = {"place": place, "agent": agent, "mb": len(data) / 1e6, "status": status, "wait_ms": wait * 1e3}
                rows.append(row)
                if not args.json:
                    told = f"{place:18} {agent:7} {row['mb']:6.2f} MB  {status}"
                    print(f"{told}  others waited at most {wait * 1e3:6.1f} ms (alone {floor * 1e3:.1f})", flush=True)
    if args.json:
        print(json.dumps({"alone_ms": floor * 1e3, "rows": rows}))


def waits(url: str, work: Callable[[], Any]) -> tuple[float, Any]:
    """The longest that another caller waited while `work` ran, and what it returned."""
    longest, stop = 0.0, threading.Event()

    def ask() -> None:
        nonlocal longest
        where = urlsplit(url)
        connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=LONG_S)
        while not stop.is_set():
            began = time.monotonic()
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            longest = max(longest, time.monotonic() - began)
            time.sleep(EVERY_S)
        connection.close()

    prober = threading.Thread(target=ask)
    prober.start()
    try:
        said = work()
    finally:
        stop.set()
        prober.join()
    return longest, said


def send(url: str, agent: str, data: bytes) -> int:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=LONG_S)
    headers = {"content-type": "application/json", "x-claw-agent": agent}
    connection.request("POST", "/v1/chat/completions", data, headers)
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return reply.status


@contextmanager
def served() -> Iterator[str]:
    """A core in rehearsal; its address."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "CLAW_HOME": home}
        claw = str(Path(sys.executable).with_name("claw"))
        path = subprocess.run([claw, "config", "path"], env=environment, capture_output=True, text=True, check=True)
        config = Path(path.stdout.strip().splitlines()[-1])
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(
            '[agents.cloudy]\npolicy = "cloud"\n[agents.homely]\npolicy = "local"\n[cache]\nsemantic = false\n'
            "[engines.local]\ncontext = 16384\n",
            "utf-8",
        )
        command = [claw, "serve", "--rehearse", "--no-traffic", "--port", "0"]
        log = Path(home) / "log"
        with log.open("wb") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as process:
            try:
                yield _ready(log, process)
            finally:
                process.terminate()


def _ready(log: Path, process: "subprocess.Popen[bytes]") -> str:
    until = time.monotonic() + LONG_S
    while time.monotonic() < until and process.poll() is None:
        for line in log.read_text("utf-8", "replace").splitlines():
            if "ready http" in line:
                return line.split("ready ", 1)[1].split()[0]
        time.sleep(0.1)
    raise SystemExit(f"claw serve was not ready: {log.read_text('utf-8', 'replace')[-300:]}")


def _called(arguments: str) -> list[Any]:
    function = {"name": "write", "arguments": json.dumps({"text": arguments})}
    call = {"id": "c1", "type": "function", "function": function}
    return [HI, {"role": "assistant", "content": None, "tool_calls": [call]}]


def _result(text: str) -> Any:
    return {"role": "tool", "tool_call_id": "c1", "content": text}


def _tool(name: str, description: str, fields: Any) -> Any:
    schema = {"type": "object", "properties": fields}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


if __name__ == "__main__":
    main()
