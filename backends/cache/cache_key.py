"""The keys of a request: its partition, and inside that the exact wording.

A paraphrase may change the ask and nothing else. Everything else that changes an answer is part of the partition, so
similarity never crosses a scope, a model, a system prompt or a sampling setting.

Agents' programs write the time and the ids of their process into each request. Of these volatile spans the key has the
words alone: without them no repeat would hit, and a stretch that only looks like one still counts by what it says.
Where the answer may depend on the time or on the process, the key has all of them; a span with a number under a name
that the ask has a word of is in it as it stands.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from backends.cache.self_contained import stands_alone
from backends.tool_memory import by_tool
from backends.types import OUTSIDE, VOLATILE, Envelope, Message, Request, Span, Tool

REMEMBERED = 256
"""Volatile spans that were searched; a megabyte at the most. Most stay the same within a session."""

EXACT = 2**53
"""Whole numbers below this are distinct as floats too; seeds may be larger."""

_CHANGING = re.compile(
    r"\b[\w.-]{0,40}(?:session|thread|run|process|request|trace|id)[\w.-]{0,40}=[^\s|]+|"
    r"[^\s|,;()\[\]{}<>\"'=]*\d[^\s|,;()\[\]{}<>\"'=]*|"
    r"\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b|"
    r"\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|[ap]m)\b",
    re.IGNORECASE,
)
"""What changes in a volatile span: the name of a session or run, words with a digit, days and months."""

_WORD = re.compile(r"[^\W\d_]{4,}")
_NAMED = re.compile(r"([\w.-]{1,60})\s?[=:]\s?(?=[^\s|]*\d)")
"""What a number in a volatile span is the value of."""

_canonical = msgspec.json.Encoder(order="sorted")


class Keys(NamedTuple):
    """A request's partition and, inside that, its exact key: 32 bytes each."""

    part: bytes
    exact: bytes


def partition(request: Request, *, model_class: str, scope: str | None = None) -> bytes:
    """32 bytes over everything that changes an answer, except the ask.

    `model_class` names what may answer: the route, the policy and the models, however many engines there are. `scope`
    names whose answers may be shared; None means only those of the agent itself. Raises UnicodeEncodeError for text
    with lone surrogates.
    """
    hidden = _hidden(request)
    sampling = request.sampling
    form = request.response_format
    parts = (
        f"agent:{request.agent}" if scope is None else scope,
        model_class,
        [_message_parts(message, hidden.get(index, ())) for index, message in enumerate(request.messages)],
        list(map(_tool_parts, request.tools)),
        request.tool_choice,
        request.parallel_tool_calls,
        (form.kind, form.schema, form.name, form.strict),
        [_number(value) for value in msgspec.structs.astuple(sampling)],
    )
    return hashlib.sha256(_canonical.encode(parts)).digest()


@by_tool
def _tool_parts(tool: Tool) -> msgspec.Raw:
    return msgspec.Raw(_canonical.encode((tool.name, tool.description, tool.parameters, tool.strict)))


def exact_key(request: Request, *, model_class: str, scope: str | None = None) -> bytes:
    """32 bytes over everything that changes an answer; id, source and deadline do not change it."""
    return keys(request, model_class=model_class, scope=scope).exact


def keys(request: Request, *, model_class: str, scope: str | None = None) -> Keys:
    """Both keys, as `partition` and `exact_key`. Raises UnicodeEncodeError."""
    part = partition(request, model_class=model_class, scope=scope)
    return Keys(part, exact_key_in(part, question_of(request)))


def scope_of(agent: str, cache_scope: str) -> str:
    """Whose answers may serve `agent`, by its setting: "agent", "group:NAME" or "all"."""
    return f"agent:{agent}" if cache_scope == "agent" else cache_scope


def exact_key_in(part: bytes, text: str) -> bytes:
    """The exact key of one wording inside a partition: 32 bytes."""
    return hashlib.sha256(part + text.encode()).digest()


def question_of(request: Request) -> str:
    """The text that asks: the envelope's, else the last user message's, "" if there is none."""
    envelope = request.envelope
    if envelope is not None:
        return envelope.ask if envelope.message != OUTSIDE else ""
    asked = _last_user(request.messages)
    return request.messages[asked].text if asked >= 0 else ""


def _last_user(messages: tuple[Message, ...]) -> int:
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user":
            return index
    return OUTSIDE


def _hidden(request: Request) -> dict[int, list[Span]]:
    """The spans of each message that are not in the partition as they are: the ask's, and the volatile ones."""
    envelope, found = request.envelope, defaultdict[int, list[Span]](list)
    if envelope is None:
        asked = _last_user(request.messages)
        if asked != OUTSIDE:
            found[asked] = [Span(kind="ask", message=asked, start=0, end=len(request.messages[asked].text))]
        return found
    for span in _passing(request, envelope):
        found[span.message].append(span)
    for span in _asking(request, envelope):
        found[span.message].append(span)
    return found


def _passing(request: Request, envelope: Envelope) -> list[Span]:
    """The volatile spans that the answer cannot depend on: none where the ask does not stand alone, and none with a
    number under a name that the ask has a word of, such as "How many apples are left?" with "apples=5".
    """
    volatile = [span for span in envelope.spans if span.kind in VOLATILE]
    ask = question_of(request) if volatile else ""
    if not volatile or not stands_alone(ask):
        return []
    words = set(_WORD.findall(ask.casefold()))
    texts = ((span, request.messages[span.message].text[span.start : span.end]) for span in volatile)
    return [span for span, text in texts if words.isdisjoint(_passed(text).names)]


def _asking(request: Request, envelope: Envelope) -> list[Span]:
    """The spans that the question has word for word; none where they have more or less, so that nothing is left out
    of the key.
    """
    spans = [span for span in envelope.spans if span.kind == "ask" and span.message == envelope.message]
    texts = (request.messages[span.message].text[span.start : span.end] for span in spans)
    return spans if "".join("".join(texts).split()) == "".join(question_of(request).split()) else []


def _message_parts(message: Message, hidden: Iterable[Span]) -> tuple[Any, ...]:
    text = _without(message.text, hidden)
    if not (message.media or message.tool_calls or message.tool_call_id or message.name):
        return (message.role, text)
    images = [(image.media_type, hashlib.sha256(image.data).hexdigest()) for image in message.media]
    calls = [(call.id, call.name, call.arguments) for call in message.tool_calls]
    return (message.role, text, images, calls, message.tool_call_id, message.name)


def _without(text: str, hidden: Iterable[Span]) -> str | list[str | None]:
    """The text, with None for the ask and with the words alone of volatile spans. The ask wins where they overlap."""
    pieces: list[str | None] = []
    at = 0
    for span in sorted(hidden, key=lambda span: (span.start, span.kind != "ask")):
        if span.start < at:
            continue
        pieces.append(text[at : span.start])
        pieces.append(None if span.kind == "ask" else _passed(text[span.start : span.end]).words)
        at = span.end
    return [*pieces, text[at:]] if pieces else text


class _Passing(NamedTuple):
    """A volatile span's `words` without what changes, and the words of the `names` that its numbers have."""

    words: str
    names: frozenset[str]


@lru_cache(REMEMBERED)
def _passed(text: str) -> _Passing:
    names = " ".join(_NAMED.findall(text)).casefold()
    return _Passing(_CHANGING.sub("#", text), frozenset(_WORD.findall(names)))


def _number(value: Any) -> Any:
    """0 and 0.0 are one setting, but JSON writes them differently."""
    return float(value) if isinstance(value, int) and abs(value) < EXACT else value
