"""Does claw read the recorded answers of real servers correctly?

    python -m benchmarks.evaluation.wire --data DIR [--json]

A local server sends each recorded answer, byte for byte (a whole answer of Gemini as one event), to the engine client
with its usual SDK. What the client read is compared with an independent reading of the raw JSON: text, tool calls,
usage and thought signatures. Then every answer of a Gemini 3 model with tool calls is continued for a second turn, by a
client that keeps unknown fields and by one that drops them, to count how many signatures reach Google again unchanged.
Exit code 1 if anything is wrong.
"""

import argparse
import asyncio
import gzip
import json
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from msgspec import Struct, field
from msgspec.structs import replace

from backends.catalogue import model_of
from backends.engines.base import Call, Engine, Finished, Text, ToolCalls, Usage
from backends.engines.gemini import GeminiClient
from backends.engines.gemini.signature_store import SignatureStore
from backends.engines.ollama import OllamaClient
from backends.errors import EngineError
from backends.settings.engines import GeminiSettings, OllamaSettings
from backends.types import Message, Tokens, Tool, ToolCall

Json = dict[str, Any]


class Row(Struct, frozen=True):
    """One recorded answer; `body` is what went over the wire."""

    id: str
    source: str
    kind: str
    status: int
    body: str


class Said(Struct, kw_only=True):
    """What an answer says, by either reading. A call is its name, its arguments and its id where it has one."""

    text: str = ""
    calls: list[tuple[str, Json, str | None]] = field(default_factory=list)
    tokens: Tokens = Tokens()
    signatures: list[str] = field(default_factory=list)
    error: int | None = None


class Faults(Struct, kw_only=True):
    """What was found, each as "row: what"."""

    text: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)

    def hold(self, row: Row, raw: Said, heard: Said) -> None:
        if (raw.text, raw.error) != (heard.text, heard.error):
            was, now = (raw.text, raw.error), (heard.text, heard.error)
            self.text.append(f"{row.id}: {str(was)[:80]} became {str(now)[:80]}")
        same = [call[:2] for call in raw.calls] == [call[:2] for call in heard.calls]
        pairs = zip(raw.calls, heard.calls, strict=False) if row.kind != "ollama-chat" else ()  # its ids mean nothing
        if not same or any(theirs[2] not in (None, ours[2]) for theirs, ours in pairs):
            self.calls.append(f"{row.id}: {str(raw.calls)[:80]} became {str(heard.calls)[:80]}")
        if raw.tokens != heard.tokens:
            self.counts.append(f"{row.id}: {raw.tokens} became {heard.tokens}")
        if raw.signatures != heard.signatures:
            self.signatures.append(f"{row.id}: {len(raw.signatures)} became {len(heard.signatures)}")


class Replay:
    """A server that answers every call with `row` and keeps the last body that it was sent."""

    def __init__(self) -> None:
        self.row: Row | None = None
        self.body: Json = {}
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert self.row is not None
        self.body = await request.json()
        if self.row.status != 200:
            return web.Response(text=self.row.body, status=self.row.status, content_type="application/json")
        response = web.StreamResponse()
        response.content_type = "application/x-ndjson" if self.row.kind == "ollama-chat" else "text/event-stream"
        await response.prepare(request)
        await response.write(as_stream(self.row))
        await response.write_eof()
        return response


def main() -> None:
    parser = argparse.ArgumentParser(description="recorded answers through the adapters")
    parser.add_argument("--data", type=Path, required=True, help="the folder of answers.jsonl.gz")
    parser.add_argument("--json", action="store_true", help="print one object")
    given = parser.parse_args()
    figures, found = asyncio.run(evaluate(rows(given.data)))
    if given.json:
        print(json.dumps(figures | {"faults": found}, indent=1))
    else:
        for name, value in figures.items():
            print(f"{name:36} {value}")
        for line in found:
            print(f"  {line}", file=sys.stderr)
    sys.exit(bool(found))


def rows(data: Path) -> list[Row]:
    path = data / "answers.jsonl.gz" if data.is_dir() else data
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [Row(**json.loads(line)) for line in lines]


async def evaluate(recorded: list[Row]) -> tuple[dict[str, Any], list[str]]:
    """The figures by name, and what is wrong, a line each."""
    faults = Faults()
    loops = {"keeps": [0, 0], "drops": [0, 0]}
    async with serving() as replay:
        engines: dict[str, Engine] = {
            "gemini": GeminiClient("cloud", GeminiSettings(base_url=replay.url), "replayed"),
            "ollama": OllamaClient("local", OllamaSettings(base_url=replay.url, context=16_384)),
        }
        for row in recorded:
            replay.row = row
            engine = engines["ollama" if row.kind == "ollama-chat" else "gemini"]
            faults.hold(row, read(row), await listen(engine, call_for(row)))
        for engine in engines.values():
            await engine.close()
        for row in recorded:
            if row.status == 200 and row.kind != "ollama-chat" and read(row).calls:
                for client, counts in loops.items():
                    expected, back = await second_turn(replay, row, keeps=client == "keeps")
                    counts[0] += len(expected)
                    counts[1] += sum(one == theirs for one, theirs in zip(expected, back, strict=False))
    figures: dict[str, Any] = {
        "answers": len(recorded),
        "wrong text": len(faults.text),
        "lost or wrong calls": len(faults.calls),
        "wrong counts": len(faults.counts),
        "lost signatures": len(faults.signatures),
    }
    found = [*faults.text, *faults.calls, *faults.counts, *faults.signatures]
    for client, (expected_, back_) in loops.items():
        share = f"{100 * back_ / expected_:.1f} %" if expected_ else "none recorded"
        figures[f"second turn, client {client} fields"] = f"{share} of {expected_} signatures"
        if back_ != expected_:
            found.append(f"second turn, client {client} fields: {expected_ - back_} signatures are lost")
    return figures, found


@asynccontextmanager
async def serving() -> AsyncGenerator[Replay]:
    replay = Replay()
    app = web.Application(client_max_size=2**26)
    app.add_routes([web.post("/{path:.*}", replay.answer)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    replay.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield replay
    finally:
        await runner.cleanup()


# ---- through the adapters ------------------------------------------------------------------------------------------


async def listen(engine: Engine, call: Call) -> Said:
    said = Said()
    try:
        async with aclosing(engine.stream(call)) as chunks:
            async for chunk in chunks:
                match chunk:
                    case Text():
                        said.text += chunk.text
                        said.signatures += [chunk.signature] if chunk.signature else []
                    case ToolCalls(calls):
                        said.calls += [(each.name, json.loads(each.arguments), each.id) for each in calls]
                        said.signatures += [each.signature for each in calls if each.signature]
                    case Usage():
                        said.tokens = chunk.tokens
                    case Finished():
                        break
                    case _:
                        pass
    except EngineError as error:
        said.error = error.status or -1
    return said


def call_for(row: Row, *messages: Message) -> Call:
    called = {name: None for name, _, _ in read(row).calls}
    return Call(
        id=row.id,
        model=model(row),
        messages=messages or (Message(role="user", text="?"),),
        tools=tuple(Tool(name=name) for name in called),
        max_output=4_096,
        thinking_budget=1_024,
        input_tokens=10,
        first_byte_s=10.0,
        idle_s=10.0,
    )


async def second_turn(replay: Replay, row: Row, *, keeps: bool) -> tuple[list[str], list[str]]:
    """The signatures that a Gemini 3 model's tool calls came with, and those that it is sent in the turn after them."""
    if not model_of(model(row)).needs_signatures:
        return [], []
    replay.row = row
    with tempfile.TemporaryDirectory() as folder:
        store = SignatureStore(Path(folder) / "signatures.db", b"replayed")
        engine = GeminiClient("cloud", GeminiSettings(base_url=replay.url), "replayed", signatures=store)
        text, calls, signature = "", list[ToolCall](), None
        async with aclosing(engine.stream(call_for(row))) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, Text):
                    text, signature = text + chunk.text, chunk.signature or signature
                elif isinstance(chunk, ToolCalls):
                    calls += chunk.calls
        await store.close()  # as if the core had been stopped between the turns
        await engine.close()
        expected = [one for one in (signature, *(each.signature for each in calls)) if one]
        if not keeps:
            calls = [replace(each, signature=None, arguments=json.dumps(json.loads(each.arguments))) for each in calls]
            signature = None
        store = SignatureStore(Path(folder) / "signatures.db", b"replayed")
        engine = GeminiClient("cloud", GeminiSettings(base_url=replay.url), "replayed", signatures=store)
        answered = (Message(role="tool", tool_call_id=each.id, name=each.name, text="done") for each in calls)
        spoken = Message(role="assistant", text=text, tool_calls=tuple(calls), signature=signature)
        await listen(engine, call_for(row, Message(role="user", text="?"), spoken, *answered))
        await store.close()
        await engine.close()
    parts = [part for turn in replay.body["contents"] for part in turn["parts"]]
    return expected, [part["thoughtSignature"] for part in parts if "thoughtSignature" in part]


# ---- without them --------------------------------------------------------------------------------------------------


def as_stream(row: Row) -> bytes:
    """The row as it goes over the wire in a stream."""
    if row.kind == "gem-one":
        return b"data: " + json.dumps(json.loads(row.body), ensure_ascii=False).encode() + b"\r\n\r\n"
    return row.body.encode()


def events(row: Row) -> list[Json]:
    if row.kind == "gem-one":
        return [json.loads(row.body)]
    lines = row.body.replace("\r\n", "\n").split("\n")
    if row.kind == "ollama-chat":
        return [json.loads(line) for line in lines if line.strip()]
    return [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]


def model(row: Row) -> str:
    """The model that answered, in a form that can be asked for."""
    told = events(row)[0]
    return str(told.get("modelVersion") or told.get("model") or "gemini-3-flash-preview")


def read(row: Row) -> Said:
    """The raw JSON, read plainly."""
    if row.status != 200:
        return Said(error=row.status)
    return _ollama(events(row)) if row.kind == "ollama-chat" else _gemini(events(row))


def _gemini(told: list[Json]) -> Said:
    said = Said()
    counts: dict[str, int] = {}
    for event in told:
        counts |= {name: n for name, n in event.get("usageMetadata", {}).items() if isinstance(n, int) and n}
        for candidate in event.get("candidates", [])[:1]:
            for part in candidate.get("content", {}).get("parts", []):
                if part.get("thought") or not ("text" in part or "functionCall" in part):
                    continue
                said.text += part.get("text", "")
                if called := part.get("functionCall"):
                    said.calls.append((called["name"], called.get("args", {}), called.get("id")))
                said.signatures += [part["thoughtSignature"]] if "thoughtSignature" in part else []
    said.tokens = Tokens(
        input=counts.get("promptTokenCount", 0) + counts.get("toolUsePromptTokenCount", 0),
        output=counts.get("candidatesTokenCount", 0),
        thinking=counts.get("thoughtsTokenCount", 0),
        cached_input=counts.get("cachedContentTokenCount", 0),
    )
    return said


def _ollama(told: list[Json]) -> Said:
    said = Said()
    for line in told:
        message = line.get("message", {})
        said.text += message.get("content") or ""
        said.calls += [
            (each["function"]["name"], each["function"].get("arguments") or {}, each.get("id"))
            for each in message.get("tool_calls") or []
        ]
        if line.get("done"):
            said.tokens = Tokens(input=line.get("prompt_eval_count", 0), output=line.get("eval_count", 0))
    return said


if __name__ == "__main__":
    main()
