"""Private values replaced by placeholders (`[[EMAIL_1]]`), so that the cloud can answer without seeing them.

The same value has the same placeholder in all messages, also where nothing around a later mention looks private.
Numbers start after the highest one in the request, so that no other text is taken for a placeholder. What cannot be
replaced (in a tool's schema, across two messages) stays, and the gate, which inspects the result again, finds it.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from backends.privacy.detection import Detection
from backends.privacy.detectors.kinds import KINDS
from backends.types import Message, Request, ToolCall
from backends.upstream import token_count as tokens

LABELS = "|".join(sorted({kind.label for kind in KINDS.values()}, key=len, reverse=True))
WRITTEN = re.compile(rf"(?i)(?<![A-Za-z])(?:{LABELS})[\s_\\\-]{{0,3}}(\d{{1,7}})")
SHORTEST = 4
"""Characters of the shortest value that is searched for again; a shorter one is part of too many other words."""

FIRST_WORD = re.compile(r"\w+|[^\w\s]")

QUOTES, ENDS = "\"'`", ".,;:?"

Find = Callable[[str], Iterable[Detection]]


class Redaction(Struct, frozen=True, kw_only=True):
    """`request` is what may go out, and its length. Its values show in no repr, log or record."""

    request: Request
    values: "Values"
    input_tokens: int
    most_tokens: int


class Values:
    """Each placeholder's value, by label and number ("EMAIL", 1)."""

    def __init__(self, by_name: dict[tuple[str, int], str]) -> None:
        self.by_name = by_name

    def __len__(self) -> int:
        return len(self.by_name)

    def __repr__(self) -> str:
        return f"<{len(self.by_name)} private values>"

    def shown_in(self, texts: Iterable[str]) -> bool:
        """Can any value be read in `texts`?"""
        known = KnownValues({value: label for (label, _), value in self.by_name.items()})
        return any(True for text in texts for _ in known.find(text))


def redact(request: Request, find: Find) -> Redaction:
    """`request` with placeholders for what `find` finds in message texts, names and tool calls. Raises as `find`."""
    seen, kinds = _Remembered(find), dict[str, str]()
    _exchanged(request, _Exchange(seen, lambda kind, value: kinds.setdefault(value, kind)))
    known = KnownValues(kinds)
    finds = _Remembered(lambda text: (*seen(text), *known.find(text)))
    # The highest number is searched in what stays readable: "card 4539…" must not number a placeholder 4540.
    placeholders = _Placeholders(_highest(_exchanged(request, _Exchange(finds, lambda kind, value: " "))))
    changed = _exchanged(request, _Exchange(finds, placeholders))
    return Redaction(
        request=changed,
        values=Values(placeholders.values),
        input_tokens=tokens.count(changed),
        most_tokens=tokens.most(changed),
    )


def _exchanged(request: Request, exchange: "_Exchange") -> Request:
    return replace(request, messages=tuple(_message(message, exchange) for message in request.messages))


class _Remembered:
    """Remembers what was found in each text."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._found: dict[str, tuple[Detection, ...]] = {}

    def __call__(self, text: str) -> tuple[Detection, ...]:
        if text not in self._found:
            self._found[text] = tuple(merged(self._find(text)))
        return self._found[text]


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


class _Exchange:
    """Replaces each private stretch by what `stand_in` makes of its kind and value."""

    def __init__(self, finds: _Remembered, stand_in: Callable[[str, str], str]) -> None:
        self._finds = finds
        self._stand_in = stand_in

    def text(self, text: str, before: str = "") -> str:
        """`text` with its private stretches replaced; `before` is the text that it follows."""
        out: list[str] = []
        end = 0
        for found in self._finds(before + text):
            start, stop = _unquoted(text, max(end, found.start - len(before)), found.end - len(before))
            if stop > start:
                out += (text[end:start], self._stand_in(found.kind, text[start:stop]))
                end = stop
        return "".join((*out, text[end:])) if out else text


class _Placeholders:
    """Gives each value its placeholder, with numbers after `used`."""

    def __init__(self, used: int) -> None:
        self._used = used
        self._given: dict[tuple[str, str], str] = {}
        self._numbers: dict[str, int] = {}
        self.values: dict[tuple[str, int], str] = {}

    def __call__(self, kind: str, value: str) -> str:
        label = KINDS[kind].label
        given = self._given.get((label, value))
        if given is None:
            number = self._numbers[label] = self._numbers.get(label, self._used) + 1
            self.values[label, number] = value
            given = self._given[label, value] = f"[[{label}_{number}]]"
        return given


def merged(detections: Iterable[Detection]) -> Iterator[Detection]:
    """The stretches in order; overlapping ones become one, with the kind of the longest."""
    current: list[Detection] = []
    for found in sorted(detections, key=lambda each: (each.start, -each.end)):
        if current and found.start >= max(each.end for each in current):
            yield _union(current)
            current = []
        current.append(found)
    if current:
        yield _union(current)


def _union(detections: list[Detection]) -> Detection:
    longest = max(detections, key=lambda each: each.end - each.start)
    return Detection(longest.kind, detections[0].start, max(each.end for each in detections))


def _unquoted(text: str, start: int, end: int) -> tuple[int, int]:
    """Without quotes, so that JSON and code stay valid, and without the mark that ends a sentence."""
    while end - start > 1 and text[start] in QUOTES:
        start += 1
    while end - start > 1 and text[end - 1] in QUOTES + ENDS:
        end -= 1
    return start, end


def _message(message: Message, exchange: _Exchange) -> Message:
    return replace(
        message,
        text=exchange.text(message.text),
        seams=(),
        name=exchange.text(message.name) if message.name else message.name,
        tool_calls=tuple(_call(call, exchange) for call in message.tool_calls),
    )


def _call(call: ToolCall, exchange: _Exchange) -> ToolCall:
    """Each string of the arguments is read with its name before it, as the gate reads it."""
    try:
        decoded = msgspec.json.decode(call.arguments)
    except (msgspec.DecodeError, RecursionError):
        return replace(call, arguments=exchange.text(call.arguments))
    changed = _leaves(decoded, "", exchange)
    return call if changed == decoded else replace(call, arguments=json.dumps(changed, ensure_ascii=False))


def _leaves(value: Any, name: str, exchange: _Exchange) -> Any:
    if isinstance(value, str):
        return exchange.text(value, f"{name}: " if name else "")
    if isinstance(value, dict):
        return {key: _leaves(item, key, exchange) for key, item in value.items()}
    if isinstance(value, list):
        return [_leaves(item, name, exchange) for item in value]
    return value


def _highest(request: Request) -> int:
    """The highest number in the request that stands where a placeholder has its own."""
    texts = [text for message in request.messages for text in (message.text, message.name or "")]
    texts += [call.arguments for message in request.messages for call in message.tool_calls]
    texts += [f"{tool.description} {msgspec.json.encode(tool.parameters).decode()}" for tool in request.tools]
    return max((int(match[1]) for text in texts for match in WRITTEN.finditer(text)), default=0)
