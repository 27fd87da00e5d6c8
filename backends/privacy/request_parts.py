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
from backends.privacy.detectors.password_sentences import STEMS as NOUNS
from backends.privacy.detectors.password_words import COPULAS
from backends.privacy.detectors.secret_names import HEADS
from backends.privacy.text_window import TextWindow
from backends.types import Message, Request, ToolCall

OUTSIDE = -1
"""The index for texts that belong to no message: tools, schema, stop words."""

SEAM = 240
"""Characters on either side of the place where two texts meet."""

SHORT_PIECE = re.compile(r"[\d\-]+|\+?[A-Z\d]{0,4}")
"""Part of a number that is printed in groups; of anything else more must stand before the cut, or behind it."""

LEAST_PIECE, LONG_PIECE = 4, 8
LOCAL_PART = re.compile(r"[\w.+\-]{2,63}[\w+\-]")
DOMAIN = re.compile(r"\A(?:[.+\-][\w.+\-]{0,63})?@(?:[\w\-]*\Z|[\w\-]+\.\w)")
CUT_DOMAIN = re.compile(r"[\w+\-]@(?:[\w\-]+\.)*[\w\-]*\Z")
WHOLE_DOMAIN = re.compile(r"@(?:[\w\-]+\.)+[A-Za-z]{2,24}\.?\Z")
FILE = re.compile(
    r"(?i)\A[\w\-]+\.(?:txt|py|js|ts|md|sh|go|rs|c|h|cpp|java|json|ya?ml|toml|xml|html?|css|sql|csv|log|conf|cfg|ini|pdf)\b"
)
LONGEST_END = 16
"""Characters at the end of a text in which a word announces the next one, or a street has its number."""

BEHIND_NOUN = 80
"""Characters behind a word for password in which one may begin."""

ANNOUNCED = re.compile(rf"(?i)[:=：是は]\Z|(?<![^\W_])(?:to|{'|'.join(map(re.escape, sorted(COPULAS)))})\Z")
STREET_END = re.compile(r"\d{1,5} ?[a-zA-Z]?,?\Z")
POSTCODE = re.compile(r"\A(?:[A-Z]{1,2}[\- ]?)?\d{4,5}\b|\A[A-Z]{1,2}\d")


PartKind = Literal["text", "name", "call", "tool", "schema", "stop", "joint"]


class PartText(NamedTuple):
    """One reading of a part. `seams`: where texts meet in it."""

    text: str
    seams: tuple[int, ...] = ()

    def pieces(self) -> Iterator[tuple[int, str]]:
        """The texts that meet, each with its offset."""
        for start, end in pairwise((0, *self.seams, len(self.text))):
            yield start, self.text[start:end]

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
    yield from _joints(request.messages, texts, digest)


def _part(kind: PartKind, message: int, key: bytes, text: str, name: str = "") -> RequestPart:
    return RequestPart(kind, message, key, len(text), lambda: (PartText(text),), name)


def _called(call: ToolCall) -> Iterator[PartText]:
    yield PartText(f"{call.id}\n{call.name} {call.arguments}")
    yield PartText(_unescaped(call.arguments))
    yield from _joined(text for _, text in _texts(call))


def _joints(messages: tuple[Message, ...], texts: Sequence[bytes], digest: Digest) -> Iterator[RequestPart]:
    """The places where texts meet: two messages, two messages of one role, the parts of a message, or the arguments of
    calls. A secret may be split across them.
    """
    last_of: dict[str, int] = {}
    last_call: ToolCall | None = None
    for index, message in enumerate(messages):
        if index:
            before = index - 1
            last = last_of.get(message.role, before)
            key = b"joint" + texts[last] + texts[before] + texts[index]
            meeting = (messages[last].text, messages[before].text) if last != before else (messages[before].text,)
            yield RequestPart("joint", index, key, 0, partial(_met, meeting, message.text))
        last_of[message.role] = index
        if message.tool_calls:
            calls = message.tool_calls if last_call is None else (last_call, *message.tool_calls)
            last_call = calls[-1]
            key = b"calls" + digest(*(call.arguments for call in calls))
            yield RequestPart("joint", index, key, 0, partial(_called_in_turn, calls), last_call.name)
        if message.seams:
            bounds = pairwise((0, *message.seams, len(message.text)))
            pieces = tuple(message.text[start:end] for start, end in bounds)
            key = b"seams" + texts[index] + repr(message.seams).encode()
            yield RequestPart("joint", index, key, 0, partial(_joined, pieces))


def _met(earlier: Iterable[str], text: str) -> Iterator[PartText]:
    for each in earlier:
        yield from _joined((each, text))


def _called_in_turn(calls: Sequence[ToolCall]) -> Iterator[PartText]:
    """What stands under one name in several calls, as when a file is written piece by piece."""
    by_name: dict[str, list[str]] = {}
    for call in calls:
        for name, text in _texts(call):
            by_name.setdefault(name, []).append(text)
    for texts in by_name.values():
        yield from _joined(texts)


def _texts(call: ToolCall) -> Iterator[tuple[str, str]]:
    given = _arguments(call.arguments)
    for name, value in given.items() if isinstance(given, dict) else ():
        if isinstance(value, str):
            yield name, value


def _unescaped(arguments: str) -> str:
    """Arguments with JSON's escapes undone, a line for each name with its value."""
    return "\n".join(_strings(_arguments(arguments)))


def _arguments(arguments: str) -> object:
    """None where they cannot be read."""
    try:
        return msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return None


def _joined(texts: Iterable[str]) -> Iterator[PartText]:
    """Runs of texts that may hold one value between them; of long texts, the end and the beginning."""
    run: list[str] = []
    tail = ""
    for text in filter(None, map(str.strip, texts)):
        meets = bool(tail) and _may_meet(tail, text[:SEAM])
        if meets:
            run.append(text[:SEAM])
            tail = (tail + run[-1])[-SEAM:]
        if not meets or len(text) > SEAM:
            yield from _runs(run)
            tail = text[-SEAM:]
            run = [tail]
    yield from _runs(run)


def _runs(run: list[str]) -> Iterator[PartText]:
    """The run in one piece, as a value may be cut; and with blanks, as its name may stand before the first part, and
    the number of another thing.
    """
    if len(run) > 1:
        for joint in ("", " "):
            pieces = [run[0], *(f"{joint}{text}" for text in run[1:])]
            yield PartText("".join(pieces), tuple(accumulate(map(len, pieces[:-1]))))


def _may_meet(tail: str, head: str) -> bool:
    """May one value lie in both texts: a word cut in two, an address over two lines, a name and what it announces?"""
    end = tail[-LONGEST_END:]
    announced = ANNOUNCED.search(end)
    announces = announced is not None and any(map(TextWindow(tail).has_any, (HEADS, NOUNS, STEMS)))
    left, right = tail.rsplit(None, 1)[-1], head.split(None, 1)[0]
    if announces or (_has_digit(left + head[:BEHIND_NOUN]) and TextWindow(tail[-BEHIND_NOUN:]).has_any(NOUNS)):
        return True
    if announced is not None and not announced[0].isalpha():
        return False
    if _cuts_an_address(left, head) or (POSTCODE.match(head) and STREET_END.search(end)):
        return True
    if not _has_digit(left + right):
        return False
    short, long = sorted((left, right), key=len)
    if len(short) >= LEAST_PIECE:
        return True
    of_a_number = SHORT_PIECE.fullmatch(short) is not None and SHORT_PIECE.fullmatch(long) is not None
    return _has_digit(long) and (len(long) >= LONG_PIECE or of_a_number)


def _has_digit(text: str) -> bool:
    """Few values have none, and few words one."""
    return any(map(str.isdigit, text))


def _cuts_an_address(left: str, head: str) -> bool:
    """An e-mail address starts in one text's last word and ends in the other; a whole one is found in its own text."""
    if DOMAIN.match(head) is not None:
        return LOCAL_PART.fullmatch(left) is not None
    if "@" not in left or CUT_DOMAIN.search(left) is None:
        return False
    return WHOLE_DOMAIN.search(left) is None and FILE.match(head) is None


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
