"""The keys of a request: its partition, and inside that the exact wording.

A paraphrase may change the text of the last user message and nothing else. Everything else that changes an answer is
part of the partition, so similarity never crosses a scope, a model, a system prompt or a sampling setting.
"""

import hashlib
from typing import Any

import msgspec

from backends.types import Message, Request

EXACT = 2**53
"""Whole numbers below this are distinct as floats too; seeds may be larger."""

_canonical = msgspec.json.Encoder(order="sorted")


def partition(request: Request, *, model_class: str, scope: str | None = None) -> bytes:
    """32 bytes over everything that changes an answer, except the text of the last user message.

    `model_class` names what may answer: the route, the policy and the models, however many engines there are. `scope`
    names whose answers may be shared; None means only those of the agent itself. Raises UnicodeEncodeError for text
    with lone surrogates.
    """
    asked = _last_user(request.messages)
    sampling = request.sampling
    form = request.response_format
    parts = (
        f"agent:{request.agent}" if scope is None else scope,
        model_class,
        [_message_parts(message, hide=index == asked) for index, message in enumerate(request.messages)],
        [(tool.name, tool.description, tool.parameters, tool.strict) for tool in request.tools],
        request.tool_choice,
        request.parallel_tool_calls,
        (form.kind, form.schema, form.name, form.strict),
        [_number(value) for value in msgspec.structs.astuple(sampling)],
    )
    return hashlib.sha256(_canonical.encode(parts)).digest()


def exact_key(request: Request, *, model_class: str, scope: str | None = None) -> bytes:
    """32 bytes over everything that changes an answer; id, source and deadline do not change it."""
    return exact_key_in(partition(request, model_class=model_class, scope=scope), question_of(request))


def scope_of(agent: str, cache_scope: str) -> str:
    """Whose answers may serve `agent`, by its setting: "agent", "group:NAME" or "all"."""
    return f"agent:{agent}" if cache_scope == "agent" else cache_scope


def exact_key_in(part: bytes, text: str) -> bytes:
    """The exact key of one wording inside a partition: 32 bytes."""
    return hashlib.sha256(part + text.encode()).digest()


def question_of(request: Request) -> str:
    """The text of the last user message, "" if there is none."""
    asked = _last_user(request.messages)
    return request.messages[asked].text if asked >= 0 else ""


def _last_user(messages: tuple[Message, ...]) -> int:
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user":
            return index
    return -1


def _message_parts(message: Message, *, hide: bool) -> tuple[Any, ...]:
    text = None if hide else message.text
    if not (message.media or message.tool_calls or message.tool_call_id or message.name):
        return (message.role, text)
    images = [(image.media_type, hashlib.sha256(image.data).hexdigest()) for image in message.media]
    calls = [(call.id, call.name, call.arguments) for call in message.tool_calls]
    return (message.role, text, images, calls, message.tool_call_id, message.name)


def _number(value: Any) -> Any:
    """0 and 0.0 are one setting, but JSON writes them differently."""
    return float(value) if isinstance(value, int) and abs(value) < EXACT else value
