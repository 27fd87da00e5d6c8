"""The messages of OpenAI's chat completions, read into canonical ones."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from backends.gateway.dialects.declared_tools import arguments_text
from backends.gateway.dialects.field_table import IgnoredFields
from backends.gateway.dialects.joined_texts import joined, seams
from backends.gateway.dialects.openai_chat.chat_media import File, ImageUrl, InputAudio, image, pdf, recording
from backends.gateway.http_errors import HttpError
from backends.types import Media, Message, ToolCall

_THOUGHTS = ("thinking", "redacted_thinking", "reasoning")


class Part(Struct):
    type: str
    text: str | None = None
    image_url: ImageUrl | str | None = None
    input_audio: InputAudio | None = None
    file: File | None = None
    refusal: str | None = None


class CalledFunction(Struct):
    name: str
    arguments: str | dict[str, Any] | None = None


class CalledTool(Struct):
    id: str
    function: CalledFunction
    type: Literal["function"] | None = None
    extra_content: Any = None
    provider_specific_fields: Any = None


class ChatMessage(Struct):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part | str] | None = None
    name: str | None = None
    tool_calls: list[CalledTool] | None = None
    tool_call_id: str | None = None
    function_call: CalledFunction | None = None
    refusal: str | None = None
    extra_content: Any = None
    provider_specific_fields: Any = None


def check_fields(messages: Sequence[Any], ignored: IgnoredFields) -> None:
    """Name the messages' fields that have no effect. Raises HttpError (400) for those that are refused."""
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            continue
        where = f"messages[{index}]"
        ignored.check("messages[]", message, where)
        content, calls = message.get("content"), message.get("tool_calls")
        for place, part in enumerate(content if isinstance(content, list) else ()):
            if isinstance(part, dict) and part.get("type") not in _THOUGHTS:
                _check_part(part, f"{where}.content[{place}]", ignored)
        for place, call in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(call, dict):
                ignored.check("messages[].tool_calls[]", call, f"{where}.tool_calls[{place}]")
                _check_within(call, "function", "messages[].tool_calls[].function", where, ignored)
        _check_within(message, "function_call", "messages[].function_call", where, ignored)


def _check_part(part: Mapping[str, Any], where: str, ignored: IgnoredFields) -> None:
    ignored.check("messages[].content[]", part, where)
    for name in ("image_url", "input_audio", "file"):
        _check_within(part, name, f"messages[].content[].{name}", where, ignored)


def _check_within(value: Mapping[str, Any], name: str, place: str, where: str, ignored: IgnoredFields) -> None:
    ignored.check(place, value.get(name), f"{where}.{name}")


def canonical(messages: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """Raises HttpError (400) for a part that cannot be read here."""
    found: list[Message] = []
    open_calls: list[ToolCall] = []  # of the older kind, whose results name a function and no call
    for index, each in enumerate(messages):
        where = f"messages[{index}]"
        if each.function_call is not None:
            call = _called(f"call_{index}", each.function_call)
            open_calls.append(call)
            found.append(_message(each, where, calls=(call,)))
        elif each.role == "function":
            matching = [call for call in open_calls if call.name == each.name]
            if matching:
                open_calls.remove(matching[0])
            id = matching[0].id if matching else f"call_{index}"
            found.append(_message(each, where, tool_call_id=id))
        else:
            found.append(_message(each, where))
    return tuple(found)


def _message(
    message: ChatMessage, where: str, *, calls: tuple[ToolCall, ...] = (), tool_call_id: str | None = None
) -> Message:
    texts, media = _content(message.content, where)
    if message.refusal and not any(texts):
        texts = [message.refusal]
    tool_call_id = tool_call_id or message.tool_call_id
    if message.role in ("tool", "function") and tool_call_id is None:
        raise HttpError(400, "invalid_request", "a tool's message needs a tool_call_id", param=f"{where}.tool_call_id")
    calls += tuple(
        _called(call.id, call.function, signature_in(call.extra_content, call.provider_specific_fields))
        for call in message.tool_calls or ()
    )
    return Message(
        role="system" if message.role == "developer" else "tool" if message.role == "function" else message.role,
        text=joined(texts),
        media=media,
        tool_calls=calls,
        tool_call_id=tool_call_id,
        name=message.name,
        seams=seams(texts),
        signature=signature_in(message.extra_content, message.provider_specific_fields),
    )


def _called(id: str, function: CalledFunction, signature: str | None = None) -> ToolCall:
    return ToolCall(id=id, name=function.name, arguments=arguments_text(function.arguments), signature=signature)


def signature_in(extra_content: Any, provider_specific_fields: Any = None) -> str | None:
    """A thought signature as Google's OpenAI-compatible API hands it out, or as LiteLLM hands that on."""
    if extra_content is None and provider_specific_fields is None:
        return None
    google = extra_content.get("google") if isinstance(extra_content, dict) else None
    for place in (google, provider_specific_fields):
        found = place.get("thought_signature") if isinstance(place, dict) else None
        if isinstance(found, str) and found:
            return found
    return None


def _content(content: str | list[Part | str] | None, where: str) -> tuple[list[str], tuple[Media, ...]]:
    if content is None or isinstance(content, str):
        return [content or ""], ()
    texts: list[str] = []
    media: list[Media] = []
    for index, part in enumerate(content):
        place = f"{where}.content[{index}]"
        match part:
            case str() | Part(type="text", text=str()):
                texts.append(part if isinstance(part, str) else part.text or "")
            case Part(type="refusal", refusal=str(text)):
                texts.append(text)
            case Part(type="image_url", image_url=str() | ImageUrl() as url):
                media.append(image(url if isinstance(url, str) else url.url, f"{place}.image_url.url"))
            case Part(type="input_audio", input_audio=InputAudio() as audio):
                media.append(recording(audio, f"{place}.input_audio"))
            case Part(type="file", file=File() as file):
                media.append(pdf(file, f"{place}.file"))
            case Part(type="text" | "refusal" | "image_url" | "input_audio" | "file" as kind):
                raise HttpError(400, "invalid_request", f"a part of the type {kind} is not complete", param=place)
            case Part(type=kind) if kind not in _THOUGHTS:
                known = "text, image_url, input_audio, file"
                raise HttpError(400, "unsupported", f"a part must be one of {known}, complete", param=place)
    return texts, tuple(media)
