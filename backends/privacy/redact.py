"""Private values exchanged for placeholders (`[[EMAIL_1]]`), so that the cloud may answer without seeing them.

The same value has the same placeholder in all messages, also where nothing around a later mention looks private.
Numbers begin after any that the request itself holds, so that nothing else is ever taken for a placeholder. What cannot
be exchanged (in a tool's schema, over two messages) is left, and the gate, which inspects the result once more, finds
it there.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from backends.privacy.hit import Hit
from backends.privacy.repeated import Repeated
from backends.types import Message, Request, ToolCall
from backends.upstream import token_count as tokens

LABELS = {
    "email": "EMAIL",
    "phone": "PHONE",
    "card": "CARD",
    "iban": "IBAN",
    "national-id": "PERSONAL_ID",
    "passport": "PASSPORT",
    "address": "ADDRESS",
    "internal-host": "HOST",
    "api-key": "API_KEY",
    "aws-key": "API_KEY",
    "private-key": "PRIVATE_KEY",
    "jwt": "TOKEN",
    "connection-string": "PASSWORD",
    "password": "PASSWORD",
    "word": "TERM",
    "pattern": "TERM",
}
"""What each kind is called in a placeholder: enough for a model to write a sentence around it."""

NAMES = "|".join(sorted(set(LABELS.values()), key=len, reverse=True))
WRITTEN = re.compile(rf"(?i)(?<![A-Za-z])(?:{NAMES})[\s_\\\-]{{0,3}}(\d{{1,7}})")
QUOTES, ENDS = "\"'`", ".,;:?"

Find = Callable[[str], Iterable[Hit]]


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
        """Can any of them be read there?"""
        repeated = Repeated({value: label for (label, _), value in self.by_name.items()})
        return any(True for text in texts for _ in repeated.find(text))


def redact(request: Request, find: Find) -> Redaction:
    """`request` with placeholders for what `find` finds in message texts, names and tool calls. Raises as `find`."""
    seen, kinds = _Once(find), dict[str, str]()
    _exchanged(request, _Exchange(seen, lambda kind, value: kinds.setdefault(value, kind)))
    repeated = Repeated(kinds)
    finds = _Once(lambda text: (*seen(text), *repeated.find(text)))
    # Numbers are looked for in what will be readable anyway: "card 4539…" must not number a placeholder 4540.
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


class _Once:
    """What is private in a text, found once however often it is asked for."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._found: dict[str, tuple[Hit, ...]] = {}

    def __call__(self, text: str) -> tuple[Hit, ...]:
        if text not in self._found:
            self._found[text] = tuple(merged(self._find(text)))
        return self._found[text]


class _Exchange:
    """Puts what `stand_in` makes of a kind and its value in the place of each private stretch."""

    def __init__(self, finds: _Once, stand_in: Callable[[str, str], str]) -> None:
        self._finds = finds
        self._stand_in = stand_in

    def text(self, text: str, before: str = "") -> str:
        """`text` with its private stretches exchanged; `before` is what it is read after."""
        out: list[str] = []
        end = 0
        for hit in self._finds(before + text):
            start, stop = _unquoted(text, max(end, hit.start - len(before)), hit.end - len(before))
            if stop > start:
                out += (text[end:start], self._stand_in(hit.kind, text[start:stop]))
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
        label = LABELS.get(kind, "TERM")
        given = self._given.get((label, value))
        if given is None:
            number = self._numbers[label] = self._numbers.get(label, self._used) + 1
            self.values[label, number] = value
            given = self._given[label, value] = f"[[{label}_{number}]]"
        return given


def merged(hits: Iterable[Hit]) -> Iterator[Hit]:
    """Stretches in order, overlapping ones as one that has the kind of the longest."""
    current: list[Hit] = []
    for hit in sorted(hits, key=lambda each: (each.start, -each.end)):
        if current and hit.start >= max(each.end for each in current):
            yield _union(current)
            current = []
        current.append(hit)
    if current:
        yield _union(current)


def _union(hits: list[Hit]) -> Hit:
    longest = max(hits, key=lambda each: each.end - each.start)
    return Hit(longest.kind, hits[0].start, max(each.end for each in hits))


def _unquoted(text: str, start: int, end: int) -> tuple[int, int]:
    """Quotes stay outside, so that what was JSON or code stays it, and so does what ends a sentence."""
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
    """The highest number that a placeholder's like already has in the request."""
    texts = [text for message in request.messages for text in (message.text, message.name or "")]
    texts += [call.arguments for message in request.messages for call in message.tool_calls]
    texts += [f"{tool.description} {msgspec.json.encode(tool.parameters).decode()}" for tool in request.tools]
    return max((int(match[1]) for text in texts for match in WRITTEN.finditer(text)), default=0)
