"""Splits a stream of bytes into NDJSON lines or SSE events, each at most 8 MiB long."""

from typing import Protocol

FRAME_LIMIT = 8 * 1024 * 1024  # bytes of one line or event; Gemini sends an image of the prompt's size in one


class FrameTooLong(Exception):
    """A line or event grew past FRAME_LIMIT."""


class Framing(Protocol):
    def feed(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes, without their terminators. Raises FrameTooLong."""
        ...

    def rest(self) -> bytes:
        """At the end of the stream: what came without a terminator."""
        ...

    def wrap(self, frame: bytes) -> bytes:
        """A frame in the form in which it goes over the wire."""
        ...


class NdjsonLines:
    """NDJSON: one JSON value a line; blank lines are skipped.

    `wrap` escapes the three characters that JSON allows unescaped in a string and that httpx treats as line ends.
    """

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self._limit = limit
        self._tail = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        head, newline, tail = data.rpartition(b"\n")
        if not newline:
            self._tail += data
            self._check(len(self._tail))
            return []
        lines = (bytes(self._tail) + head).split(b"\n")
        self._tail = bytearray(tail)
        self._check(len(self._tail), *map(len, lines))
        return [line for line in lines if line.strip()]

    def rest(self) -> bytes:
        return bytes(self._tail).strip()

    def wrap(self, frame: bytes) -> bytes:
        for raw, escaped in ((b"\xc2\x85", b"\\u0085"), (b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029")):
            if raw in frame:
                frame = frame.replace(raw, escaped)
        return frame + b"\n"

    def _check(self, *lengths: int) -> None:
        if max(lengths) > self._limit:
            raise FrameTooLong


class SseEvents:
    """SSE: the `data` of each event. Comments, other fields and blank keep-alives are skipped.

    Gemini may write an error in the middle of a stream as bare lines of JSON; `rest` returns them when nothing else is
    left.
    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self._limit = limit
        self._tail = bytearray()
        self._after_cr = False
        self._data: list[bytes] = []
        self._stray: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> list[bytes]:
        frames = []
        for line in self._lines(data):
            if line:
                self._add(line)
            elif self._data:
                frames.append(b"\n".join(self._data))
                self._data, self._held = [], 0
                self._stray.clear()
        return frames

    def rest(self) -> bytes:
        if self._tail:
            self._add(bytes(self._tail))
            self._tail.clear()
        return b"\n".join(self._data or self._stray).strip()

    def wrap(self, frame: bytes) -> bytes:
        return b"".join(b"data: " + line + b"\n" for line in frame.split(b"\n")) + b"\n"

    def _lines(self, data: bytes) -> list[bytes]:
        """Whole lines, ended by LF, CR or CRLF, also where a CRLF is split over two chunks."""
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        if b"\n" not in data and b"\r" not in data:
            self._tail += data
            self._check(len(self._tail))
            return []
        lines = (bytes(self._tail) + data).splitlines()
        self._tail = bytearray(b"" if data.endswith((b"\n", b"\r")) else lines.pop())
        self._check(len(self._tail))
        return lines

    def _add(self, line: bytes) -> None:
        field, colon, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        elif field in (b"", b"event", b"id", b"retry") and colon:
            return
        else:
            self._stray.append(line)
        self._check(len(line))
        self._held += len(line)

    def _check(self, more: int) -> None:
        if self._held + more > self._limit:
            raise FrameTooLong
