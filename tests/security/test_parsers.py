"""Every parser of foreign bytes, on bytes that nobody meant: it reads them, or raises its own error and no other.

What a longer search has found stands in CORPUS and is tried each time.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.core import wire as frames
from backends.engines.framing import FrameTooLong, NdjsonLines, SseEvents
from backends.errors import ClawError, EngineError, WrongSettings
from backends.gateway import agent_keys
from backends.gateway.dialects.any_dialect import READERS
from backends.gateway.http_errors import HttpError
from backends.gateway.json_body import fields_of
from backends.settings.loading import load
from backends.text.terminal_safe import safe
from tests.backends.engines.rig import answer, candidate, delta, response, sse, wire
from tests.backends.text.test_terminal_safe import assert_drawable
from tests.faults.test_engine_security import KINDS, open_engine

CORPUS = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"null",
    b"[]",
    b"1e999",
    b'"\\ud800"',
    b"{" * 10_000,
    b"[" * 100_000,
    b'{"messages":' * 500,
    b'{"a":NaN}',
    b'{"a":1,"a":2}',
    b'{"verb":"ask","request":{}}',
    b'{"messages":[{"role":"user","content":[[[]]]}],"model":{}}',
    b'{"contents":[{"parts":[{"functionCall":null}]}],"tools":[null]}',
    b'{"input":[{"type":"message","content":{"a":[]}}]}',
    b'{"model":"m","prompt":{"a":1},"options":[]}',
    b"data: \n\ndata:\r\r\n\ndata: {\n\n",
    b"event: x\nid: \x00\nretry: -1\n\n",
    b"keys = [",
    b'a."b\\u0000" = 1',
    b"[engines.local]\nbase_url = 1979-05-27T07:32:00Z\n",
    b'[budgets]\nlimit_usd = "1e400"\n',
    b"[[notify]]\n[[notify]]\n",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        *("messages", "contents", "input", "prompt", "model", "role", "content", "parts", "text", "type", "tools"),
        *("function", "functionCall", "image_url", "url", "options", "format", "think", "system", "name", "parameters"),
        *(
            "tool_calls",
            "arguments",
            "response_format",
            "reasoning",
            "stop",
            "n",
            "stream",
            "max_tokens",
            "temperature",
        ),
    ]
)
SHAPED = st.recursive(
    VALUES | st.sampled_from(["user", "text", "image_url", "data:image/png;base64,AA==", "auto", {"a": 1}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)
quick = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(st.dictionaries(NAMES, SHAPED, min_size=1, max_size=6))
def test_s35_a_dialect_s_reader_reads_or_says_400(fields: dict[str, Any]) -> None:
    for read in READERS.values():
        with suppress(HttpError):
            read(fields)


@quick
@given(st.binary(max_size=200) | st.sampled_from(CORPUS))
def test_s35_bytes_are_a_body_or_400(body: bytes) -> None:
    with suppress(HttpError):
        fields = fields_of(body)
        for read in READERS.values():
            with suppress(HttpError):
                read(fields)


@pytest.mark.parametrize("body", CORPUS)
def test_s35_the_corpus_is_read_or_refused_everywhere(body: bytes, home: Path) -> None:
    for name, parse in PARSERS.items():
        home.mkdir(exist_ok=True)
        with suppress(ClawError):
            parse(body, home)
        assert name


def as_settings(data: bytes, folder: Path) -> None:
    path = folder / "claw.toml"
    path.write_bytes(data)
    try:
        load(path, {})
    except WrongSettings as error:
        assert str(error).isprintable()
        raise


def as_keys(data: bytes, folder: Path) -> None:
    path = folder / "agent-keys.json"
    path.write_bytes(data)
    path.chmod(0o600)
    agent_keys.read(path)


def as_frames(data: bytes, _: Path) -> None:
    for framing in (NdjsonLines(1000), SseEvents(1000)):
        with suppress(FrameTooLong):
            framing.feed(data)
            framing.rest()


def as_call(data: bytes, _: Path) -> None:
    with suppress(ClawError):
        frames.decode_call(data)
    frames.decode_frame(data)


def as_body(data: bytes, _: Path) -> None:
    for read in READERS.values():
        with suppress(HttpError):
            read(fields_of(data))


def as_text(data: bytes, _: Path) -> None:
    assert_drawable(safe(data.decode("latin-1")))


PARSERS = {
    "settings": as_settings,
    "keys": as_keys,
    "frames": as_frames,
    "calls": as_call,
    "bodies": as_body,
    "text": as_text,
}


@quick
@given(st.binary(max_size=120) | st.from_regex(rb"[\[\]\w\"'=.,{}# \n-]{0,120}", fullmatch=True))
def test_s35_any_bytes_are_read_or_refused(home: Path, data: bytes) -> None:
    home.mkdir(exist_ok=True)
    for parse in PARSERS.values():
        with suppress(ClawError):
            parse(data, home)


@quick
@given(st.binary(max_size=300), st.integers(1, 60))
def test_s35_frames_are_the_same_wherever_the_bytes_are_cut(data: bytes, step: int) -> None:
    for make in (NdjsonLines, SseEvents):
        whole, cut = make(10_000), make(10_000)
        at_once = whole.feed(data)
        bit_by_bit = [frame for start in range(0, len(data), step) for frame in cut.feed(data[start : start + step])]
        assert (bit_by_bit, cut.rest()) == (at_once, whole.rest())


GOOD = {
    "ollama": b'{"message":{"role":"assistant","content":"x"},"done":false}\n'
    b'{"message":{"role":"assistant","content":""},"done":true,"eval_count":2}\n',
    "openai": sse(delta("x", "stop")),
    "gemini": sse(candidate("x", "STOP")),
}


def broken(good: bytes, chance: random.Random) -> Iterator[bytes]:
    """Answers with bytes changed, doubled, left out, and values of other kinds."""
    wrong = ("null", "-1", "[]", "{}", '"\\ud800"', "1e999", "true", '"' + "x" * 300 + '"')
    for _ in range(12):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        yield bytes(data)
        start, end = sorted(chance.sample(range(len(good)), 2))
        yield good[:start] + good[end:]
        yield good[:end] + good[start:]
    for part in (b'"x"', b"{", b"true", b'"stop"', b'"STOP"', b"2"):
        yield from (good.replace(part, value.encode()) for value in wrong if part in good)


@pytest.mark.parametrize("kind", GOOD)
async def test_s35_an_engine_s_answer_is_read_or_is_an_engine_s_error(kind: str) -> None:
    ended = {"read": 0, "refused": 0}
    for data in broken(GOOD[kind], random.Random(35)):
        async with wire(response(data)) as server, open_engine(kind, server.url) as engine:
            try:
                await asyncio.wait_for(answer(engine, KINDS[kind].call), 10)
            except EngineError as error:
                assert str(error).isprintable()
                ended["refused"] += 1
            else:
                ended["read"] += 1
    assert all(ended.values()), ended


def test_s35_a_control_frame_that_is_read_is_written_the_same_way() -> None:
    for body in CORPUS:
        with suppress(ClawError):
            call = frames.decode_call(body)
            assert frames.decode_call(frames.encode(call)) == call
