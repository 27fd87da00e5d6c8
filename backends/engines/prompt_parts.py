"""What engines' bodies have in common: earlier calls' arguments; of local servers' also media and tools' media."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from backends.engines.base import Call
from backends.errors import EngineError
from backends.types import Message, ToolCall

IMAGE_TYPES: dict[str, frozenset[str]] = {
    # stb_image and, since 2025, golang.org/x/image/webp: https://github.com/ollama/ollama/issues/12951
    "ollama": frozenset({"image/png", "image/jpeg", "image/webp"}),
    # vLLM decodes what Pillow does, llama-server what stb_image does, which has no WebP: it says so itself
    "openai": frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"}),
}
"""Media types of images that a local engine takes, by its kind. It takes no other files."""

UNREAD = "unparsed"
"""The name under which earlier arguments that are no JSON object are shown to the model."""


def refuse_media(call: Call, kind: str, label: str) -> None:
    """Raise EngineError "rejected" for the first file that an engine of this kind does not take."""
    for message in call.messages:
        for media in message.media:
            if media.media_type not in IMAGE_TYPES[kind]:
                taken = ", ".join(sorted(name.removeprefix("image/") for name in IMAGE_TYPES[kind]))
                raise EngineError(
                    f"{label} takes no {media.media_type}: send an image as {taken}, or ask an engine that takes it",
                    kind="rejected",
                )


def turns(call: Call) -> tuple[Message, ...]:
    """The messages as a local model can be given them.

    Files of tools' results stand in a user's message behind the results, for a tool's message has text only; a model's
    turn without a word in it is left out; arguments of earlier calls that are no JSON object are put into one.
    """
    return tuple(
        replace(message, tool_calls=tuple(map(_mended, message.tool_calls))) if message.tool_calls else message
        for message in _with_files_behind(call.messages)
    )


def mended(call: Call) -> tuple[str, ...]:
    """What `turns` changed in what the model reads, for the answer's notes."""
    broken = sum(_object(each) is None for message in call.messages for each in message.tool_calls)
    if not broken:
        return ()
    what = f"arguments of {broken} earlier tool call{'s' if broken > 1 else ''} are no JSON object"
    return (f"{what}: given as text under {UNREAD!r}",)


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """The call's arguments as an object; what is none stands in one, as text."""
    found = _object(call)
    return {UNREAD: call.arguments} if found is None else found


def seed_of(call: Call) -> int | None:
    """The seed in the 31 bits that every server takes; below 0 llama.cpp would take it for no seed at all."""
    return None if call.seed is None else call.seed & 0x7FFF_FFFF


def _with_files_behind(messages: tuple[Message, ...]) -> Iterator[Message]:
    behind: list[Message] = []
    for message in messages:
        if message.role != "tool":
            yield from behind
            behind = []
        if message.role == "assistant" and not (message.text or message.tool_calls or message.media):
            continue
        if message.role == "tool" and message.media:
            whose = f" of {message.name}" if message.name else ""
            behind.append(Message(role="user", text=f"Files from the result{whose}:", media=message.media))
            yield replace(message, media=(), text=message.text or "The result is in the files that follow.")
        else:
            yield message
    yield from behind


def _mended(call: ToolCall) -> ToolCall:
    if _object(call) is not None:
        return call
    return replace(call, arguments=msgspec.json.encode(arguments_of(call)).decode())


def _object(call: ToolCall) -> dict[str, Any] | None:
    text = call.arguments.strip()
    try:
        return {} if text in ("", "null") else msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
