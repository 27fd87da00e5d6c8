"""The body of OpenAI's `POST /v1/responses`, read into canonical form. Null means absent."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from backends.gateway.dialects.declared_tools import MOST_TOOLS, ToolName, declared, forced, only, own_tools
from backends.gateway.dialects.dialect_request import DialectRequest
from backends.gateway.dialects.field_table import IgnoredFields
from backends.gateway.dialects.openai_responses import responses_items
from backends.gateway.dialects.openai_responses.responses_fields import TABLE
from backends.gateway.dialects.openai_responses.responses_items import Item
from backends.gateway.http_errors import HttpError
from backends.gateway.json_body import check_depth, converted, fields_of, inner, text_of
from backends.types import Effort, ResponseFormat, Sampling, Tool

MOST = 2**31 - 1


class Reasoning(Struct):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None


class TextFormat(Struct):
    type: Literal["text", "json_object", "json_schema"]
    name: str = "answer"
    schema: dict[str, Any] | None = None
    description: str | None = None
    strict: bool | None = None


class ResponsesText(Struct):
    format: TextFormat | None = None


class ResponsesTool(Struct):
    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ResponsesToolChoice(Struct):
    type: str
    name: str | None = None
    mode: Literal["auto", "required"] | None = None
    tools: "list[ResponsesToolChoice] | None" = None


class ResponsesBody(Struct):
    model: str
    input: str | Annotated[list[Item | None], Meta(min_length=1)]
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: Annotated[int, Meta(ge=1, le=MOST)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    reasoning: Reasoning | None = None
    text: ResponsesText | None = None
    tool_choice: Literal["none", "auto", "required"] | ResponsesToolChoice | None = None
    tools: Annotated[list[ResponsesTool | None], Meta(max_length=MOST_TOOLS)] | None = None
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None


class ResponsesRequest(DialectRequest, frozen=True, kw_only=True):
    """`previous` is the id of the answer that this goes on from, None where there is none."""

    previous: str | None


def read(body: bytes) -> ResponsesRequest:
    """Raises HttpError (400), naming the field, for a value that is wrong or that no engine here can honour."""
    return read_fields(fields_of(body))


def read_fields(fields: dict[str, Any]) -> ResponsesRequest:
    """The same of a body that has been parsed."""
    ignored = IgnoredFields(TABLE)
    _check_fields(fields, ignored)
    given = fields.get("input")
    items = responses_items.known(given, ignored) if isinstance(given, list) else given
    own = own_tools(fields.get("tools"), "function", ignored)
    body = converted(fields | {"input": items, "tools": own}, ResponsesBody)
    tools, choice = _tools(body)
    messages = responses_items.canonical(body.instructions, body.input, ignored)
    if not messages:
        raise HttpError(400, "invalid_request", "input: holds no message", param="input")
    effort = body.reasoning.effort if body.reasoning else None
    known: Effort | None = "xhigh" if effort == "max" else effort
    return ResponsesRequest(
        model=body.model,
        messages=messages,
        stream=bool(body.stream),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=body.parallel_tool_calls,
        response_format=_format(body.text.format if body.text else None),
        sampling=Sampling(
            temperature=body.temperature, top_p=body.top_p, max_tokens=body.max_output_tokens, effort=known
        ),
        session=_conversation(fields.get("conversation")) or text_of(fields.get("prompt_cache_key")),
        previous=body.previous_response_id,
        ignored=ignored.names(),
    )


def _check_fields(fields: dict[str, Any], ignored: IgnoredFields) -> None:
    ignored.check("", fields)
    for name in ("reasoning", "text"):
        ignored.check(name, fields.get(name), name)
    ignored.check("text.format", inner(fields, "text", "format"), "text.format")


def _conversation(given: Any) -> str:
    return text_of(given) or text_of(inner(given, "id"))


def _tools(body: ResponsesBody) -> tuple[tuple[Tool, ...], str]:
    """The functions and which may be called."""
    tools = declared(
        (
            f"tools[{index}]",
            Tool(
                name=each.name,
                description=each.description or "",
                parameters=each.parameters or {},
                strict=each.strict,
            ),
        )
        for index, each in enumerate(body.tools or ())
        if each is not None
    )
    return _chosen(tools, body.tool_choice)


def _chosen(tools: tuple[Tool, ...], choice: str | ResponsesToolChoice | None) -> tuple[tuple[Tool, ...], str]:
    if isinstance(choice, ResponsesToolChoice):
        if choice.type == "allowed_tools":
            names = [each.name for each in choice.tools or () if each.type == "function" and each.name]
            return only(tools, names, "tool_choice"), choice.mode or "auto"
        if choice.type != "function" or choice.name is None:
            line = "tool_choice must be auto, none, required, a function or allowed_tools of functions"
            raise HttpError(400, "unsupported", line, param="tool_choice")
        return forced(tools, choice.name, "tool_choice")
    if choice == "required" and not tools:
        raise HttpError(400, "invalid_request", "tool_choice needs tools", param="tool_choice")
    return tools, choice or "auto"


def _format(wanted: TextFormat | None) -> ResponseFormat:
    """Raises HttpError (400) for a schema that is missing or nested too deeply."""
    if wanted is None or wanted.type == "text":
        return ResponseFormat()
    if wanted.type == "json_object":
        return ResponseFormat(kind="json")
    where = "text.format.schema"
    if wanted.schema is None:
        raise HttpError(400, "invalid_request", f"{where}: json_schema needs a schema", param=where)
    check_depth(wanted.schema, where)
    schema = wanted.schema
    if wanted.description and "description" not in schema:
        schema = schema | {"description": wanted.description}
    return ResponseFormat(kind="schema", schema=schema, name=wanted.name, strict=wanted.strict)
