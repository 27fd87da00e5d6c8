import itertools
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engines.framing import FrameTooLong, Framing, NdjsonLines, SseEvents

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def fed(framing: Framing, stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream's frames when it comes in pieces, cut at these places."""
    places = sorted(cut % (len(stream) + 1) for cut in cuts)
    edges = [0, *places, len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(edges)]
    return [frame for piece in pieces for frame in framing.feed(piece)]


@given(st.lists(TEXTS, max_size=6), ENDS, st.lists(st.integers(0, 10_000), max_size=40))
def test_any_chunking_gives_the_same_events(texts: list[str], end: bytes, cuts: list[int]) -> None:
    payloads = [json.dumps({"text": text}, ensure_ascii=False).encode() for text in texts]
    noise = [b"", b": keep-alive" + end + end, b"event: ping" + end + b"id: 7" + end, end]
    stream = b"".join(
        noise[index % len(noise)] + b"data: " + payload + end + end for index, payload in enumerate(payloads)
    )
    events = SseEvents()
    assert fed(events, stream, cuts) == payloads
    assert events.rest() == b""


@given(st.lists(TEXTS, max_size=6), st.lists(st.integers(0, 10_000), max_size=40))
def test_any_chunking_gives_the_same_lines(texts: list[str], cuts: list[int]) -> None:
    payloads = [json.dumps({"text": text}, ensure_ascii=False).encode() for text in texts]
    lines = NdjsonLines()
    assert fed(lines, b"".join(payload + b"\n" for payload in payloads), cuts) == payloads
    assert lines.rest() == b""


@given(TEXTS)
def test_a_wrapped_line_means_the_same_and_has_one_end_of_line(text: str) -> None:
    wrapped = NdjsonLines().wrap(json.dumps({"text": text}, ensure_ascii=False).encode())
    assert len(wrapped.decode().splitlines()) == 1
    assert msgspec.json.decode(wrapped) == {"text": text}


@given(TEXTS.map(lambda text: text.replace("\r", "")))
def test_a_wrapped_event_reads_as_the_same_event(text: str) -> None:
    events = SseEvents()
    frame = text.encode()
    assert events.feed(events.wrap(frame)) == [frame]


def test_an_event_of_several_data_lines_is_one() -> None:
    assert SseEvents().feed(b"data: a\ndata:b\ndata\n\n") == [b"a\nb\n"]


def test_lines_with_crlf_and_blank_ones() -> None:
    assert [line.strip() for line in NdjsonLines().feed(b'\r\n{"a":1}\r\n\n{"b":2}\r\n')] == [b'{"a":1}', b'{"b":2}']


def test_what_is_left_at_the_end() -> None:
    lines, events = NdjsonLines(), SseEvents()
    assert lines.feed(b'{"a":1}\n{"b"') == [b'{"a":1}']
    assert lines.rest() == b'{"b"'
    assert events.feed(b"data: whole\n\ndata: ha") == [b"whole"]
    assert events.rest() == b"ha"


def test_bare_json_after_the_events_is_left_for_the_end() -> None:
    events = SseEvents()
    assert events.feed(b'data: 1\n\n{"error": {\n  "code": 503\n}}\n') == [b"1"]
    assert msgspec.json.decode(events.rest()) == {"error": {"code": 503}}


@pytest.mark.parametrize(
    "pieces",
    [[b"x" * 11], [b"x" * 6, b"x" * 6], [b"x" * 11 + b"\n"], [b"x" * 6, b"x" * 6 + b"\n\n"]],
)
@pytest.mark.parametrize("framing", [NdjsonLines, SseEvents])
def test_a_frame_beyond_the_limit_is_refused(framing: type[NdjsonLines] | type[SseEvents], pieces: list[bytes]) -> None:
    small = framing(limit=10)
    with pytest.raises(FrameTooLong):
        for piece in pieces:
            small.feed(piece)


def test_many_short_lines_of_one_event_are_bound_too() -> None:
    small = SseEvents(limit=100)
    with pytest.raises(FrameTooLong):
        for _ in range(30):
            small.feed(b"data: x\n")
