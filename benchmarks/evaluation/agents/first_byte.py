"""How long do ten agents at once wait for a first byte because of us, with 59 kB each and with 200 bytes each?

`claw serve` stands before an engine that answers at once, each in a process of its own. Ten agents ask at the same
moment, each a later turn of its own conversation, so that all but the last words were sent before. What the gateway
adds is the time to the first byte through it, less that to the engine itself with the same body. Large and small bodies
take turns; each figure is the median of all rounds.
"""

import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, TCPConnector, web

from backends.paths import Paths
from benchmarks.evaluation.agents.figure import Figure

AGENTS, ROUNDS, TURNS = 10, 15, 2
MOST_RATIO = 1.5
SETTINGS = """
[engines.local]
base_url = "{engine}"
context = 32768
parallel = {agents}

[cache]
semantic = false

[telemetry]
gpu = false
{policies}
"""
ANSWER = (
    b'{"model":"qwen2.5:14b","message":{"role":"assistant","content":"Yes."},"done":false}\n'
    b'{"model":"qwen2.5:14b","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop",'
    b'"prompt_eval_count":9000,"eval_count":2}\n'
)


def measure(data: Path) -> Iterator[Figure]:
    body = json.loads((data / "agent-bodies" / "openclaw-first-turn.json").read_text())["body"]
    with engine() as upstream, gateway(upstream) as url:
        large, small = asyncio.run(measured(url, upstream, body))
    added = f"{large * 1e3:.1f} ms against {small * 1e3:.1f} ms"
    ratio = large / small
    yield Figure(
        name=f"first byte added for {AGENTS} agents at once, 59 kB against 200 B each ({added})",
        value=f"{ratio:.2f} ×",
        goal=f"≤ {MOST_RATIO} ×",
        met=ratio <= MOST_RATIO,
    )


async def measured(url: str, upstream: str, body: dict[str, Any]) -> tuple[float, float]:
    """Seconds that are added to the first byte, with large and with small bodies."""
    through: dict[bool, list[float]] = {True: [], False: []}
    direct: dict[bool, list[float]] = {True: [], False: []}
    async with ClientSession(connector=TCPConnector(limit=0)) as session:
        for turn in range(ROUNDS + TURNS):
            for large in (True, False):
                bodies = [encoded(body if large else None, agent, turn) for agent in range(AGENTS)]
                waits = await together(session, f"{url}/v1/chat/completions", bodies)
                least = await together(session, f"{upstream}/api/chat", bodies)
                if turn >= TURNS:  # the first turns are the conversations' own, and warm what is loaded late
                    through[large] += waits
                    direct[large] += least
    added = {large: statistics.median(through[large]) - statistics.median(direct[large]) for large in (True, False)}
    return added[True], added[False]


def encoded(body: dict[str, Any] | None, agent: int, turn: int) -> bytes:
    """One agent's request: a later turn of the recorded conversation, or a short question."""
    question = {"role": "user", "content": f"Is check {turn} of agent {agent} well? Answer with yes or no."}
    if body is None:
        return json.dumps({"model": f"agent-{agent}", "stream": True, "messages": [question]}).encode()
    system, *others = body["messages"]
    own = {"role": "system", "content": f"{system['content']}\nYou are number {agent}."}
    talk = [own, *others]
    for earlier in range(turn):
        talk += [{"role": "assistant", "content": f"Yes, {earlier}."}, {"role": "user", "content": "Go on."}]
    return json.dumps(body | {"model": f"agent-{agent}", "stream": True, "messages": [*talk, question]}).encode()


async def together(session: ClientSession, url: str, bodies: list[bytes]) -> list[float]:
    """Seconds to the first byte of each request, all sent at once."""

    async def one(body: bytes) -> float:
        began = time.perf_counter()
        async with session.post(url, data=body, headers={"content-type": "application/json"}) as response:
            await response.content.readany()
            waited = time.perf_counter() - began
            rest = await response.read()
            if response.status != 200:
                raise SystemExit(f"{url} answered {response.status}: {rest[:200]!r}")
            return waited

    return list(await asyncio.gather(*map(one, bodies)))


@contextmanager
def engine() -> Iterator[str]:
    """An Ollama that answers at once, in a process of its own: its address."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=answer_at_once, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def answer_at_once(ready: Connection) -> None:
    asyncio.run(serve_at_once(ready))


async def serve_at_once(ready: Connection) -> None:
    async def chat(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=ANSWER, content_type="application/x-ndjson")

    async def described(request: web.Request) -> web.Response:
        facts = {
            "models": [{"name": "qwen2.5:14b", "model": "qwen2.5:14b", "size": 9_000_000_000}],
            "version": "0.12.0",
        }
        return web.json_response(facts | {"model_info": {"qwen2.context_length": 32768}, "capabilities": ["tools"]})

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/api/chat", chat)
    app.router.add_route("*", "/{rest:.*}", described)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    ready.send(runner.addresses[0][1])
    await asyncio.Event().wait()


@contextmanager
def gateway(upstream: str) -> Iterator[str]:
    """`claw serve` before that engine, with ten agents whose requests stay there: its address."""
    policies = "".join(f'\n[agents.agent-{agent}]\npolicy = "local"\n' for agent in range(AGENTS))
    with tempfile.TemporaryDirectory() as home:
        settings = Paths.find(environ={"CLAW_HOME": home}).config
        settings.write_text(SETTINGS.format(engine=upstream, agents=AGENTS, policies=policies))
        settings.chmod(0o600)
        command = [sys.executable, "-m", "console.entry", "serve", "--port", "0"]
        environ = os.environ | {"CLAW_HOME": home}
        with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            try:
                yield next(line.split()[1] for line in process.stderr if line.startswith("ready "))
            finally:
                process.terminate()
