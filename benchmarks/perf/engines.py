"""What does a call cost in each engine client: claw's, the bare SDK, and bare aiohttp as the floor?

    python -m benchmarks.perf.engines [--json] [--calls N] [--chunks N] [--rounds N]

The server is a process of its own on loopback and sends canned bytes, one write for each chunk. Calls a second are
measured with answers of `--chunks` chunks, 32 at once. CPU is that of this process only; a second run with answers of
one chunk separates the cost of a call from that of a chunk. Each figure is the best of its rounds, since noise only
adds.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from multiprocessing.connection import Connection

import aiohttp
from msgspec import Struct

from backends.engines.base import Call, Engine
from backends.settings.engines import GeminiSettings, OllamaSettings, OpenAISettings
from backends.types import Message

AT_ONCE = 32
TEXT = "a few words more "
CALL = Call(
    id="bench",
    model="model",
    messages=(Message(role="user", text="Which three things matter most? " * 20),),
    max_output=500,
    input_tokens=160,
    first_byte_s=30.0,
    idle_s=30.0,
)
Client = tuple[Callable[[], Coroutine[None, None, None]], Callable[[], Awaitable[None]]]
"""What makes one call, and what closes the client."""
Lane = Callable[[str], Awaitable[Client]]
"""From the server's address to a client of it."""


class Row(Struct, frozen=True, kw_only=True):
    """One client. `calls_ratio` is to the floor of its protocol; higher is better, and lower for CPU."""

    protocol: str
    client: str
    calls_per_s: float
    calls_ratio: float
    cpu_us_per_call: float
    cpu_us_per_chunk: float


# ---- the server ----------------------------------------------------------------------------------------------------


def _frames(path: str, chunks: int) -> tuple[str, list[bytes]]:
    """The content type and the pieces of an answer of so many chunks."""
    if path.startswith("/api/chat"):
        part = json.dumps(
            {"model": "m", "created_at": "", "message": {"role": "assistant", "content": TEXT}, "done": False}
        )
        last = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
        counts = {"prompt_eval_count": 160, "eval_count": chunks, "load_duration": 1, "eval_duration": 10**9}
        return "application/x-ndjson", [part.encode() + b"\n"] * chunks + [json.dumps(last | counts).encode() + b"\n"]
    if "chat/completions" in path:
        part = json.dumps({"choices": [{"index": 0, "delta": {"content": TEXT}, "finish_reason": None}]})
        end = json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        return "text/event-stream", [f"data: {one}\n\n".encode() for one in [part] * chunks + [end, "[DONE]"]]
    content = {"content": {"role": "model", "parts": [{"text": TEXT}]}, "index": 0}
    usage = {"promptTokenCount": 160, "candidatesTokenCount": chunks, "totalTokenCount": 160 + chunks}
    part = json.dumps({"candidates": [content], "usageMetadata": usage, "modelVersion": "m"})
    end = json.dumps({"candidates": [content | {"finishReason": "STOP"}], "usageMetadata": usage, "modelVersion": "m"})
    return "text/event-stream", [f"data: {one}\r\n\r\n".encode() for one in [part] * chunks + [end]]


def _serve(tell: Connection) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
                await reader.readexactly(int(lines.get("content-length", "0")))
                path = head.split(" ", 2)[1]
                base, _, rest = path[1:].partition("/")
                kind, frames = _frames(f"/{rest}", int(base))
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
                for frame in frames:
                    writer.write(b"%x\r\n%s\r\n" % (len(frame), frame))
                    await writer.drain()
                    await asyncio.sleep(0)
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        tell.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


# ---- the clients ---------------------------------------------------------------------------------------------------


def _floor(path: str) -> Lane:
    """aiohttp, lines split and JSON parsed, nothing else."""

    async def lane(url: str) -> Client:
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE))
        body = {"messages": [{"role": "user", "content": CALL.messages[0].text}]}

        async def call() -> None:
            async with session.post(url + path, json=body) as response:
                async for line in response.content:
                    data = line.removeprefix(b"data: ").strip()
                    if data and data != b"[DONE]":
                        json.loads(data)

        return call, session.close

    return lane


async def _stock_ollama(url: str) -> Client:
    from ollama import AsyncClient

    client = AsyncClient(host=url)
    messages = [{"role": "user", "content": CALL.messages[0].text}]

    async def call() -> None:
        async for _ in await client.chat(model="model", messages=messages, stream=True):
            pass

    return call, client.close


async def _stock_gemini(url: str) -> Client:
    from google import genai
    from google.genai.types import GenerateContentConfig, ThinkingConfig

    client = genai.Client(api_key="benchmark", vertexai=False, http_options={"base_url": url})
    config = GenerateContentConfig(
        max_output_tokens=CALL.max_output, thinking_config=ThinkingConfig(thinking_budget=0), candidate_count=1
    )

    async def call() -> None:
        stream = await client.aio.models.generate_content_stream(
            model="model", contents=CALL.messages[0].text, config=config
        )
        async for _ in stream:
            pass

    return call, client.aio.aclose


def _ours(build: Callable[[str], Engine], call: Call = CALL) -> Lane:
    async def lane(url: str) -> Client:
        engine = build(url)
        await engine.prepare()

        async def one() -> None:
            async with aclosing(engine.stream(call)) as chunks:
                async for _ in chunks:
                    pass

        return one, engine.close

    return lane


def _lanes() -> dict[str, dict[str, Lane]]:
    from backends.engines.gemini import GeminiClient
    from backends.engines.ollama import OllamaClient
    from backends.engines.openai import OpenAIClient

    def local(url: str) -> OllamaSettings:
        return OllamaSettings(base_url=url, parallel=AT_ONCE)

    return {
        "ollama": {
            "floor": _floor("/api/chat"),
            "stock SDK": _stock_ollama,
            "ours": _ours(lambda url: OllamaClient("local", local(url))),
        },
        "gemini": {
            "floor": _floor("/v1/models/model:streamGenerateContent?alt=sse"),
            "stock SDK": _stock_gemini,
            "ours": _ours(
                lambda url: GeminiClient("cloud", GeminiSettings(base_url=url, parallel=AT_ONCE), "benchmark")
            ),
        },
        "openai": {
            "floor": _floor("/v1/chat/completions"),
            "ours": _ours(lambda url: OpenAIClient("local", OpenAISettings(base_url=url, parallel=AT_ONCE))),
        },
    }


# ---- measuring -----------------------------------------------------------------------------------------------------


async def _timed(lane: Lane, url: str, calls: int) -> tuple[float, float]:
    """Wall and CPU seconds of `calls` calls, `AT_ONCE` at a time, after a warm-up."""
    call, close = await lane(url)
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await call()

    await asyncio.gather(*(call() for _ in range(AT_ONCE)))
    wall, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())
    spent = time.perf_counter() - wall, time.process_time() - cpu
    await close()
    return spent


async def measure(port: int, *, calls: int, chunks: int, rounds: int) -> list[Row]:
    rows: list[Row] = []
    for protocol, lanes in _lanes().items():
        best: dict[str, tuple[float, float, float]] = {}
        for _ in range(rounds):  # lanes take turns, so that a slow minute of the machine hits them alike
            for client, lane in lanes.items():
                wall, cpu = await _timed(lane, f"http://127.0.0.1:{port}/{chunks}", calls)
                _, short = await _timed(lane, f"http://127.0.0.1:{port}/1", calls)
                one = (wall / calls, short / calls, max(cpu - short, 0.0) / calls / (chunks - 1))
                wall, call, chunk = map(min, best.get(client, one), one)
                best[client] = wall, call, chunk
        floor = best["floor"][0]
        for client, (wall, per_call, per_chunk) in best.items():
            rows.append(
                Row(
                    protocol=protocol,
                    client=client,
                    calls_per_s=round(1 / wall, 1),
                    calls_ratio=round(floor / wall, 3),
                    cpu_us_per_call=round(per_call * 1e6, 1),
                    cpu_us_per_chunk=round(per_chunk * 1e6, 1),
                )
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--chunks", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    hear, tell = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(tell,), daemon=True)
    server.start()
    try:
        rows = asyncio.run(measure(hear.recv(), calls=asked.calls, chunks=asked.chunks, rounds=asked.rounds))
    finally:
        server.terminate()
        server.join()
    if asked.json:
        print(json.dumps([{name: getattr(row, name) for name in Row.__struct_fields__} for row in rows]))
        return
    print(f"{os.cpu_count()} CPUs, {asked.chunks} chunks a call, {AT_ONCE} calls at once, best of {asked.rounds}")
    print(f"{'protocol':9} {'client':10} {'calls/s':>9} {'× floor':>8} {'µs CPU/call':>12} {'µs CPU/chunk':>13}")
    for row in rows:
        print(
            f"{row.protocol:9} {row.client:10} {row.calls_per_s:9.1f} {row.calls_ratio:8.2f}"
            f" {row.cpu_us_per_call:12.1f} {row.cpu_us_per_chunk:13.1f}"
        )


if __name__ == "__main__":
    main()
