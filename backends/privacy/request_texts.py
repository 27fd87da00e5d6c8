"""Every text of a request that an engine would read, with the message that it belongs to."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from typing import NamedTuple

import msgspec

from backends.privacy.detection import Detection
from backends.privacy.detectors.one_time_codes import STEMS
from backends.privacy.detectors.secret_names import HEADS
from backends.types import Message, Request

OUTSIDE = -1
"""The index for texts that belong to no message: tools, schema, stop words."""

SEAM = 240
"""Characters on either side of the place where two texts meet."""

LAST_PIECE = re.compile(r"(?:\S{4,}|(?<!\S)[\d\-]+)\Z")
FIRST_PIECE = re.compile(r"\A(?:\S{4,}|[\d\-]+(?!\S))")
LOCAL_PART = re.compile(r"(?<!\S)[\w.+\-]{2,63}[\w+\-]\Z")
DOMAIN = re.compile(r"\A@(?:[\w\-]*\Z|[\w\-]+\.\w)")
CUT_DOMAIN = re.compile(r"[\w+\-]@(?:[\w\-]+\.)*[\w\-]*\Z")
WHOLE_DOMAIN = re.compile(r"@(?:[\w\-]+\.)+[A-Za-z]{2,24}\Z")
FILE = re.compile(
    r"(?i)\A[\w\-]+\.(?:txt|py|js|ts|md|sh|go|rs|c|h|cpp|java|json|ya?ml|toml|xml|html?|css|sql|csv|log|conf|cfg|ini|pdf)\b"
)
ANNOUNCED = re.compile(r"(?i)[:=：]\Z|\b(?:is|ist|lautet|est|es|é|è|to)\Z")


class RequestText(NamedTuple):
    """`in_text`: offsets into `text` are those into the message's own text. `seams`: where texts meet in it."""

    message: int
    text: str
    in_text: bool
    seams: tuple[int, ...] = ()

    def counts(self, found: Detection) -> bool:
        """Is `found` detected only here? What ends before the first seam is found in its own text, too."""
        return not self.seams or found.end > self.seams[0]

    def cuts(self, found: Detection) -> bool:
        """Does a seam lie inside of `found`?"""
        following = bisect_right(self.seams, found.start)
        return following < len(self.seams) and self.seams[following] < found.end


def request_texts(request: Request) -> Iterator[RequestText]:
    """Message texts, names, tool calls and results, declared tools, schema, stop words. Images cannot be read."""
    for index, message in enumerate(request.messages):
        yield RequestText(index, message.text, True)
        if message.name:
            yield RequestText(index, message.name, False)
        for call in message.tool_calls:
            yield RequestText(index, f"{call.name} {call.arguments}", False)
            yield RequestText(index, _unescaped(call.arguments), False)
    for tool in request.tools:
        yield RequestText(OUTSIDE, f"{tool.name} {tool.description} {_json(tool.parameters)}", False)
    if request.response_format.schema is not None:
        yield RequestText(OUTSIDE, _json(request.response_format.schema), False)
    yield from (RequestText(OUTSIDE, word, False) for word in request.sampling.stop)
    yield from joined_texts(request.messages)


def _unescaped(arguments: str) -> str:
    """Arguments with JSON's escapes undone, a line for each name with its value."""
    try:
        return "\n".join(_strings(msgspec.json.decode(arguments)))
    except (msgspec.DecodeError, RecursionError):
        return ""


def joined_texts(messages: tuple[Message, ...]) -> Iterator[RequestText]:
    """The places where texts meet: two messages, two messages of one role, or the parts of a message. A secret may be
    split across them.
    """
    last_of: dict[str, int] = {}
    for index, message in enumerate(messages):
        before = {index - 1, last_of.get(message.role, -1)} - {-1}
        for earlier in sorted(before):
            yield from _joined(index, (messages[earlier].text, message.text))
        last_of[message.role] = index
        if message.seams:
            bounds = pairwise((0, *message.seams, len(message.text)))
            yield from _joined(index, (message.text[start:end] for start, end in bounds))


def _joined(index: int, texts: Iterable[str]) -> Iterator[RequestText]:
    """Runs of texts that may hold one value between them; of long texts, the end and the beginning."""
    run: list[str] = []
    tail = ""
    for text in filter(None, map(str.strip, texts)):
        joint = _joint(tail, text[:SEAM]) if tail else None
        if joint is not None:
            run.append(joint + text[:SEAM])
            tail = (tail + run[-1])[-SEAM:]
        if joint is None or len(text) > SEAM:
            yield from _runs(index, run)
            tail = text[-SEAM:]
            run = [tail]
    yield from _runs(index, run)


def _runs(index: int, run: list[str]) -> Iterator[RequestText]:
    """The run in one piece; one of several texts with blanks, too, as a number may stand before the first part of
    another.
    """
    if len(run) > 1:
        yield _part(index, run)
    if len(run) > 2:
        yield _part(index, [run[0], *(f" {text.lstrip()}" for text in run[1:])])


def _part(index: int, run: list[str]) -> RequestText:
    return RequestText(index, "".join(run), False, tuple(accumulate(map(len, run[:-1]))))


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
