"""Does the ledger agree with what the engines counted?

    python -m benchmarks.evaluation.ledger_accuracy --data ../shared/data/routing [--prompts 200] [--json]

A headless core runs between the twins, each in a process of its own. A third of the prompts is sent with `claw ask
--json`, a third is pasted into the console's chat in a pseudo-terminal, a third comes from the official openai client.
Then rows, tokens and US dollars are compared with the twins' own counts. Exit code 0 if all are equal.
"""

import argparse
import gzip
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pexpect
from msgspec import Struct

CLAW = [sys.executable, "-m", "console.entry"]
SETTINGS = """
budgets = []
[agents.default]
policy = "auto"
[cache]
semantic = false
[telemetry]
gpu = false
"""
WAIT_S = 60.0
NEW_CONVERSATION, QUIT = "\x0e", "\x11"


class Place(Struct, frozen=True):
    """Where the core under test lives."""

    env: dict[str, str]
    ledger: Path
    socket: Path
    url: str
    pid: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder of *.jsonl and *.jsonl.gz with a `prompt`")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    prompts = take(args.data, args.prompts)
    with ExitStack() as stack:
        stage = stack.enter_context(twins())
        home = stack.enter_context(tempfile.TemporaryDirectory())
        place = stack.enter_context(core(stage, Path(home)))
        third = len(prompts) // 3
        by_shell(place, prompts[:third])
        by_chat(place, prompts[third : 2 * third])
        by_client(place, prompts[2 * third :])
        found = compare(place, stage, len(prompts))
    if args.json:
        print(json.dumps(found, default=str))
    else:
        for name, (ledger, twin) in found.items():
            print(f"{name:<24} ledger {ledger!s:>16}  twins {twin!s:>16}  {'equal' if ledger == twin else 'DIFFERENT'}")
    return 0 if all(ledger == twin for ledger, twin in found.values()) else 1


def take(folder: Path, count: int) -> list[str]:
    """`count` different prompts, the same number of each file as far as they go."""
    files = [list(dict.fromkeys(prompts_in(path))) for path in sorted(folder.glob("*.jsonl*"))]
    mixed = [file[index] for index in range(max(map(len, files))) for file in files if index < len(file)]
    return list(dict.fromkeys(mixed))[:count]


def prompts_in(path: Path) -> Iterator[str]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for line in data.splitlines():
        yield json.loads(line)["prompt"]


@contextmanager
def twins(*, small_model: bool = False) -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "backends.rehearsal", *(() if small_model else ("--scripted",))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout and child.stdin
        yield json.loads(child.stdout.readline())
        child.stdin.close()


def furnished(home: Path, stage: dict[str, str], settings: str) -> dict[str, str]:
    """The environment of a core in `home` whose engines are these twins; its settings are written there."""
    (home / "claw.toml").write_text(settings, encoding="utf-8")
    return os.environ | {
        "CLAW_HOME": str(home),
        "OLLAMA_HOST": stage["local_url"],
        "CLAW_GEMINI_BASE_URL": stage["cloud_url"],
        "GEMINI_API_KEY": "twin",
        "TERM": "xterm-256color",
    }


@contextmanager
def core(stage: dict[str, str], home: Path, *, settings: str = SETTINGS) -> Iterator[Place]:
    env = furnished(home, stage, settings)
    command = [*CLAW, "serve", "--port", "0"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr
        ready = child.stderr.readline()
        yield Place(env, home / "state" / "ledger.db", home / "run" / "claw.sock", ready.split()[-1], child.pid)
        child.terminate()
        child.wait(timeout=60)


def by_shell(place: Place, prompts: list[str]) -> None:
    for prompt in prompts:
        done = subprocess.run(
            [*CLAW, "ask", "--json", "-"], env=place.env, input=prompt.encode(), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        json.loads(done.stdout)


def by_chat(place: Place, prompts: list[str]) -> None:
    """Paste each prompt into the chat of a console attached to the core, and send it."""
    console = pexpect.spawn(CLAW[0], [*CLAW[1:]], env=place.env, dimensions=(50, 160), timeout=WAIT_S, encoding="utf-8")
    console.expect("Chat")
    console.send("6")
    before = rows(place)
    for number, prompt in enumerate(prompts, 1):
        console.send(f"\x1b[200~{prompt}\x1b[201~")
        time.sleep(0.4)  # a paste guards the enter key for a moment, against a paste that sends itself
        console.send("\r")
        deadline = time.monotonic() + WAIT_S
        while rows(place) < before + number:
            drain(console)
            assert time.monotonic() < deadline, f"no row for prompt {number} of the chat: {prompt[:80]!r}"
        console.send(NEW_CONVERSATION)
    console.send(QUIT)
    console.expect(pexpect.EOF)
    console.close()


def drain(console: "pexpect.spawn[str]") -> None:
    try:
        console.read_nonblocking(65536, timeout=0.05)
    except pexpect.TIMEOUT:
        return


def by_client(place: Place, prompts: list[str]) -> None:
    from openai import OpenAI

    with OpenAI(base_url=f"{place.url}/v1", api_key="unused", max_retries=0) as client:
        for index, prompt in enumerate(prompts):
            messages: Any = [{"role": "user", "content": prompt}]
            if index % 2:
                with client.chat.completions.create(model="auto", messages=messages, stream=True) as stream:
                    assert list(stream)
            else:
                assert client.chat.completions.create(model="auto", messages=messages).choices[0].message.content


def rows(place: Place) -> int:
    return int(query(place, "SELECT count(*) FROM requests_v1")[0][0])


def query(place: Place, sql: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(f"file:{place.ledger}?mode=ro", uri=True, timeout=30)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def compare(place: Place, stage: dict[str, str], count: int) -> dict[str, tuple[Any, Any]]:
    """Each figure as (ledger's, twins')."""
    told = {name: counts(stage[f"{name}_url"]) for name in ("local", "cloud")}
    found: dict[str, tuple[Any, Any]] = {"rows": (rows(place), count)}
    attempts = [each for (text,) in query(place, "SELECT attempts FROM requests_v1") for each in json.loads(text)]
    costs = sum((Decimal(text) for (text,) in query(place, "SELECT cost_usd FROM requests_v1")), Decimal(0))
    found["cost_usd"] = (costs, Decimal(told["cloud"]["usd"]))
    for engine in ("local", "cloud"):
        mine = [each["tokens"] for each in attempts if each["engine"] == engine]
        found[f"{engine} calls"] = (len(mine), told[engine]["calls"].get("finished", 0))
        for name, key in (
            ("input", "input"),
            ("output", "output"),
            ("thinking", "thinking"),
            ("cached_input", "cached"),
        ):
            found[f"{engine} {name}"] = (sum(tokens[name] for tokens in mine), told[engine]["tokens"][key])
    return found


def counts(url: str) -> Any:
    with urllib.request.urlopen(f"{url}/rehearsal/counts", timeout=10) as answer:
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main())
