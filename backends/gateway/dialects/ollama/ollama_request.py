"""The bodies of Ollama's `POST /api/chat` and `/api/generate`, read into canonical form. Null means absent."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from backends.gateway.dialects import encoded_files
from backends.gateway.dialects.declared_tools import MOST_TOOLS, ToolName, arguments_text, declared_functions
from backends.gateway.dialects.dialect_request import DialectRequest
from backends.gateway.dialects.field_table import IgnoredFields
from backends.gateway.dialects.ollama.ollama_fields import TABLE
from backends.gateway.http_errors import HttpError
from backends.gateway.json_body import check_depth, converted, fields_of, inner
from backends.pipeline.bounds import STOP_CHARACTERS, STOP_WORDS
from backends.types import Effort, Message, ResponseFormat, Sampling, ToolCall

MOST = 2**31 - 1
HOTTEST = 2.0
"""The highest temperature that other engines take; Ollama takes any."""

EFFORTS: dict[bool | str, Effort] = {
    False: "none",
    True: "medium",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "max": "xhigh",
}

StopWord = Annotated[str, Meta(max_length=STOP_CHARACTERS)]


class Options(Struct):
    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=-1, le=MOST)] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    num_predict: Annotated[int, Meta(ge=-2, le=MOST)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: StopWord | Annotated[list[StopWord], Meta(max_length=STOP_WORDS)] | None = None


class OllamaFunctionCall(Struct):
    name: str
    arguments: dict[str, Any] | None = None


class OllamaToolCall(Struct):
    function: OllamaFunctionCall
    id: str | None = None


class OllamaMessage(Struct):
    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    images: list[str] | None = None
    tool_calls: list[OllamaToolCall] | None = None
    tool_name: str | None = None
    name: str | None = None
    tool_call_id: str | None = None


class OllamaFunction(Struct):
    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class OllamaTool(Struct):
    function: OllamaFunction
    type: Literal["function"] = "function"


class OllamaBody(Struct):
    model: Annotated[str, Meta(min_length=1)]
    messages: list[OllamaMessage] | None = None
    prompt: str | None = None
    system: str | None = None
    images: list[str] | None = None
    stream: bool | None = None
    format: Literal["", "json"] | dict[str, Any] | None = None
    options: Options | None = None
    think: bool | Literal["low", "medium", "high", "max"] | None = None
    tools: Annotated[list[OllamaTool], Meta(max_length=MOST_TOOLS)] | None = None


def read(body: bytes) -> DialectRequest:
    """Raises HttpError (400), naming the field, for a value that is wrong or that no engine here can honour."""
    return read_fields(fields_of(body))


def read_fields(fields: dict[str, Any]) -> DialectRequest:
    """The same of a body that has been parsed."""
    ignored = IgnoredFields(TABLE)
    _check_fields(fields, ignored)
    body = converted(fields, OllamaBody)
    if body.messages is None and body.prompt is not None:
        spoken = [OllamaMessage(role="user", content=body.prompt, images=body.images)]
    else:
        spoken = body.messages or []
    if body.system:
        spoken = [OllamaMessage(role="system", content=body.system), *spoken]
    if not spoken:
        raise HttpError(400, "invalid_request", "messages: a chat needs a message", param="messages")
    options = body.options or Options()
    hot = options.temperature is not None and options.temperature > HOTTEST
    return DialectRequest(
        model=body.model,
        messages=tuple(_messages(spoken)),
        stream=body.stream is not False,  # Ollama streams where nothing is said
        tools=declared_functions([tool.function for tool in body.tools or ()], "tools[{}].function"),
        response_format=_format(body),
        sampling=_sampling(options, body.think),
        ignored=ignored.names(),
        notes=(f"temperature {options.temperature:g} cut to {HOTTEST:g}",) if hot else (),
    )


def _check_fields(fields: dict[str, Any], ignored: IgnoredFields) -> None:
    ignored.check("", fields)
    ignored.check("options", fields.get("options"), "options")
    messages, tools = fields.get("messages"), fields.get("tools")
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        ignored.check("messages[]", message, f"messages[{index}]")
        calls = inner(message, "tool_calls")
        for place, call in enumerate(calls if isinstance(calls, list) else ()):
            where = f"messages[{index}].tool_calls[{place}]"
            ignored.check("tool_calls[]", call, where)
            ignored.check("tool_calls[].function", inner(call, "function"), f"{where}.function")
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        ignored.check("tools[]", tool, f"tools[{index}]")
        ignored.check("tools[].function", inner(tool, "function"), f"tools[{index}].function")


def _messages(spoken: Sequence[OllamaMessage]) -> Iterator[Message]:
    """Calls get ids where they have none; a result belongs to the first open call of its tool, else to the first."""
    unanswered: list[ToolCall] = []
    count = 0
    for index, each in enumerate(spoken):
        calls = []
        for called in each.tool_calls or ():
            count += 1
            text = arguments_text(called.function.arguments)
            calls.append(ToolCall(id=called.id or f"call_{count}", name=called.function.name, arguments=text))
        unanswered.extend(calls)
        name = each.tool_name or each.name
        yield Message(
            role=each.role,
            text=each.content or "",
            media=tuple(
                encoded_files.untyped_image(image, f"messages[{index}].images[{place}]")
                for place, image in enumerate(each.images or ())
            ),
            tool_calls=tuple(calls),
            tool_call_id=_answered(each, name, unanswered, index) if each.role == "tool" else None,
            name=name,
        )


def _answered(message: OllamaMessage, name: str | None, unanswered: list[ToolCall], index: int) -> str:
    """The id of the call that a tool's message answers."""
    if message.tool_call_id:
        return message.tool_call_id
    call = next((call for call in unanswered if call.name == name), None) or next(iter(unanswered), None)
    if call is None:
        return f"call_of_{index}"
    unanswered.remove(call)
    return call.id


def _format(body: OllamaBody) -> ResponseFormat:
    if isinstance(body.format, dict):
        check_depth(body.format, "format")
        return ResponseFormat(kind="schema", schema=body.format)
    return ResponseFormat(kind="json" if body.format == "json" else "text")


def _sampling(options: Options, think: bool | str | None) -> Sampling:
    stop = [options.stop] if isinstance(options.stop, str) else options.stop or []
    return Sampling(
        temperature=None if options.temperature is None else min(options.temperature, HOTTEST),
        top_p=options.top_p,
        top_k=options.top_k if options.top_k and options.top_k > 0 else None,
        min_p=options.min_p,
        frequency_penalty=options.frequency_penalty,
        presence_penalty=options.presence_penalty,
        max_tokens=options.num_predict if options.num_predict and options.num_predict > 0 else None,
        stop=tuple(word for word in stop if word),
        seed=options.seed,
        effort=None if think is None else EFFORTS[think],
    )
