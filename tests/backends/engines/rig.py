"""What the engines' tests share: a call to make, an answer gathered, and a server that says exactly what it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import msgspec
from msgspec.structs import replace

from backends.engines.api_key import ApiKey
from backends.engines.base import AnsweredBy, Call, Engine, EngineChunk, Finished, Text, ToolCalls, Usage
from backends.engines.endpoint import Endpoint
from backends.errors import EngineError
from backends.settings.engines import KINDS
from backends.types import Message, Tokens, ToolCall

KEY = "AIza-canary-5f0c1d2e3b4a"
API_KEY = ApiKey(KEY, "GEMINI_API_KEY")
LOCAL_ENDPOINT = Endpoint(
    engine="local", base_url="http://127.0.0.1:11434/x", label="Ollama", remedy="start it", billed=False
)
CLOUD_ENDPOINT = Endpoint(
    engine="cloud", base_url="https://g.example", label="Gemini", remedy="check the network", billed=True
)
PROMPT = "canary-prompt: which three things matter most?"

CALL = Call(
    id="r1",
    model="qwen2.5:14b",
    messages=(Message(role="system", text="Be brief."), Message(role="user", text=PROMPT)),
    max_output=200,
    input_tokens=20,
    first_byte_s=30.0,
    idle_s=10.0,
)
CLOUD_CALL = replace(CALL, model="gemini-3.5-flash-lite", thinking_budget=64)


class Answer(msgspec.Struct, kw_only=True):
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    tokens: Tokens | None = None
    finished: Finished | None = None
    answering: str = ""
    signature: str | None = None
    chunks: list[EngineChunk] = msgspec.field(default_factory=list)


async def answer(engine: Engine, call: Call, *, into: Answer | None = None) -> Answer:
    """The whole answer; what came before an error stands in `into`."""
    whole = into or Answer()
    async with aclosing(engine.stream(call)) as chunks:
        async for chunk in chunks:
            whole.chunks.append(chunk)
            match chunk:
                case Text(text):
                    whole.text += text
                    whole.signature = chunk.signature or whole.signature
                case AnsweredBy(model):
                    whole.answering = model
                case ToolCalls(calls):
                    whole.calls += calls
                case Usage(tokens):
                    whole.tokens = tokens
                case Finished():
                    whole.finished = chunk
    return whole


async def failure(engine: Engine, call: Call, *, into: Answer | None = None) -> EngineError:
    """The error that the call ends with. Fails where there is none."""
    try:
        await answer(engine, call, into=into)
    except EngineError as error:
        assert "\n" not in str(error)
        assert PROMPT not in str(error)
        assert KEY not in str(error)
        return error
    raise AssertionError("the call ended well")


def local_settings(url: str, *, kind: str = "ollama", **changes: Any) -> Any:
    kinds: dict[str, Any] = dict(KINDS)
    return kinds[kind](**({"base_url": url, "parallel": 32, "context": 16_384} | changes))


Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


class WireServer:
    """Answers each request with the next reply, byte for byte; the last one again and again."""

    def __init__(self, *replies: bytes | Reply) -> None:
        self.replies = list(replies)
        self.requests: list[bytes] = []
        self.connections = 0
        self.open = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while request := await _request(reader):
                self.requests.append(request)
                reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                if isinstance(reply, bytes):
                    writer.write(reply)
                    await writer.drain()
                else:
                    await reply(writer)
                if writer.is_closing():
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def wire(*replies: bytes | Reply, ssl: Any = None) -> AsyncIterator[WireServer]:
    """A WireServer on loopback."""
    server = WireServer(*replies)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=ssl)
    port = listening.sockets[0].getsockname()[1]
    server.url = f"{'https' if ssl else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()


def response(*pieces: bytes, status: str = "200 OK", kind: str = "text/event-stream", end: bool = True) -> bytes:
    """An HTTP response; each piece is an HTTP chunk of its own. Without `end` the body stays open."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
    return head + body + (b"0\r\n\r\n" if end else b"")


def sse(*events: Any) -> bytes:
    """Events of SSE; bytes stand as they are, all else as JSON."""
    return b"".join(
        b"data: " + (event if isinstance(event, bytes) else msgspec.json.encode(event)) + b"\n\n" for event in events
    )


def delta(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of OpenAI's."""
    return {"choices": [{"index": 0, "delta": {"content": text} | more, "finish_reason": finish}]}


def candidate(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of Gemini's."""
    said: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}] if text is not None else []}}
    return {"candidates": [said | ({"finishReason": finish} if finish else {})]} | more


async def _request(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head + await reader.readexactly(length)
