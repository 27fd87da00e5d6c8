"""What the request bodies of all engines share: encoding, earlier calls' arguments, and files for local servers."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from backends.engines.base import Call, Capabilities
from backends.engines.plain_text import as_json
from backends.errors import EngineError
from backends.off_loop import off_loop, size_of
from backends.settings.engines import ServerSettings
from backends.types import Message, ToolCall

IMAGE_TYPES: dict[str, frozenset[str]] = {
    # stb_image and, since 2025, golang.org/x/image/webp: https://github.com/ollama/ollama/issues/12951
    "ollama": frozenset({"image/png", "image/jpeg", "image/webp"}),
    # vLLM decodes what Pillow does; llama-server what stb_image does, and it reports WebP as an error itself
    "openai": frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"}),
}
"""Media types of images that a local engine takes, by its kind. It takes no other files."""

SEES = ("vl", "vision", "llava", "gemma3", "minicpm-v", "pixtral", "gpt-4", "gpt-5", "claude", "gemini")
"""Marks, in the names of models, of those that see images."""

UNREAD = "unparsed"
"""The field in which the model sees earlier arguments that are not a JSON object."""


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


async def encoded(call: Call, build: Callable[[], dict[str, Any]]) -> tuple[bytes, tuple[str, ...]]:
    """The body that `build` makes, as JSON, and notes on what was mended in it; made in a thread for a large call."""
    return await off_loop(call.size or size_of(call), lambda: (as_json(build()), mended(call)))


def turns(call: Call) -> tuple[Message, ...]:
    """The messages as a local model can be given them.

    Later instructions become user turns. Files of tool results go into a user message after the results, because a tool
    message has text only. An empty model turn is left out. Arguments of earlier calls that are not a JSON object are
    wrapped in one.
    """
    return tuple(
        replace(message, tool_calls=tuple(map(_mended, message.tool_calls))) if message.tool_calls else message
        for message in _with_files_behind(instructions_in_place(call.messages))
    )


def instructions_in_place(messages: Iterable[Message]) -> Iterator[Message]:
    """The messages with later instructions as user turns, where they stand.

    Gemini has one place for instructions, and the templates of local models gather them there. A new one would then
    change the very beginning of the prompt, and nothing of what the engine has cached would be read again.
    """
    spoken = False
    for message in messages:
        spoken = spoken or message.role != "system"
        yield replace(message, role="user") if spoken and message.role == "system" else message


def mended(call: Call) -> tuple[str, ...]:
    """What `turns` changed in the prompt, for the answer's notes."""
    broken = sum(_object(each) is None for message in call.messages for each in message.tool_calls)
    if not broken:
        return ()
    what = f"arguments of {broken} earlier tool call{'s' if broken > 1 else ''} are no JSON object"
    return (f"{what}: given as text under {UNREAD!r}",)


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """The call's arguments as an object; anything else is wrapped in one, as text."""
    found = _object(call)
    return {UNREAD: call.arguments} if found is None else found


def seed_of(call: Call) -> int | None:
    """The seed in the 31 bits that every server takes; llama.cpp reads a negative one as no seed at all."""
    return None if call.seed is None else call.seed & 0x7FFF_FFFF


def _with_files_behind(messages: Iterable[Message]) -> Iterator[Message]:
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


def server_capabilities(
    settings: ServerSettings, model: str, *, context: int, window_known: bool = True, forces_tools: bool
) -> Capabilities:
    """What a server of the operator's choice can do with `model`: by its settings and the model's name."""
    return Capabilities(
        context=context,
        window_known=window_known,
        max_output=context,
        min_output=settings.min_output,
        vision=any(mark in model.lower() for mark in SEES),
        images=IMAGE_TYPES[settings.kind],
        forces_tools=forces_tools,
    )
