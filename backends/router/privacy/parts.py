"""Every text of a request that an engine would read, each with the message it belongs to."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from backends.router.privacy.names import HEADS
from backends.types import Message, Request

OUTSIDE = -1
"""Stands for a message where a text belongs to none: tools, schema, stop words."""

SEAM = 240
"""Characters on either side of the place where two messages meet."""

LAST_PIECE = re.compile(r"\S{4,}\Z")
FIRST_PIECE = re.compile(r"\A\S{4,}")
ANNOUNCED = re.compile(r"(?i)[:=：]\Z|\b(?:is|ist|lautet|est|es|é|è|to)\Z")


class Part(NamedTuple):
    """`in_text`: offsets into `text` are those into the message's own text. Only what reaches beyond `seam` counts."""

    message: int
    text: str
    in_text: bool
    seam: int = -1


def parts(request: Request) -> Iterator[Part]:
    """Message texts, names, tool calls and results, declared tools, schema, stop words. Images cannot be read."""
    for index, message in enumerate(request.messages):
        yield Part(index, message.text, True)
        if message.name:
            yield Part(index, message.name, False)
        for call in message.tool_calls:
            yield Part(index, f"{call.name} {call.arguments}", False)
            yield Part(index, _unescaped(call.arguments), False)
    for tool in request.tools:
        yield Part(OUTSIDE, f"{tool.name} {tool.description} {_json(tool.parameters)}", False)
    if request.response_format.schema is not None:
        yield Part(OUTSIDE, _json(request.response_format.schema), False)
    yield from (Part(OUTSIDE, word, False) for word in request.sampling.stop)
    yield from seams(request.messages)


def _unescaped(arguments: str) -> str:
    """Arguments with JSON's escapes undone, a line for each name with its value."""
    try:
        return "\n".join(_strings(msgspec.json.decode(arguments)))
    except (msgspec.DecodeError, RecursionError):
        return ""


def seams(messages: tuple[Message, ...]) -> Iterator[Part]:
    """Where one message ends and the next begins, or the same speaker's next: a secret may be split over both."""
    last_of: dict[str, int] = {}
    for index, message in enumerate(messages):
        before = {index - 1, last_of.get(message.role, -1)} - {-1}
        for earlier in sorted(before):
            tail, head = messages[earlier].text[-SEAM:].rstrip(), message.text[:SEAM].lstrip()
            if tail and head and (joint := _joint(tail, head)) is not None:
                yield Part(index, f"{tail}{joint}{head}", False, seam=len(tail) + len(joint))
        last_of[message.role] = index


def _joint(tail: str, head: str) -> str | None:
    """What to join two messages with: nothing where a word may be cut, a blank where one announces a value."""
    if ANNOUNCED.search(tail) is not None:
        return " " if any(head in tail.lower() for head in HEADS) else None
    left, right = LAST_PIECE.search(tail), FIRST_PIECE.search(head)
    if left is None or right is None or not any(map(str.isdigit, left[0] + right[0])):
        return None
    return ""


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            inner = list(_strings(item))
            yield f"{name}: {inner[0]}" if len(inner) == 1 else str(name)
            yield from inner[1:] if len(inner) > 1 else ()
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif value is not None:
        yield str(value)
