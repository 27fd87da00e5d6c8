"""Sends the frames of a response, with the faults that break or distort them."""

import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from aiohttp import web

from backends.rehearsal.faults import Fault
from backends.rehearsal.scripted_answers import RunnerDied


class AnswerCut(Exception):
    """The twin broke an answer off; `response` is what was sent of it."""

    def __init__(self, response: web.StreamResponse) -> None:
        super().__init__()
        self.response = response


async def deliver(
    request: web.Request,
    frames: AsyncIterator[bytes],
    fault: Fault | None,
    *,
    content_type: str,
    error_frame: bytes,
    hush: Callable[[float | None], Awaitable[None]],
) -> web.StreamResponse:
    """Send the frames as one response. Raises AnswerCut where the fault ended it early.

    A frame is one line or event, whole. Headers go out with the first frame, or at once when the fault strikes at 0.
    """
    response = web.StreamResponse(headers={"Content-Type": content_type})
    strikes = fault.after if fault is not None else None
    sent = 0
    if strikes == 0:
        await response.prepare(request)
    if fault is not None and sent == strikes and fault.kind != "half":
        await _strike(request, response, fault, error_frame, hush)
    async for frame in _until_runner_dies(frames, response, error_frame):
        if not response.prepared:
            await response.prepare(request)
        if fault is not None and sent == strikes and fault.kind == "half":
            await response.write(frame[: len(frame) // 2])
            await response.write_eof()
            raise AnswerCut(response)
        for piece in _dressed(frame, fault):
            await response.write(piece)
        sent += 1
        if fault is not None and sent == strikes and fault.kind != "half":
            await _strike(request, response, fault, error_frame, hush)
    await response.write_eof()
    return response


async def _until_runner_dies(
    frames: AsyncIterator[bytes], response: web.StreamResponse, error_frame: bytes
) -> AsyncIterator[bytes]:
    try:
        async for frame in frames:
            yield frame
    except RunnerDied:
        if not response.prepared:
            raise
        await response.write(error_frame)
        await response.write_eof()
        raise AnswerCut(response) from None


def reset(request: web.Request) -> None:
    """Break the connection with RST."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _strike(
    request: web.Request,
    response: web.StreamResponse,
    fault: Fault,
    error_frame: bytes,
    hush: Callable[[float | None], Awaitable[None]],
) -> None:
    match fault.kind:
        case "silence":
            await hush(fault.seconds)
            return
        case "close":
            await response.write_eof()
        case "error":
            await response.write(error_frame)
            await response.write_eof()
        case "drop":
            if request.transport is not None:
                request.transport.close()
        case "reset":
            reset(request)
        case _:
            return
    raise AnswerCut(response)


def _dressed(frame: bytes, fault: Fault | None) -> Iterator[bytes]:
    """The frame's bytes, changed as the fault's wire mode says; each piece becomes an HTTP chunk of its own."""
    mode = fault.mode if fault is not None and fault.kind == "wire" else ""
    if mode == "crlf":
        frame = frame.replace(b"\n", b"\r\n")
    if mode == "keep-alive":
        yield b"\n"
    if mode == "split":
        yield from (frame[at : at + 1] for at in range(len(frame)))
    else:
        yield frame
