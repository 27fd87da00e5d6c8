"""The body of Anthropic's `POST /v1/messages`, read into canonical form. Null means absent."""

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from backends.gateway.dialects.anthropic import messages_content
from backends.gateway.dialects.anthropic.messages_content import ContentBlock, Spoken
from backends.gateway.dialects.anthropic.messages_fields import TABLE
from backends.gateway.dialects.declared_tools import MOST_TOOLS, ToolName, declared, forced, own_tools
from backends.gateway.dialects.dialect_request import DialectRequest
from backends.gateway.dialects.field_table import IgnoredFields
from backends.gateway.http_errors import HttpError
from backends.gateway.json_body import check_depth, converted, fields_of, inner
from backends.pipeline.bounds import STOP_CHARACTERS, STOP_WORDS
from backends.types import Effort, ResponseFormat, Sampling, Tool

LEAST_BUDGET = 1024
"""Thinking tokens; Anthropic refuses fewer."""

_SESSION = re.compile(r"_session_([\w-]+)\Z")

MOST = 2**31 - 1

Probability = Annotated[float, Meta(ge=0, le=1)]


class Thinking(Struct):
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: Annotated[int, Meta(ge=LEAST_BUDGET, le=MOST)] | None = None


class OutputFormat(Struct):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class OutputConfig(Struct):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: OutputFormat | None = None


class MessagesToolChoice(Struct):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class DeclaredTool(Struct):
    name: ToolName
    input_schema: dict[str, Any] | None = None
    type: str | None = None
    description: str | None = None
    strict: bool | None = None


class Metadata(Struct):
    user_id: str | None = None


class MessagesBody(Struct):
    model: str
    messages: Annotated[list[Spoken], Meta(min_length=1)]
    max_tokens: Annotated[int, Meta(ge=1, le=MOST)]
    system: str | list[ContentBlock] | None = None
    stream: bool | None = None
    stop_sequences: (
        Annotated[list[Annotated[str, Meta(max_length=STOP_CHARACTERS)]], Meta(max_length=STOP_WORDS)] | None
    ) = None
    temperature: Probability | None = None
    top_p: Probability | None = None
    top_k: Annotated[int, Meta(ge=0, le=MOST)] | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None
    tools: Annotated[list[DeclaredTool | None], Meta(max_length=MOST_TOOLS)] | None = None
    tool_choice: MessagesToolChoice | None = None
    metadata: Metadata | None = None


def read(body: bytes) -> DialectRequest:
    """Raises HttpError (400), naming the field, for a value that is wrong or that no engine here can honour."""
    return read_fields(fields_of(body))


def read_fields(fields: dict[str, Any]) -> DialectRequest:
    """The same of a body that has been parsed."""
    ignored = IgnoredFields(TABLE)
    _check_fields(fields, ignored)
    own = own_tools(fields.get("tools"), "custom", ignored)
    body = converted(fields | {"tools": own}, MessagesBody)
    tools, choice = _tools(body)
    messages = messages_content.canonical(body.system, body.messages, ignored)
    single = None if body.tool_choice is None else body.tool_choice.disable_parallel_tool_use
    return DialectRequest(
        model=body.model,
        messages=messages,
        stream=bool(body.stream),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=None if single is None else not single,
        response_format=_format(body),
        sampling=_sampling(body),
        session=session_in(body.metadata.user_id if body.metadata else None),
        ignored=ignored.names(),
    )


def session_in(user_id: str | None) -> str:
    """The session that Claude Code writes into metadata.user_id: as JSON text, or behind `_session_`."""
    if not user_id:
        return ""
    if user_id.lstrip()[:1] == "{":
        try:
            found = inner(msgspec.json.decode(user_id), "session_id")
        except (msgspec.DecodeError, RecursionError):
            return ""
        return found if isinstance(found, str) else ""
    match = _SESSION.search(user_id)
    return match[1] if match else ""


def _check_fields(fields: dict[str, Any], ignored: IgnoredFields) -> None:
    ignored.check("", fields)
    for name in ("thinking", "output_config", "tool_choice"):
        ignored.check(name, fields.get(name), name)
    _check_blocks(fields.get("system"), "system", ignored)
    messages = fields.get("messages")
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        ignored.check("messages[]", message, f"messages[{index}]")
        _check_blocks(inner(message, "content"), f"messages[{index}].content", ignored)


def _check_blocks(blocks: Any, where: str, ignored: IgnoredFields) -> None:
    for index, block in enumerate(blocks if isinstance(blocks, list) else ()):
        ignored.check("content[]", block, f"{where}[{index}]")


def _tools(body: MessagesBody) -> tuple[tuple[Tool, ...], str]:
    """The declared tools and which may be called."""
    found = list[tuple[str, Tool]]()
    for index, each in enumerate(body.tools or ()):
        if each is None:
            continue
        where = f"tools[{index}]"
        if each.input_schema is None:
            line = f"{where}.input_schema: a tool needs its schema"
            raise HttpError(400, "invalid_request", line, param=f"{where}.input_schema")
        tool = Tool(
            name=each.name, description=each.description or "", parameters=each.input_schema, strict=each.strict
        )
        found.append((where, tool))
    return _chosen(declared(found), body.tool_choice)


def _chosen(tools: tuple[Tool, ...], choice: MessagesToolChoice | None) -> tuple[tuple[Tool, ...], str]:
    if choice is None or choice.type in ("auto", "none"):
        return tools, choice.type if choice else "auto"
    if choice.type == "any":
        if not tools:
            raise HttpError(400, "invalid_request", "tool_choice needs tools", param="tool_choice")
        return tools, "required"
    if choice.name is None:
        raise HttpError(400, "invalid_request", "tool_choice.name: a tool must be named", param="tool_choice.name")
    return forced(tools, choice.name, "tool_choice")


def _format(body: MessagesBody) -> ResponseFormat:
    wanted = (body.output_config.format if body.output_config else None) or body.output_format
    if wanted is None:
        return ResponseFormat()
    check_depth(wanted.schema, "output_config.format.schema")
    return ResponseFormat(kind="schema", schema=wanted.schema, strict=True)


def _sampling(body: MessagesBody) -> Sampling:
    effort: Effort | None = None
    if body.output_config is not None and body.output_config.effort is not None:
        effort = "xhigh" if body.output_config.effort == "max" else body.output_config.effort
    budget = None
    if body.thinking is not None and body.thinking.type == "disabled":
        effort = "none"
    elif body.thinking is not None and body.thinking.type == "enabled":
        budget = body.thinking.budget_tokens
        if budget is None:
            line = "thinking.budget_tokens: needed where thinking is enabled"
            raise HttpError(400, "invalid_request", line, param="thinking.budget_tokens")
    return Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k or None,
        max_tokens=body.max_tokens,
        stop=tuple(word for word in body.stop_sequences or () if word),
        effort=effort,
        thinking_budget=budget,
    )
