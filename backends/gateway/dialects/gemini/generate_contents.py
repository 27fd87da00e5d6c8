"""The contents of Gemini's API and their parts, read into canonical messages."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from msgspec import Struct

from backends.gateway.dialects import encoded_files
from backends.gateway.dialects.declared_tools import arguments_text, json_text
from backends.gateway.dialects.joined_texts import joined, seams
from backends.types import Media, Message, ToolCall

WHOLE = ("output", "result")
"""Keys of a tool's response under which Google's clients put its text, where that is all of it."""


class Blob(Struct, rename="camel"):
    mime_type: str
    data: str


class FunctionCall(Struct):
    name: str
    args: dict[str, Any] | None = None
    id: str | None = None


class FunctionResponse(Struct):
    name: str
    response: dict[str, Any] | None = None
    id: str | None = None


class ContentPart(Struct, rename="camel"):
    text: str | None = None
    inline_data: Blob | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    thought: bool | None = None
    thought_signature: str | None = None


class Content(Struct):
    parts: list[ContentPart] | None = None
    role: Literal["user", "model", "function", "system"] | None = None


def canonical(system: Content | None, contents: Sequence[Content]) -> tuple[Message, ...]:
    """Raises HttpError (400) for a part that cannot be read here."""
    found: list[Message] = []
    texts = [part.text for part in (system.parts if system else None) or () if part.text]
    if texts:
        found.append(Message(role="system", text=joined(texts), seams=seams(texts)))
    reader = _ContentsReader()
    for index, content in enumerate(contents):
        found.extend(reader.messages(content, index))
    return tuple(found)


class _ContentsReader:
    """Pairs calls and responses, which Google's clients may write without ids."""

    def __init__(self) -> None:
        self._open: list[ToolCall] = []
        self._calls = 0

    def messages(self, content: Content, index: int) -> Iterator[Message]:
        """The responses of tools, each as a message of its own, then what is said."""
        texts: list[str] = []
        files: list[Media] = []
        calls: list[ToolCall] = []
        signature: str | None = None
        responded = False
        for place, part in enumerate(content.parts or ()):
            where = f"contents[{index}].parts[{place}]"
            if part.function_response is not None:
                responded = True
                yield self._response(part.function_response)
            elif part.function_call is not None:
                calls.append(self._call(part.function_call, part.thought_signature))
            elif part.inline_data is not None:
                blob = part.inline_data
                files.append(encoded_files.from_base64(blob.mime_type, blob.data, f"{where}.inlineData"))
            elif part.text is not None and not part.thought:
                texts.append(part.text)
                signature = part.thought_signature or signature
        if texts or files or calls or not responded:
            yield Message(
                role="assistant" if content.role == "model" else "system" if content.role == "system" else "user",
                text=joined(texts),
                media=tuple(files),
                tool_calls=tuple(calls),
                seams=seams(texts),
                signature=signature,
            )

    def _call(self, given: FunctionCall, signature: str | None) -> ToolCall:
        self._calls += 1
        id = given.id or f"call_{self._calls}"
        call = ToolCall(id=id, name=given.name, arguments=arguments_text(given.args), signature=signature)
        self._open.append(call)
        return call

    def _response(self, given: FunctionResponse) -> Message:
        matching = (call for call in self._open if (call.id == given.id if given.id else call.name == given.name))
        call = next(matching, None)
        if call is not None:
            self._open.remove(call)
        id = call.id if call is not None else given.id or f"call_of_{given.name}"
        return Message(role="tool", tool_call_id=id, name=given.name, text=_text(given.response or {}))


def _text(response: dict[str, Any]) -> str:
    if len(response) == 1:
        key, value = next(iter(response.items()))
        if key in WHOLE and isinstance(value, str):
            return value
    return json_text(response)
