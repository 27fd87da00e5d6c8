"""The body of OpenAI's `POST /v1/chat/completions`, as far as it means something here, and its way into a Request.

Fields that are not named here are ignored, as OpenAI does. Null means absent.
"""

import base64
import binascii
from itertools import accumulate
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from backends.gateway.json_body import check_depth
from backends.gateway.refusal import Turned
from backends.types import Media, Message, ResponseFormat, Sampling, Tool, ToolCall

MEDIA_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")
BETWEEN_PARTS = "\n"


class ImageUrl(Struct):
    url: str


class Part(Struct):
    type: str
    text: str | None = None
    image_url: ImageUrl | None = None
    refusal: str | None = None


class CalledFunction(Struct):
    name: str
    arguments: str = "{}"


class CalledTool(Struct):
    id: str
    function: CalledFunction
    type: Literal["function"] = "function"


class ChatMessage(Struct):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[CalledTool] | None = None
    tool_call_id: str | None = None


class Function(Struct):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_.:-]{1,128}\Z")]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class FunctionTool(Struct):
    function: Function
    type: Literal["function"] = "function"


class ChosenFunction(Struct):
    name: str


class ToolChoice(Struct):
    function: ChosenFunction
    type: Literal["function"] = "function"


class Schema(Struct):
    schema: dict[str, Any] | None = None
    name: str = "answer"


class Format(Struct):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: Schema | None = None


class StreamOptions(Struct):
    include_usage: bool | None = None


Cap = Annotated[int, Meta(ge=1)]


class ChatBody(Struct):
    model: str
    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    max_tokens: Cap | None = None
    max_completion_tokens: Cap | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: str | Annotated[list[str], Meta(max_length=16)] | None = None
    tools: Annotated[list[FunctionTool], Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    response_format: Format | None = None
    metadata: dict[str, str] | None = None
    deadline_ms: float | None = None

    def sampling(self) -> Sampling:
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            stop=tuple(word for word in stop if word),
            seed=self.seed,
        )

    def canonical_tools(self) -> tuple[tuple[Tool, ...], str]:
        """The tools and which may be called: auto, none, required, or one's name. Raises Turned (400)."""
        tools = tuple(_tool(item.function, index) for index, item in enumerate(self.tools or ()))
        if not isinstance(self.tool_choice, ToolChoice):
            return tools, self.tool_choice or "auto"
        chosen = self.tool_choice.function.name
        if chosen not in {tool.name for tool in tools}:
            raise Turned(400, "invalid_request", "tool_choice names no tool of tools", param="tool_choice")
        return tools, chosen

    def canonical_format(self) -> ResponseFormat:
        """Raises Turned (400) for a schema that is missing or nested too deeply."""
        wanted = self.response_format
        if wanted is None or wanted.type == "text":
            return ResponseFormat()
        if wanted.type == "json_object":
            return ResponseFormat(kind="json")
        if wanted.json_schema is None or wanted.json_schema.schema is None:
            raise Turned(
                400, "invalid_request", "json_schema needs a schema", param="response_format.json_schema.schema"
            )
        check_depth(wanted.json_schema.schema, "response_format.json_schema.schema")
        return ResponseFormat(kind="schema", schema=wanted.json_schema.schema, name=wanted.json_schema.name)

    def canonical_messages(self) -> tuple[Message, ...]:
        """Raises Turned (400) for a part that cannot be read here."""
        return tuple(_message(item, f"messages[{index}]") for index, item in enumerate(self.messages))


def _tool(function: Function, index: int) -> Tool:
    parameters = function.parameters or {}
    check_depth(parameters, f"tools[{index}].function.parameters")
    return Tool(name=function.name, description=function.description or "", parameters=parameters)


def _message(said: ChatMessage, where: str) -> Message:
    texts, media = _content(said.content, where)
    if said.role == "tool" and said.tool_call_id is None:
        raise Turned(400, "invalid_request", "a tool's message needs a tool_call_id", param=f"{where}.tool_call_id")
    calls = tuple(
        ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
        for call in said.tool_calls or ()
    )
    return Message(
        role="system" if said.role == "developer" else said.role,
        text=BETWEEN_PARTS.join(texts),
        media=media,
        tool_calls=calls,
        tool_call_id=said.tool_call_id,
        name=said.name,
        seams=_seams(texts),
    )


def _call(called: CalledTool) -> ToolCall:
    return ToolCall(id=called.id, name=called.function.name, arguments=called.function.arguments)


def _content(content: str | list[Part] | None, where: str) -> tuple[list[str], tuple[Media, ...]]:
    if content is None or isinstance(content, str):
        return [content or ""], ()
    texts: list[str] = []
    media: list[Media] = []
    for index, part in enumerate(content):
        place = f"{where}.content[{index}]"
        said = part.refusal if part.type == "refusal" else part.text
        if part.type in ("text", "refusal") and said is not None:
            texts.append(said)
        elif part.type == "image_url" and part.image_url is not None:
            media.append(_image(part.image_url.url, f"{place}.image_url.url"))
        else:
            raise Turned(400, "invalid_request", "a part must be a text or an image_url, complete", param=place)
    return texts, tuple(media)


def _seams(texts: list[str]) -> tuple[int, ...]:
    """Where each text but the first begins once they are joined."""
    ends = accumulate(len(text) + len(BETWEEN_PARTS) for text in texts[:-1])
    return tuple(ends)


def _image(url: str, where: str) -> Media:
    head, comma, data = url.partition(",")
    scheme, _, rest = head.partition(":")
    media_type, _, encoding = rest.partition(";")
    if scheme.lower() != "data" or not comma:
        raise Turned(400, "remote_image", "images are not fetched: send a data: URL with the bytes in it", param=where)
    if media_type.lower() not in MEDIA_TYPES or encoding.lower() != "base64":
        raise Turned(400, "invalid_request", f"an image must be base64 of {', '.join(MEDIA_TYPES)}", param=where)
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Turned(400, "invalid_request", "the image is not valid base64", param=where) from None
    if not raw:
        raise Turned(400, "invalid_request", "the image is empty", param=where)
    return Media(media_type=media_type.lower(), data=raw)
