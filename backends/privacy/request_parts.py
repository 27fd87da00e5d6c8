"""Every text of a request that an engine would read, part by part, with the message that it belongs to."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from backends.privacy.detection import Detection
from backends.privacy.detectors.one_time_codes import STEMS
from backends.privacy.detectors.secret_names import HEADS
from backends.types import Message, Request, ToolCall

OUTSIDE = -1
"""The index for texts that belong to no message: tools, schema, stop words."""

SEAM = 240
"""Characters on either side of the place where two texts meet."""

LAST_PIECE = re.compile(r"(?:\S{4,}|(?<!\S)[\d\-]+)\Z")
FIRST_PIECE = re.compile(r"\A(?:\S{4,}|[\d\-]+(?!\S))")
LOCAL_PART = re.compile(r"(?<!\S)[\w.+\-]{2,63}[\w+\-]\Z")
DOMAIN = re.compile(r"\A@(?:[\w\-]*\Z|[\w\-]+\.\w)")
CUT_DOMAIN = re.compile(r"[\w+\-]@(?:[\w\-]+\.)*[\w\-]*\Z")
WHOLE_DOMAIN = re.compile(r"@(?:[\w\-]+\.)+[A-Za-z]{2,24}\.?\Z")
FILE = re.compile(
    r"(?i)\A[\w\-]+\.(?:txt|py|js|ts|md|sh|go|rs|c|h|cpp|java|json|ya?ml|toml|xml|html?|css|sql|csv|log|conf|cfg|ini|pdf)\b"
)
ANNOUNCED = re.compile(r"(?i)[:=：]\Z|\b(?:is|ist|lautet|est|es|é|è|to)\Z")


PartKind = Literal["text", "name", "call", "tool", "schema", "stop", "joint"]


class PartText(NamedTuple):
    """One reading of a part. `seams`: where texts meet in it."""

    text: str
    seams: tuple[int, ...] = ()

    def counts(self, found: Detection) -> bool:
        """Is `found` detected only here? What ends before the first seam is found in its own text, too."""
        return not self.seams or found.end > self.seams[0]

    def cuts(self, found: Detection) -> bool:
        """Does a seam lie inside of `found`?"""
        following = bisect_right(self.seams, found.start)
        return following < len(self.seams) and self.seams[following] < found.end


class RequestPart(Struct, frozen=True, gc=False):
    """What is judged by itself: one text of a request, or the place where two meet.

    `key` is a keyed hash of all that `readings` returns. `size` are the characters that it was made from. `name` is
    that of a declared tool or of a called one. Of the kind "text" offsets are those into the message's own text.
    """

    kind: PartKind
    message: int
    key: bytes
    size: int
    readings: Callable[[], Iterable[PartText]]
    name: str = ""


Digest = Callable[..., bytes]


def request_parts(request: Request, digest: Digest) -> Iterator[RequestPart]:
    """Message texts, names, tool calls and results, declared tools, schema, stop words, and the joints of texts.
    Images cannot be read. `digest` hashes texts.
    """
    texts = [digest(message.text) for message in request.messages]
    for index, message in enumerate(request.messages):
        if message.text:
            yield _part("text", index, texts[index], message.text)
        if message.name:
            yield _part("name", index, digest(message.name), message.name)
        for call in message.tool_calls:
            key = b"call" + digest(call.id, call.name, call.arguments)
            yield RequestPart("call", index, key, len(call.arguments), partial(_called, call), call.name)
    for tool in request.tools:
        text = f"{tool.name} {tool.description} {tool.schema_json}"
        yield _part("tool", OUTSIDE, digest(text), text, tool.name)
    if request.response_format.schema is not None:
        text = f"{request.response_format.name} {msgspec.json.encode(request.response_format.schema).decode()}"
        yield _part("schema", OUTSIDE, digest(text), text)
    yield from (_part("stop", OUTSIDE, digest(word), word) for word in request.sampling.stop)
    yield from _joints(request.messages, texts)


def _part(kind: PartKind, message: int, key: bytes, text: str, name: str = "") -> RequestPart:
    return RequestPart(kind, message, key, len(text), lambda: (PartText(text),), name)


def _called(call: ToolCall) -> Iterator[PartText]:
    yield PartText(f"{call.id}\n{call.name} {call.arguments}")
    yield PartText(_unescaped(call.arguments))


def _joints(messages: tuple[Message, ...], texts: Sequence[bytes]) -> Iterator[RequestPart]:
    """The places where texts meet: two messages, two messages of one role, or the parts of a message. A secret may be
    split across them.
    """
    last_of: dict[str, int] = {}
    for index, message in enumerate(messages):
        if index:
            before = index - 1
            last = last_of.get(message.role, before)
            key = b"joint" + texts[last] + texts[before] + texts[index]
            meeting = (messages[last].text, messages[before].text) if last != before else (messages[before].text,)
            yield RequestPart("joint", index, key, 0, partial(_met, meeting, message.text))
        last_of[message.role] = index
        if message.seams:
            bounds = pairwise((0, *message.seams, len(message.text)))
            pieces = tuple(message.text[start:end] for start, end in bounds)
            key = b"seams" + texts[index] + repr(message.seams).encode()
            yield RequestPart("joint", index, key, 0, partial(_joined, pieces))


def _met(earlier: Iterable[str], text: str) -> Iterator[PartText]:
    for each in earlier:
        yield from _joined((each, text))


def _unescaped(arguments: str) -> str:
    """Arguments with JSON's escapes undone, a line for each name with its value."""
    try:
        return "\n".join(_strings(msgspec.json.decode(arguments)))
    except (msgspec.DecodeError, RecursionError):
        return ""


def _joined(texts: Iterable[str]) -> Iterator[PartText]:
    """Runs of texts that may hold one value between them; of long texts, the end and the beginning."""
    run: list[str] = []
    tail = ""
    for text in filter(None, map(str.strip, texts)):
        joint = _joint(tail, text[:SEAM]) if tail else None
        if joint is not None:
            run.append(joint + text[:SEAM])
            tail = (tail + run[-1])[-SEAM:]
        if joint is None or len(text) > SEAM:
            yield from _runs(run)
            tail = text[-SEAM:]
            run = [tail]
    yield from _runs(run)


def _runs(run: list[str]) -> Iterator[PartText]:
    """The run in one piece; one of several texts with blanks, too, as a number may stand before the first part of
    another.
    """
    if len(run) > 1:
        yield _run(run)
    if len(run) > 2:
        yield _run([run[0], *(f" {text.lstrip()}" for text in run[1:])])


def _run(run: list[str]) -> PartText:
    return PartText("".join(run), tuple(accumulate(map(len, run[:-1]))))


def _joint(tail: str, head: str) -> str | None:
    """What joins two texts: nothing where a word may be cut, a blank where one announces a value, None where they stay
    apart.
    """
    if ANNOUNCED.search(tail) is not None:
        return " " if any(stem in tail.lower() for stem in (*HEADS, *STEMS)) else None
    if _cuts_an_address(tail, head):
        return ""
    left, right = LAST_PIECE.search(tail), FIRST_PIECE.search(head)
    if left is None or right is None or not any(map(str.isdigit, left[0] + right[0])):
        return None
    return ""


def _cuts_an_address(tail: str, head: str) -> bool:
    """An e-mail address starts in one text and ends in the other; a whole one is found in its own text."""
    if DOMAIN.match(head) is not None:
        return LOCAL_PART.search(tail) is not None
    return CUT_DOMAIN.search(tail) is not None and WHOLE_DOMAIN.search(tail) is None and FILE.match(head) is None


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
