"""The input items of OpenAI's Responses, read into canonical messages.

What a model said and the calls that it made stand in items of their own: those in a row become one message.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from backends.gateway.dialects import encoded_files
from backends.gateway.dialects.declared_tools import json_text
from backends.gateway.dialects.field_table import IgnoredFields
from backends.gateway.dialects.joined_texts import BETWEEN_PARTS, joined, seams
from backends.gateway.http_errors import HttpError
from backends.gateway.json_body import inner
from backends.types import Media, Message, ToolCall

CALLS = ("function_call", "custom_tool_call")
OUTPUTS = ("function_call_output", "custom_tool_call_output")


class Audio(Struct):
    data: str
    format: Literal["mp3", "wav"]


class ItemPart(Struct):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    file_data: str | None = None
    input_audio: Audio | None = None


class Item(Struct):
    """One input item; without a type it is a message."""

    type: str | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[ItemPart] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    output: str | list[ItemPart] | None = None


def canonical(
    instructions: str | None, given: str | Sequence[Item | None], ignored: IgnoredFields
) -> tuple[Message, ...]:
    """`given` holds known items, and None for the others. Raises HttpError (400) for one that cannot be read here."""
    found: list[Message] = [Message(role="system", text=instructions)] if instructions else []
    if isinstance(given, str):
        return (*found, Message(role="user", text=given))
    for message in _messages(given, ignored):
        last = found[-1] if found else None
        if last is not None and last.role == message.role == "assistant":
            found[-1] = _together(last, message)
        else:
            found.append(message)
    return tuple(found)


def _messages(items: Sequence[Item | None], ignored: IgnoredFields) -> Iterator[Message]:
    for index, item in enumerate(items):
        if item is None:
            continue
        where = f"input[{index}]"
        kind = item.type or "message"
        if kind == "message":
            yield _message(item, where, ignored)
        elif kind in CALLS:
            yield _call(item, kind, where)
        else:
            if not item.call_id:
                raise _incomplete(kind, f"{where}.call_id")
            texts, files = _contents(item.output, f"{where}.output", ignored)
            yield Message(
                role="tool", tool_call_id=item.call_id, text=joined(texts), media=tuple(files), seams=seams(texts)
            )


def _message(item: Item, where: str, ignored: IgnoredFields) -> Message:
    if item.role is None or item.content is None:
        raise _incomplete("message", f"{where}.{'content' if item.role else 'role'}")
    texts, files = _contents(item.content, f"{where}.content", ignored)
    role = "system" if item.role == "developer" else item.role
    return Message(role=role, text=joined(texts), media=tuple(files), seams=seams(texts))


def _call(item: Item, kind: str, where: str) -> Message:
    if not item.call_id or not item.name:
        raise _incomplete(kind, f"{where}.{'name' if item.call_id else 'call_id'}")
    arguments = item.arguments or "{}" if kind == "function_call" else json_text({"input": item.input or ""})
    return Message(role="assistant", tool_calls=(ToolCall(id=item.call_id, name=item.name, arguments=arguments),))


def _contents(
    given: str | Sequence[ItemPart] | None, where: str, ignored: IgnoredFields
) -> tuple[list[str], list[Media]]:
    if given is None or isinstance(given, str):
        return [given or ""], []
    texts: list[str] = []
    files: list[Media] = []
    for index, part in enumerate(given):
        place = f"{where}[{index}]"
        match part:
            case ItemPart(type="input_text" | "output_text" | "text" | "summary_text", text=str(text)):
                texts.append(text)
            case ItemPart(type="refusal", refusal=str(text)):
                texts.append(text)
            case ItemPart(type="input_image", image_url=str(url)):
                files.append(
                    encoded_files.image(*encoded_files.data_url(url, f"{place}.image_url"), f"{place}.image_url")
                )
            case ItemPart(type="input_file", file_data=str(data)):
                files.append(_file(data, f"{place}.file_data"))
            case ItemPart(type="input_audio", input_audio=Audio(data=data, format=form)):
                files.append(encoded_files.from_base64(encoded_files.AUDIO[form], data, f"{place}.input_audio"))
            case ItemPart(
                type="input_text" | "output_text" | "refusal" | "input_image" | "input_file" | "input_audio" as kind
            ):
                raise _incomplete(kind, place)
            case ItemPart(type=kind):
                ignored.add(f"content[].{kind}")
    return texts, files


def _file(data: str, where: str) -> Media:
    if data[:5].lower() != "data:":
        return encoded_files.pdf(data, where)
    return encoded_files.from_base64(*encoded_files.data_url(data, where), where)


def _together(first: Message, second: Message) -> Message:
    """What the model said in two items, as one message."""
    if not first.text or not second.text:
        text, found = first.text or second.text, first.seams or second.seams
    else:
        start = len(first.text) + len(BETWEEN_PARTS)
        text = joined((first.text, second.text))
        found = (*first.seams, start, *(start + seam for seam in second.seams))
    return replace(
        first,
        text=text,
        seams=found,
        media=(*first.media, *second.media),
        tool_calls=(*first.tool_calls, *second.tool_calls),
    )


def _incomplete(kind: str, where: str) -> HttpError:
    return HttpError(400, "invalid_request", f"{where}: an item of the type {kind} is not complete", param=where)


def known(given: Sequence[Any], ignored: IgnoredFields) -> list[Any]:
    """The items with None in place of those that are not read here, which may have any form: reasoning is skipped, the
    others are `ignored` by name. Raises HttpError (400) for fields that are refused.
    """
    kept: list[Any] = []
    for index, item in enumerate(given):
        kind = inner(item, "type")
        if isinstance(kind, str) and kind not in ("message", *CALLS, *OUTPUTS):
            if kind != "reasoning":
                ignored.add(f"input[].{kind}")
            kept.append(None)
            continue
        ignored.check("input[]", item, f"input[{index}]")
        for name in ("content", "output"):
            parts = inner(item, name)
            for place, part in enumerate(parts if isinstance(parts, list) else ()):
                ignored.check("content[]", part, f"input[{index}].{name}[{place}]")
        kept.append(item)
    return kept
