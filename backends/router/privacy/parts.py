"""Every text of a request that an engine would read, each with the message it belongs to."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from backends.types import Request

OUTSIDE = -1
"""Stands for a message where a text belongs to none: tools, schema, stop words."""


JOINS = ("=\n", "\\\n")
"""Line ends that quoted-printable mail and shells put into the middle of a word."""


class Part(NamedTuple):
    """`in_text`: offsets into `text` are offsets into the message's own text."""

    message: int
    text: str
    in_text: bool


def parts(request: Request) -> Iterator[Part]:
    """Message texts, names, tool calls and results, declared tools, schema, stop words. Images cannot be read."""
    for index, message in enumerate(request.messages):
        yield Part(index, message.text, True)
        if any(join in message.text for join in JOINS):
            yield Part(index, _joined(message.text), False)
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


def _joined(text: str) -> str:
    for join in JOINS:
        text = text.replace(join, "")
    return text


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _unescaped(arguments: str) -> str:
    """Arguments with JSON's escapes undone: a key in them may be cut by `\\n` or hidden in `\\u0041`."""
    try:
        return "\n".join(_strings(msgspec.json.decode(arguments)))
    except (msgspec.DecodeError, RecursionError):
        return ""


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
