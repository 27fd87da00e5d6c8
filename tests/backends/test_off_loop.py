"""Who works in a thread, who waits for whom, and what becomes of work that nobody waits for any more."""

import asyncio
import threading

import pytest

from backends.off_loop import HUGE, LARGE, Abandoned, check_wanted, off_loop, size_of
from backends.types import Media, Message, Request, ResponseFormat, Tool, ToolCall
from tests.waiting import until

HI = Message(role="user", text="hi")
LONG = "x" * LARGE
SCHEMA = {"type": "object", "properties": {f"p{index}": {"enum": [1, True, None, "x"]} for index in range(300)}}


@pytest.mark.parametrize(
    "request_",
    [
        Request(id="r", messages=(Message(role="user", text=LONG),)),
        Request(id="r", messages=(HI, Message(role="tool", text=LONG, tool_call_id="c"))),
        Request(
            id="r", messages=(Message(role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments=LONG),)), HI)
        ),
        Request(id="r", messages=(Message(role="user", media=(Media(media_type="image/png", data=bytes(LARGE)),)),)),
        Request(id="r", messages=(HI,), tools=(Tool(name="f", description=LONG),)),
        Request(id="r", messages=(HI,), tools=(Tool(name="f", parameters=SCHEMA),)),
        Request(id="r", messages=(HI,), response_format=ResponseFormat(kind="schema", schema=SCHEMA)),
        Request(id="r", messages=(HI,) * 2000),
    ],
    ids=["text", "result", "arguments", "image", "description", "parameters", "schema", "messages"],
)
def test_a_request_is_large_wherever_its_bytes_are(request_: Request) -> None:
    assert size_of(request_) >= LARGE


def test_a_small_request_is_small() -> None:
    assert 0 < size_of(Request(id="r", messages=(HI,))) < 200
    assert size_of(Request(id="r", messages=(HI, HI), tools=(Tool(name="f", description="d"),))) < 500


async def test_small_work_stays_and_large_work_goes_to_a_thread() -> None:
    here = threading.get_ident()
    assert await off_loop(LARGE - 1, threading.get_ident) == here
    assert await off_loop(LARGE, threading.get_ident) != here
    assert await off_loop(HUGE, threading.get_ident, heavy=True) != here


async def test_what_work_raises_is_heard() -> None:
    with pytest.raises(ZeroDivisionError):
        await off_loop(LARGE, lambda: 1 // 0)


async def test_huge_requests_are_read_one_after_the_other_and_hold_up_no_smaller_one() -> None:
    at_once, most, gate = 0, 0, threading.Event()

    def read() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        gate.wait(10)
        at_once -= 1

    huge = [asyncio.create_task(off_loop(HUGE, read, heavy=True)) for _ in range(3)]
    await until(lambda: at_once == 1)
    assert await off_loop(LARGE, lambda: "read", heavy=True) == "read"
    gate.set()
    await asyncio.gather(*huge)
    assert most == 1


async def test_work_that_nobody_waits_for_ends_and_gives_its_place_back() -> None:
    ended, reading = threading.Event(), threading.Event()

    def read() -> None:
        reading.set()
        try:
            while True:
                check_wanted()
        except Abandoned:
            ended.set()
            raise

    task = asyncio.create_task(off_loop(HUGE, read, heavy=True))
    await until(reading.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(ended.is_set)
    assert await off_loop(HUGE, lambda: "next", heavy=True) == "next"


def test_work_outside_of_any_thread_is_always_wanted() -> None:
    check_wanted()
