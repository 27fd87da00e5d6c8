import msgspec
import pytest
from hypothesis import given

from backends import errors
from backends.core import wire as frames
from backends.core.wire import (
    Act,
    Ask,
    Explain,
    Frame,
    Hello,
    Ping,
    TakeSnapshot,
    WatchEvents,
)
from backends.errors import ClawError, EngineError, QueueFull, Unreachable, WrongUse
from backends.events import Event
from backends.types import Acted, Action, Chunk, Explanation, Request, Snapshot
from tests.backends.any_value import values_of


@given(request=values_of(Request))
def test_any_request_survives_the_way_to_the_core(request: Request) -> None:
    for call in (Ask(request=request), Explain(request=request)):
        line = frames.encode(call)
        assert line.count(b"\n") == 1
        assert frames.decode_call(line) == call


@given(event=values_of(Event))
def test_any_event_survives_the_way_to_its_watcher(event: Event) -> None:
    frame = Frame(event=event)
    assert frames.decode_frame(frames.encode(frame)) == frame


@given(chunk=values_of(Chunk))
def test_any_chunk_survives_the_way_to_its_asker(chunk: Chunk) -> None:
    frame = Frame(chunk=chunk)
    assert frames.decode_frame(frames.encode(frame)) == frame


@given(value=values_of(Explanation) | values_of(Snapshot) | values_of(Acted))
def test_any_result_survives(value: Explanation | Snapshot | Acted) -> None:
    frame = frames.decode_frame(frames.encode(frames.result(value)))
    assert msgspec.json.decode(frame.result, type=type(value)) == value


def test_each_verb_has_its_word() -> None:
    action = Action(verb="stop-cloud", actor="me")
    words: dict[frames.Call, str] = {
        TakeSnapshot(): "snapshot",
        WatchEvents(): "events",
        Act(action=action): "act",
        Ping(): "ping",
    }
    for call, word in words.items():
        assert msgspec.json.decode(frames.encode(call))["verb"] == word
        assert frames.decode_call(frames.encode(call)) == call


ERRORS = [
    kind("what happened: what to do")
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ClawError) and kind is not EngineError
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_as_itself(error: ClawError) -> None:
    frame = frames.decode_frame(frames.encode(frames.failure(error)))
    assert frame.error is not None
    restored = frames.restore_error(frame.error)
    assert type(restored) is type(error)
    assert str(restored) == str(error)
    assert (restored.kind, restored.exit_code, restored.http_status) == (error.kind, error.exit_code, error.http_status)


def test_an_error_s_figures_come_back() -> None:
    full = frames.failure(QueueFull("full", retry_after_s=2.5)).error
    assert full is not None
    assert frames.restore_error(full).retry_after_s == 2.5
    gone = frames.failure(EngineError("gone", kind="cut", billed=True, status=503, retry_after_s=1)).error
    assert gone is not None
    restored = frames.restore_error(gone)
    assert isinstance(restored, EngineError)
    assert (restored.kind, restored.billed, restored.status, restored.retry_after_s) == ("cut", True, 503, 1)


def test_an_error_of_a_newer_core_is_still_an_error() -> None:
    class Novel(WrongUse):
        kind = "novel"

    failed = frames.failure(Novel("something new")).error
    assert failed is not None
    restored = frames.restore_error(failed)
    assert type(restored) is ClawError
    assert (str(restored), restored.kind, restored.exit_code) == ("something new", "novel", 2)
    for name in ("os", "Any", "EngineErrorKind", "__doc__"):
        assert type(frames.restore_error(msgspec.structs.replace(failed, name=name))) is ClawError


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"{}", b"[]", b'{"verb":"dance","protocol":2}', b"\xff", b'{"verb":"ask","protocol":2}', b"[" * 9999],
)
def test_what_is_no_call_is_wrong_use(line: bytes) -> None:
    with pytest.raises(WrongUse):
        frames.decode_call(line)


@pytest.mark.parametrize(
    "call",
    [
        '{"verb":"snapshot","at":"2026-11-01T00:00:00","protocol":2}',
        '{"verb":"timeline","since":"2026-11-01T00:00:00","until":"2026-11-02T00:00:00Z","protocol":2}',
        '{"verb":"act","action":{"verb":"set","actor":"me","until":"2026-11-01T00:00:00"},"protocol":2}',
    ],
)
def test_a_time_without_its_zone_is_wrong_use(call: str) -> None:
    with pytest.raises(WrongUse):
        frames.decode_call(call.encode())


def test_a_call_of_another_protocol_is_told_so() -> None:
    with pytest.raises(WrongUse, match="speaks control protocol 2, the caller 3"):
        frames.decode_call(b'{"verb":"ping","protocol":3,"new":"field"}')


def test_a_core_of_another_protocol_is_named() -> None:
    hello = Frame(hello=Hello(protocol=7, version="9.9", pid=1))
    with pytest.raises(Unreachable, match=r"claw 9\.9.*protocol 7"):
        frames.decode_frame(frames.encode(hello))
    for line in (b"", b"HTTP/1.1 400\r\n", b'{"chunk":{"type":"Novel"}}', b"[" * 9999):
        with pytest.raises(Unreachable):
            frames.decode_frame(line)


def test_a_frame_beyond_the_limit_is_not_sent() -> None:
    with pytest.raises(ValueError, match="too long"):
        frames.encode(TakeSnapshot(), limit=10)
