"""What is fuzzed: each parser of text from outside, seeds that it accepts, and the errors that are its own.

`parse` raises one of these, or nothing; what else it raises is a crash. Where more can be said of what it returns (a
stream may be cut anywhere, safe text is safe), an AssertionError says what did not hold.
"""

import json
import sqlite3
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from backends.cache.cache_file import open_file
from backends.commands.recorded_requests import requests
from backends.core import wire
from backends.engines.base import Call
from backends.engines.endpoint import Endpoint
from backends.engines.framing import FrameTooLong, Framing, NdjsonLines, SseEvents
from backends.engines.openai.completion_reading import CompletionReading
from backends.engines.openai.openai_errors import Refusal
from backends.errors import EngineError, LedgerError, Unreachable, WrongSettings, WrongUse
from backends.gateway.dialects.anthropic import messages_request
from backends.gateway.dialects.gemini import generate_request
from backends.gateway.dialects.ollama import ollama_request
from backends.gateway.dialects.openai_chat import chat_request
from backends.gateway.dialects.openai_responses import responses_request
from backends.gateway.http_errors import HttpError
from backends.ledger import migrations
from backends.ledger.integrity_check import check_file
from backends.ledger.request_rows import unpack
from backends.ledger.spend_record import SpendRecord
from backends.ledger.spill import SpillFile
from backends.settings.loading import load
from backends.text.terminal_safe import safe
from backends.types import Message, Request
from console.chat_history import ChatHistory
from console.remembered_view import RememberedView

FRAME = 2_048
"""The longest frame of the fuzzed framings, in bytes, so that inputs pass it."""

LONGEST = 65_536
"""Bytes of a file of requests, beyond which a line is cut."""

SPILL_B = 4_096


class Target(Struct, frozen=True, kw_only=True):
    """`make` is given an empty folder and returns what parses one input. Slow ones get a smaller `share`."""

    name: str
    make: Callable[[Path], Callable[[bytes], None]]
    seeds: Sequence[bytes]
    own: tuple[type[Exception], ...] = ()
    share: float = 1.0


def dumped(*values: object) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


# ---- callers' bodies

TOOL = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

CHAT = dumped(
    {"model": "auto", "messages": [{"role": "user", "content": "why?"}], "stream": True, "max_tokens": 9},
    {
        "model": "local",
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "short"}]},
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "read", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "7 hinges"},
        ],
        "tools": [{"type": "function", "function": {"name": "read", "parameters": TOOL}}],
        "tool_choice": {"type": "function", "function": {"name": "read"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": TOOL}},
        "temperature": 0.5,
        "stop": ["end"],
        "logit_bias": {"50": -1},
    },
)
RESPONSES = dumped(
    {"model": "auto", "input": "why?", "stream": False, "max_output_tokens": 9, "reasoning": {"effort": "low"}},
    {
        "model": "auto",
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "short"}]},
            {"type": "function_call", "call_id": "c", "name": "read", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "7 hinges"},
        ],
        "tools": [{"type": "function", "name": "read", "parameters": TOOL}],
        "text": {"format": {"type": "json_schema", "name": "a", "schema": TOOL}},
    },
)
MESSAGES = dumped(
    {"model": "auto", "max_tokens": 9, "system": "short", "messages": [{"role": "user", "content": "why?"}]},
    {
        "model": "auto",
        "max_tokens": 9,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "look", "cache_control": {"type": "ephemeral"}}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "read", "input": {"path": "a"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "7 hinges"}]},
            {
                "role": "user",
                "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}],
            },
        ],
        "tools": [{"name": "read", "input_schema": TOOL}],
        "tool_choice": {"type": "tool", "name": "read"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    },
)
CHATS = dumped(
    {"model": "auto", "messages": [{"role": "user", "content": "why?"}], "options": {"num_predict": 9}, "think": True},
    {
        "model": "auto",
        "stream": False,
        "format": TOOL,
        "messages": [
            {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "read", "arguments": {}}}]},
            {"role": "tool", "tool_name": "read", "content": "7 hinges"},
            {"role": "user", "content": "and?", "images": [PIXEL]},
        ],
        "tools": [{"type": "function", "function": {"name": "read", "parameters": TOOL}}],
    },
)
GENERATE = dumped(
    {"contents": [{"role": "user", "parts": [{"text": "why?"}]}], "generationConfig": {"maxOutputTokens": 9}},
    {
        "system_instruction": {"parts": [{"text": "short"}]},
        "contents": [
            {"role": "model", "parts": [{"functionCall": {"name": "read", "args": {}}, "thoughtSignature": "YWJj"}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "read", "response": {"output": "7"}}}]},
            {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": PIXEL}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "read", "parameters": {"type": "OBJECT", "properties": {}}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["read"]}},
        "generationConfig": {"responseMimeType": "application/json", "thinkingConfig": {"thinkingBudget": 5}},
    },
)


def reader(read: Callable[[bytes], object]) -> Callable[[Path], Callable[[bytes], None]]:
    """Of a parser that is a function of bytes."""

    def parse(data: bytes) -> None:
        read(data)

    return lambda _: parse


def recorded_requests(_: Path) -> Callable[[bytes], None]:
    def parse(data: bytes) -> None:
        for _request in requests(BytesIO(data), LONGEST):
            pass

    return parse


# ---- engines' streams

SSE = [
    b'data: {"choices":[{"delta":{"content":"7 "}}]}\n\ndata: [DONE]\n\n',
    b": comment\r\nevent: message\r\ndata: one\r\ndata: two\r\n\r\nid: 7\rretry: 5\rdata:three\r\r",
    b'{\n  "error": {"code": 503}\n}\n',
]
NDJSON = [
    b'{"message":{"content":"7 "},"done":false}\n\n{"done":true,"done_reason":"stop"}\n',
    b'{"a":"\xe2\x80\xa8"}\r\n{',
]
EVENTS = dumped(
    {"model": "m", "choices": [{"delta": {"content": "7 hinges"}, "logprobs": {"content": [{"logprob": -0.5}]}}]},
    {
        "choices": [
            {
                "delta": {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "read", "arguments": "{}"}}]},
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 1}},
    },
    {"error": {"code": 503, "message": "busy"}},
)


def framing(kind: type[NdjsonLines] | type[SseEvents]) -> Callable[[Path], Callable[[bytes], None]]:
    """However a stream is cut into pieces, the same frames come of it."""

    def frames(pieces: Sequence[bytes]) -> list[bytes] | None:
        splitter: Framing = kind(FRAME)
        found: list[bytes] = []
        try:
            for piece in pieces:
                found += splitter.feed(piece)
            return [*found, splitter.rest()]
        except FrameTooLong:
            return None

    def parse(data: bytes) -> None:
        whole, cut = frames([data]), 1 + len(data) // 3
        parts = frames([data[:cut], data[cut : 2 * cut], data[2 * cut :]])
        assert whole is None or parts is None or whole == parts, "another cut gives other frames"

    return lambda _: parse


CALL = Call(
    id="f",
    model="m",
    messages=(Message(role="user", text="why?"),),
    max_output=9,
    input_tokens=3,
    first_byte_s=1,
    idle_s=1,
)
ENDPOINT = Endpoint(engine="backup", base_url="http://127.0.0.1:1", label="backup", remedy="start it", billed=True)


def completion_events(_: Path) -> Callable[[bytes], None]:
    def parse(data: bytes) -> None:
        reading = CompletionReading(CALL, ENDPOINT)
        for event in data.split(b"\n"):
            reading.feed(event)
        reading.tool_calls()
        reading.finish()

    return parse


# ---- files

SETTINGS = [
    b'budgets = []\n[engines.local]\nbase_url = "http://127.0.0.1:11434"\nparallel = 2\n[cache]\nsemantic = false\n',
    b'[agents.ada]\npolicy = "prefer-cloud"\nengines = ["cloud"]\nrequests_per_minute = 9\n'
    b'[privacy]\naction = "local"\n',
    b'[[budgets]]\nscope = "agent:ada"\nwindow = "day"\nlimit_usd = "0.25"\non_exceeded = "refuse"\n[prices."m"]\n'
    b'input_usd = "1"\noutput_usd = "2"\n[money]\ntimezone = "Europe/Berlin"\n[ledger]\nretention_days = 30\n',
    b'[engines.gpu]\nkind = "openai"\nzone = "local"\nmodel = "m"\nbase_url = "http://127.0.0.1:1/v1"\nkey_env = "K"\n',
]


def settings(folder: Path) -> Callable[[bytes], None]:
    path = folder / "claw.toml"

    def parse(data: bytes) -> None:
        path.write_bytes(data)
        load(path, {})

    return parse


def in_file(read: Callable[[Path], object]) -> Callable[[Path], Callable[[bytes], None]]:
    def make(folder: Path) -> Callable[[bytes], None]:
        path = folder / "file"

        def parse(data: bytes) -> None:
            path.write_bytes(data)
            try:
                read(path)
            finally:
                for left in folder.iterdir():
                    left.unlink()

        return parse

    return make


def spill_records(path: Path) -> None:
    if path.stat().st_size > SPILL_B:
        return  # a larger one is only slower
    spill = SpillFile.open(path, SPILL_B)
    try:
        for record in spill.records():
            with suppress(msgspec.DecodeError):
                unpack(record)
    finally:
        spill.close()


def database(script: str) -> bytes:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(script)
        return db.serialize()


def cache_file() -> bytes:
    """A new one, after all of its pages are in the file itself."""
    with TemporaryDirectory() as folder:
        open_file(Path(folder) / "cache.db").close()
        return (Path(folder) / "cache.db").read_bytes()


def ledger_file() -> bytes:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrations.migrate(db)
        return db.serialize()


# ---- the control socket and the screen

CALLS = [
    wire.encode(wire.Ask(request=Request(id="f", messages=(Message(role="user", text="why?"),)))),
    wire.encode(wire.TakeSnapshot()),
    b'{"verb":"act","protocol":%d,"action":{"verb":"pause","agent":"ada","actor":"me"}}' % wire.PROTOCOL,
]
FRAMES = [
    wire.encode(wire.Frame(hello=wire.Hello(protocol=wire.PROTOCOL, version="1", pid=7))),
    wire.encode(wire.failure(WrongUse("no"))),
    b'{"chunk":{"type":"Delta","text":"7"},"end":true}',
]
ESCAPES = [
    b"plain \x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b]52;c;aGk=\x1b\\",
    "\u202eabc\u2066 \U000e0041 \u200d e\u0301\u0301\u0301\u0301\u0301\u0301 \x9b5n \r\n\t[@click=app.quit]".encode(),
]


def drawn(data: bytes) -> None:
    for newlines in (False, True):
        text = safe(data.decode("utf-8", "surrogateescape"), newlines=newlines)
        kinds = {unicodedata.category(character) for character in text if character != "\n"}
        assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}, "a character that acts on the terminal"
        assert safe(text, newlines=newlines) == text, "made safe twice is something else"


BODY = (HttpError,)
TARGETS = (
    Target(name="settings", make=settings, seeds=SETTINGS, own=(WrongSettings,), share=0.4),
    Target(name="openai chat", make=reader(chat_request.read), seeds=CHAT, own=BODY),
    Target(name="openai responses", make=reader(responses_request.read), seeds=RESPONSES, own=BODY),
    Target(name="anthropic", make=reader(messages_request.read), seeds=MESSAGES, own=BODY),
    Target(name="ollama", make=reader(ollama_request.read), seeds=CHATS, own=BODY),
    Target(name="gemini", make=reader(generate_request.read), seeds=GENERATE, own=BODY),
    Target(
        name="recorded requests",
        make=recorded_requests,
        seeds=[b"\n".join(CHAT + GENERATE)],
        own=(WrongUse,),
        share=0.4,
    ),
    Target(name="SSE", make=framing(SseEvents), seeds=SSE),
    Target(name="NDJSON", make=framing(NdjsonLines), seeds=NDJSON),
    Target(name="completion events", make=completion_events, seeds=EVENTS, own=(EngineError, Refusal)),
    Target(name="control calls", make=reader(wire.decode_call), seeds=CALLS, own=(WrongUse,)),
    Target(name="control frames", make=reader(wire.decode_frame), seeds=FRAMES, own=(Unreachable,)),
    Target(
        name="ledger",
        make=in_file(check_file),
        seeds=[ledger_file()],
        own=(LedgerError, sqlite3.Error),
        share=0.05,
    ),
    Target(
        name="cache file",
        make=in_file(lambda path: open_file(path).close()),
        seeds=[cache_file()],
        own=(sqlite3.Error,),
        share=0.05,
    ),
    Target(
        name="spend record",
        make=in_file(SpendRecord.is_sound),
        seeds=[database("CREATE TABLE spent (day TEXT, usd TEXT); INSERT INTO spent VALUES ('2026-01-01', '0.5')")],
        share=0.05,
    ),
    Target(name="spill", make=in_file(spill_records), seeds=[b"clawspl1" + bytes(40)], own=(LedgerError,), share=0.1),
    Target(
        name="chat history", make=in_file(lambda path: ChatHistory(path).load()), seeds=dumped({"prompts": ["why?"]})
    ),
    Target(
        name="remembered view", make=in_file(lambda path: RememberedView(path).load()), seeds=dumped({"welcomed": True})
    ),
    Target(name="escapes", make=reader(drawn), seeds=ESCAPES),
)
