"""The messages of Anthropic's API and their blocks, read into canonical ones.

A user's message holds results of tools and texts: each result becomes a message of its own, before the texts.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from msgspec import Struct

from backends.gateway.dialects import encoded_files
from backends.gateway.dialects.declared_tools import arguments_text
from backends.gateway.dialects.field_table import IgnoredFields
from backends.gateway.dialects.joined_texts import joined, seams
from backends.gateway.http_errors import HttpError
from backends.gateway.json_body import converted
from backends.types import Media, Message, ToolCall

THOUGHTS = ("thinking", "redacted_thinking")

DEPTH = 2
"""Blocks within blocks: a document in the result of a tool holds texts."""


class Source(Struct):
    type: str
    media_type: str | None = None
    data: str | None = None
    content: "str | list[ContentBlock] | None" = None


class ContentBlock(Struct):
    type: str
    text: str | None = None
    source: Source | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: Any = None
    title: str | None = None
    context: str | None = None


class Spoken(Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[ContentBlock]


class ResultContent(Struct):
    """The content of a tool's result, which is read once its block is known to be one."""

    content: str | list[ContentBlock] | None = None


def canonical(
    system: str | list[ContentBlock] | None, spoken: Sequence[Spoken], ignored: IgnoredFields
) -> tuple[Message, ...]:
    """Raises HttpError (400) for a block that cannot be read here. Blocks of other types are `ignored` by name."""
    reader = _MessagesReader(ignored)
    found = list(reader.system(system))
    last = len(spoken) - 1
    for index, message in enumerate(spoken):
        where = f"messages[{index}]"
        if not message.content and not (index == last and message.role == "assistant"):
            raise HttpError(400, "invalid_request", f"{where}: a message must have content", param=f"{where}.content")
        found.extend(reader.message(message, where))
    return tuple(found)


class _Contents:
    """What the blocks of one message come to."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.media: list[Media] = []
        self.calls: list[ToolCall] = []
        self.results: list[Message] = []


class _MessagesReader:
    def __init__(self, ignored: IgnoredFields) -> None:
        self._ignored = ignored

    def system(self, given: str | list[ContentBlock] | None) -> Iterator[Message]:
        if given:
            texts = self._contents(given, "system").texts
            yield Message(role="system", text=joined(texts), seams=seams(texts))

    def message(self, spoken: Spoken, where: str) -> Iterator[Message]:
        contents = self._contents(spoken.content, f"{where}.content")
        if contents.calls and spoken.role != "assistant":
            raise _wrong(f"{where}: tool_use stands in the assistant's messages alone", where)
        if contents.results and spoken.role != "user":
            raise _wrong(f"{where}: tool_result stands in the user's messages alone", where)
        yield from contents.results
        if contents.texts or contents.media or contents.calls or not contents.results:
            yield Message(
                role=spoken.role,
                text=joined(contents.texts),
                media=tuple(contents.media),
                tool_calls=tuple(contents.calls),
                seams=seams(contents.texts),
            )

    def _contents(self, given: str | Sequence[ContentBlock], where: str, depth: int = 0) -> _Contents:
        """Raises HttpError (400) for blocks within blocks within blocks."""
        found = _Contents()
        if isinstance(given, str):
            found.texts.append(given)
            return found
        if depth > DEPTH:
            raise _wrong(f"{where}: blocks are nested too deeply", where)
        for index, block in enumerate(given):
            self._block(block, f"{where}[{index}]", found, depth)
        return found

    def _block(self, block: ContentBlock, where: str, found: _Contents, depth: int) -> None:
        match block:
            case ContentBlock(type="text", text=str(text)):
                if not text:
                    raise _wrong(f"{where}: a text block must not be empty", where)
                found.texts.append(text)
            case ContentBlock(type="image", source=Source() as source):
                found.media.append(_image(source, where))
            case ContentBlock(type="document", source=Source() as source):
                found.texts.extend(text for text in (block.title, block.context) if text)
                self._document(source, where, found, depth)
            case ContentBlock(type="tool_use", id=str(id), name=str(name)) if id and name:
                found.calls.append(ToolCall(id=id, name=name, arguments=arguments_text(block.input)))
            case ContentBlock(type="tool_result", tool_use_id=str(id)) if id:
                found.results.append(self._result(id, block.content, where, depth))
            case ContentBlock(type="search_result", content=list()):
                result = self._contents(_blocks(block.content), f"{where}.content", depth + 1)
                found.texts.extend(text for text in (block.title, *result.texts) if text)
            case ContentBlock(
                type="text" | "image" | "document" | "tool_use" | "tool_result" | "search_result" as kind
            ):
                raise _wrong(f"{where}: a block of the type {kind} is not complete", where)
            case ContentBlock(type=kind) if kind not in THOUGHTS:
                self._ignored.add(f"content[].{kind}")

    def _result(self, id: str, content: Any, where: str, depth: int) -> Message:
        contents = self._contents(_blocks(content), f"{where}.content", depth + 1)
        return Message(
            role="tool",
            tool_call_id=id,
            text=joined(contents.texts),
            media=tuple(contents.media),
            seams=seams(contents.texts),
        )

    def _document(self, source: Source, where: str, found: _Contents, depth: int) -> None:
        match source:
            case Source(type="base64", data=str(data)):
                found.media.append(encoded_files.pdf(data, f"{where}.source"))
            case Source(type="text", data=str(text)):
                found.texts.append(text)
            case Source(type="content", content=str() | list() as content):
                inner = self._contents(content, f"{where}.source.content", depth + 1)
                found.texts.extend(inner.texts)
                found.media.extend(inner.media)
            case _:
                raise _remote(source, where)


def _blocks(content: Any) -> str | list[ContentBlock]:
    return converted({"content": content}, ResultContent).content or ""


def _image(source: Source, where: str) -> Media:
    if source.type == "base64" and source.media_type is not None and source.data is not None:
        return encoded_files.image(source.media_type, source.data, f"{where}.source")
    raise _remote(source, where)


def _remote(source: Source, where: str) -> HttpError:
    if source.type in ("url", "file"):
        line = f"{where}.source: files are not fetched: send base64 with the bytes in it"
        return HttpError(400, "remote_image", line, param=f"{where}.source")
    return _wrong(f"{where}.source: a source of the type {source.type[:64]!a} is not complete", f"{where}.source")


def _wrong(line: str, where: str) -> HttpError:
    return HttpError(400, "invalid_request", line, param=where)
