"""Private values replaced by placeholders (`[[EMAIL_1]]`), so that the cloud can answer without seeing them.

The same value has the same placeholder in all messages and turns, also where nothing around a later mention looks
private. What cannot be replaced (a tool's name, across two messages) stays, and the gate, which inspects the result
again, finds it.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from backends.privacy.detection import Detection
from backends.privacy.placeholders import Name, Placeholders, highest_in, names_in
from backends.privacy.request_parts import RequestPart
from backends.text_memory import TextMemory
from backends.types import Message, Request, Tool, ToolCall
from backends.upstream import token_count as tokens

SHORTEST = 4
"""Characters of the shortest value that is searched for again; a shorter one is part of too many other words."""

FIRST_WORD = re.compile(r"\w+|[^\w\s]")

QUOTES, ENDS = "\"'`", ".,;:?"

ENTRIES, BYTES = 1 << 16, 16 << 20
"""What is remembered of texts that were redacted."""

T = TypeVar("T")

Find = Callable[[str], Iterable[Detection]]


class Values:
    """Each placeholder's value, by label and number ("EMAIL", 1)."""

    def __init__(self, by_name: dict[Name, str]) -> None:
        self.by_name = by_name

    def __len__(self) -> int:
        return len(self.by_name)

    def __repr__(self) -> str:
        return f"<{len(self.by_name)} private values>"


class Redaction(Struct, frozen=True, kw_only=True):
    """`request` is what may go out, and its length. Its values show in no repr, log or record."""

    request: Request
    values: Values
    input_tokens: int
    most_tokens: int


class TextReading(Struct, frozen=True, gc=False):
    """What is to be replaced in a text, and of the rest of it the highest number that stands where a placeholder has
    its own, and the placeholders that would be restored in it.
    """

    stretches: tuple[Detection, ...]
    highest: int = 0
    names: frozenset[Name] = frozenset()


class Redactor:
    """Remembers what is to be replaced in each text, by a keyed hash of it and of all the values."""

    def __init__(self, key: bytes, *, entries: int = ENTRIES) -> None:
        self._memory = TextMemory[TextReading](key, entries=min(entries, ENTRIES), bytes_=BYTES)

    def redact(self, request: Request, find: Find) -> Redaction:
        """`request` with placeholders for what `find` finds in message texts, names, tool calls, and the texts of
        declared tools. Raises as `find`.

        Numbers start after those that stand in the text before, so that a conversation which grows keeps its beginning
        byte for byte. Where a later text holds a placeholder of that name itself, they start after the highest of all.
        """
        found = _once(lambda text: tuple(find(text)))
        values = _Collected(found)
        _exchanged(request, values)
        reading = self._reader(found, values.kinds)
        exchange = _Exchange(reading, self._names, Placeholders())
        changed = _exchanged(request, exchange)
        if exchange.ambiguous:
            exchange = _Exchange(reading, self._names, Placeholders(exchange.highest))
            changed = _exchanged(request, exchange)
        return Redaction(
            request=changed,
            values=Values(exchange.placeholders.values),
            input_tokens=tokens.count(changed),
            most_tokens=tokens.most(changed),
        )

    def shows(self, redaction: Redaction, parts: Iterable[RequestPart]) -> bool:
        """Can any value be read in the `parts` of the redacted request?"""
        kinds = {value: label for (label, _), value in redaction.values.by_name.items()}
        known, these = KnownValues(kinds), self._digest_of(kinds)
        return any(self._shown(known, b"shown" + these, part) for part in parts)

    def _shown(self, known: "KnownValues", purpose: bytes, part: RequestPart) -> bool:
        key = purpose + part.key
        reading = self._memory.get(key)
        if reading is None:
            found = (each for reading in part.readings() for each in known.find(reading.text))
            reading = TextReading(tuple(found)[:1])
            self._memory.put(key, reading, items=1)
        return bool(reading.stretches)

    def _reader(self, find: Find, kinds: Mapping[str, str]) -> Callable[[str], TextReading]:
        known, these = KnownValues(kinds), self._digest_of(kinds)

        def read(text: str) -> TextReading:
            key = these + self._memory.digest(text)
            reading = self._memory.get(key)
            if reading is None:
                stretches = tuple(merged((*find(text), *known.find(text))))
                # "card 4539…" must not number a placeholder 4540: only what stays readable counts.
                rest = _without(text, stretches)
                reading = TextReading(stretches, highest_in(rest), names_in(rest))
                self._memory.put(key, reading, items=len(stretches) + len(reading.names))
            return reading

        return _once(read)

    def _digest_of(self, kinds: Mapping[str, str]) -> bytes:
        return self._memory.digest(*(f"{kind} {value}" for value, kind in kinds.items()), "")

    def _names(self, text: str) -> frozenset[Name]:
        key = b"names" + self._memory.digest(text)
        reading = self._memory.get(key)
        if reading is None:
            reading = TextReading((), names=names_in(text))
            self._memory.put(key, reading, items=1 + len(reading.names))
        return reading.names


def _once(work: Callable[[str], T]) -> Callable[[str], T]:
    """The same, computed once for each text."""
    done: dict[str, T] = {}

    def known(text: str) -> T:
        if text not in done:
            done[text] = work(text)
        return done[text]

    return known


class KnownValues:
    """Finds values that are known already, with their kinds, as whole words: a password's second mention, where nothing
    around it gives it away. Linear in the text, however many values there are.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = kinds
        self._by_head: dict[str, list[str]] = {}
        for value in kinds:
            head = FIRST_WORD.match(value)
            if head is not None and len(value) >= SHORTEST:
                self._by_head.setdefault(head[0], []).append(value)

    def find(self, text: str) -> Iterator[Detection]:
        """Every occurrence of every value, by place."""
        for head in FIRST_WORD.finditer(text) if self._by_head else ():
            for value in self._by_head.get(head[0], ()):
                end = head.start() + len(value)
                if text.startswith(value, head.start()) and not (value[-1].isalnum() and text[end : end + 1].isalnum()):
                    yield Detection(self._kinds[value], head.start(), end)


# ---- the texts of a request, in the order in which an engine reads them ----------------------------------------------


class _Texts(Protocol):
    def text(self, text: str, before: str = "") -> str:
        """What takes the place of `text`; `before` is the text that it follows."""

    def kept(self, text: str) -> None:
        """This text stays as it is."""


class _Collected:
    """Collects what `find` finds; changes nothing."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self.kinds: dict[str, str] = {}

    def text(self, text: str, before: str = "") -> str:
        for kind, start, stop in _stretches(text, before, merged(self._find(before + text))):
            self.kinds.setdefault(text[start:stop], kind)
        return text

    def kept(self, text: str) -> None:
        pass


class _Exchange:
    """Replaces each private stretch by its placeholder."""

    def __init__(
        self,
        read: Callable[[str], TextReading],
        names: Callable[[str], frozenset[Name]],
        placeholders: Placeholders,
    ) -> None:
        self._read = read
        self._names_in = names
        self._names: set[Name] = set()
        self._highest = 0
        self.placeholders = placeholders

    @property
    def ambiguous(self) -> bool:
        """Does the request itself hold a placeholder that was given out?"""
        return any(name in self.placeholders.values for name in self._names)

    @property
    def highest(self) -> int:
        """The highest number that stands where a placeholder has its own."""
        return max((self._highest, *(number for _, number in self._names)))

    def text(self, text: str, before: str = "") -> str:
        reading = self._read(before + text)
        self._names |= reading.names
        self._highest = max(self._highest, reading.highest)
        self.placeholders.keep_clear_of(reading.highest)
        out: list[str] = []
        end = 0
        for kind, start, stop in _stretches(text, before, reading.stretches):
            out += (text[end:start], self.placeholders(kind, text[start:stop]))
            end = stop
        return "".join((*out, text[end:])) if out else text

    def kept(self, text: str) -> None:
        self._names |= self._names_in(text)


def _stretches(text: str, before: str, found: Iterable[Detection]) -> Iterator[Detection]:
    """What is found in `before + text`, as far as it lies in `text`, without quotes around it."""
    end = 0
    for kind, first, last in found:
        start, stop = _unquoted(text, max(end, first - len(before)), last - len(before))
        if stop > start:
            yield Detection(kind, start, stop)
            end = stop


def _without(text: str, stretches: Iterable[Detection]) -> str:
    out: list[str] = []
    end = 0
    for _, start, stop in stretches:
        out.append(text[end:start])
        end = stop
    return " ".join((*out, text[end:])) if out else text


def _exchanged(request: Request, texts: _Texts) -> Request:
    return replace(
        request,
        tools=tuple(_tool(tool, texts) for tool in request.tools),
        messages=tuple(_message(message, texts) for message in request.messages),
    )


def _tool(tool: Tool, texts: _Texts) -> Tool:
    """A tool's description and the texts of its schema; its name and those of its arguments stay."""
    texts.kept(f"{tool.name} {tool.schema_json}")
    description, parameters = texts.text(tool.description), _leaves(tool.parameters, "", texts)
    if description == tool.description and parameters == tool.parameters:
        return tool
    return replace(tool, description=description, parameters=parameters)


def _message(message: Message, texts: _Texts) -> Message:
    text = texts.text(message.text)
    name = texts.text(message.name) if message.name else message.name
    calls = tuple(_call(call, texts) for call in message.tool_calls)
    if (text, name, calls) == (message.text, message.name, message.tool_calls):
        return message
    return replace(message, text=text, seams=() if text != message.text else message.seams, name=name, tool_calls=calls)


def _call(call: ToolCall, texts: _Texts) -> ToolCall:
    """Each string of the arguments is read with its name before it, as the gate reads it."""
    try:
        decoded = msgspec.json.decode(call.arguments)
    except (msgspec.DecodeError, RecursionError):
        return replace(call, arguments=texts.text(call.arguments))
    texts.kept(call.arguments)
    changed = _leaves(decoded, "", texts)
    return call if changed == decoded else replace(call, arguments=json.dumps(changed, ensure_ascii=False))


def _leaves(value: Any, name: str, texts: _Texts) -> Any:
    if isinstance(value, str):
        return texts.text(value, f"{name}: " if name else "")
    if isinstance(value, dict):
        return {key: _leaves(item, key, texts) for key, item in value.items()}
    if isinstance(value, list):
        return [_leaves(item, name, texts) for item in value]
    return value


def merged(detections: Iterable[Detection]) -> Iterator[Detection]:
    """The stretches in order; overlapping ones become one, with the kind of the longest."""
    current: list[Detection] = []
    end = 0
    for found in sorted(detections, key=lambda each: (each.start, -each.end)):
        if current and found.start >= end:
            yield _union(current, end)
            current = []
        current.append(found)
        end = max(end, found.end)
    if current:
        yield _union(current, end)


def _union(detections: list[Detection], end: int) -> Detection:
    longest = max(detections, key=lambda each: each.end - each.start)
    return Detection(longest.kind, detections[0].start, end)


def _unquoted(text: str, start: int, end: int) -> tuple[int, int]:
    """Without quotes, so that JSON and code stay valid, and without the mark that ends a sentence."""
    while end - start > 1 and text[start] in QUOTES:
        start += 1
    while end - start > 1 and text[end - 1] in QUOTES + ENDS:
        end -= 1
    return start, end
