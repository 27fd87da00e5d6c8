"""Each bound on a request's parts lets through what stands at it, and names itself beyond."""

from collections.abc import Callable

import pytest

from backends.errors import WrongUse
from backends.pipeline.bounds import (
    MESSAGES,
    PARTS,
    STOP_CHARACTERS,
    STOP_WORDS,
    TOOL_CALLS,
    TOOLS,
    check_bounds,
)
from backends.types import Media, Message, Request, Sampling, Tool, ToolCall

HI = Message(role="user", text="hi")
CALL = ToolCall(id="c", name="f", arguments="{}")
DOT = Media(media_type="image/png", data=b"x")


def messages(count: int) -> Request:
    return Request(id="r", messages=(HI,) * count)


def texts(count: int) -> Request:
    return Request(id="r", messages=(Message(role="user", text="hi", seams=(1,) * count),))


def files(count: int) -> Request:
    return Request(id="r", messages=(Message(role="user", text="hi", media=(DOT,) * count),))


def calls(count: int) -> Request:
    return Request(id="r", messages=(HI, Message(role="assistant", tool_calls=(CALL,) * count)))


def tools(count: int) -> Request:
    return Request(id="r", messages=(HI,), tools=tuple(Tool(name=f"t{index}") for index in range(count)))


def stop_words(count: int) -> Request:
    return Request(id="r", messages=(HI,), sampling=Sampling(stop=("x",) * count))


def stop_characters(count: int) -> Request:
    return Request(id="r", messages=(HI,), sampling=Sampling(stop=("x" * count,)))


@pytest.mark.parametrize(
    ("made", "most"),
    [
        (messages, MESSAGES),
        (texts, PARTS),
        (files, PARTS),
        (calls, TOOL_CALLS),
        (tools, TOOLS),
        (stop_words, STOP_WORDS),
        (stop_characters, STOP_CHARACTERS),
    ],
)
def test_a_request_may_have_so_many_and_no_more(made: Callable[[int], Request], most: int) -> None:
    check_bounds(made(most))
    with pytest.raises(WrongUse, match=f"{most:,}|{most}"):
        check_bounds(made(most + 1))
