"""The body of OpenAI's `POST /v1/chat/completions`, read into canonical form. Null means absent.

`read` and everything it calls stay off the event loop: a large body is read in a thread.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from backends.gateway.dialects.dialect_request import DialectRequest
from backends.gateway.dialects.field_table import IgnoredFields
from backends.gateway.dialects.google_thinking import thinking
from backends.gateway.dialects.openai_chat import chat_messages, chat_tools
from backends.gateway.dialects.openai_chat.chat_fields import TABLE
from backends.gateway.dialects.openai_chat.chat_messages import ChatMessage
from backends.gateway.dialects.openai_chat.chat_tools import Function, FunctionTool, Named, ToolChoice
from backends.gateway.http_errors import HttpError
from backends.gateway.json_body import check_depth, converted, fields_of, inner, text_of
from backends.pipeline.bounds import STOP_CHARACTERS, STOP_WORDS
from backends.types import Effort, ResponseFormat, Sampling

MOST_CHOICES = 8
"""Calls that one request may ask for; each is paid for, and waits for its place, as a request of its own."""


class Schema(Struct):
    schema: dict[str, Any] | None = None
    name: str = "answer"
    description: str | None = None
    strict: bool | None = None


class Format(Struct):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: Schema | None = None


class StreamOptions(Struct):
    include_usage: bool | None = None


class ThinkingConfig(Struct):
    thinking_budget: Annotated[int, Meta(ge=-1)] | None = None
    thinking_level: str | None = None


class Google(Struct):
    thinking_config: ThinkingConfig | None = None


class ExtraBody(Struct):
    google: Google | None = None


Cap = Annotated[int, Meta(ge=1)]
StopWord = Annotated[str, Meta(max_length=STOP_CHARACTERS)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
TokenId = Annotated[str, Meta(pattern=r"^[0-9]{1,9}\Z")]


class ChatBody(Struct):
    model: str
    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=MOST_CHOICES)] | None = None
    max_tokens: Cap | None = None
    max_completion_tokens: Cap | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=-1)] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    logit_bias: Annotated[dict[TokenId, Annotated[float, Meta(ge=-100, le=100)]], Meta(max_length=4096)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: StopWord | Annotated[list[StopWord], Meta(max_length=STOP_WORDS)] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    tools: Annotated[list[FunctionTool], Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: Annotated[list[Function], Meta(max_length=128)] | None = None
    function_call: Literal["none", "auto"] | Named | None = None
    response_format: Format | None = None
    extra_body: ExtraBody | None = None
    google: Google | None = None
    deadline_ms: float | None = None


class ChatRequest(DialectRequest, frozen=True, kw_only=True):
    """`legacy`: the answers are to call a function the older way."""

    include_usage: bool
    legacy: bool


def read(body: bytes) -> ChatRequest:
    """Raises HttpError (400), naming the field, for a value that is wrong or that no engine here can honour."""
    return read_fields(fields_of(body))


def read_fields(fields: dict[str, Any]) -> ChatRequest:
    """The same of a body that has been parsed."""
    ignored = IgnoredFields(TABLE)
    _check_fields(fields, ignored)
    chat = converted(fields, ChatBody)
    tools, choice = chat_tools.canonical(chat.tools, chat.tool_choice, chat.functions, chat.function_call)
    return ChatRequest(
        model=chat.model,
        messages=chat_messages.canonical(chat.messages),
        stream=bool(chat.stream),
        include_usage=chat.stream_options is not None and bool(chat.stream_options.include_usage),
        choices=chat.n or 1,
        legacy=bool(chat.functions),
        tools=tools,
        tool_choice=choice,
        # The older kind of an answer has room for one call.
        parallel_tool_calls=False if chat.functions else chat.parallel_tool_calls,
        response_format=_format(chat.response_format),
        sampling=_sampling(chat),
        deadline_ms=chat.deadline_ms,
        session=text_of(fields.get("prompt_cache_key")),
        ignored=ignored.names(),
    )


def _check_fields(fields: dict[str, Any], ignored: IgnoredFields) -> None:
    ignored.check("", fields)
    for name in ("stream_options", "response_format", "extra_body", "google"):
        ignored.check(name, fields.get(name), name)
    schema = inner(fields, "response_format", "json_schema")
    ignored.check("response_format.json_schema", schema, "response_format.json_schema")
    for path in (("extra_body", "google", "thinking_config"), ("google", "thinking_config")):
        ignored.check("thinking_config", inner(fields, *path), "thinking_config")
    chat_tools.check_fields(fields, ignored)
    if isinstance(messages := fields.get("messages"), list):
        chat_messages.check_fields(messages, ignored)


def _sampling(chat: ChatBody) -> Sampling:
    stop = [chat.stop] if isinstance(chat.stop, str) else chat.stop or []
    effort: Effort | None = "xhigh" if chat.reasoning_effort == "max" else chat.reasoning_effort
    budget = None
    for google in (chat.extra_body.google if chat.extra_body else None, chat.google):
        if google is not None and google.thinking_config is not None:
            config = google.thinking_config
            effort, budget = thinking(config.thinking_level, config.thinking_budget, "thinking_level", effort)
    return Sampling(
        temperature=chat.temperature,
        top_p=chat.top_p,
        top_k=chat.top_k if chat.top_k and chat.top_k > 0 else None,  # 0 and -1 are how others turn it off
        min_p=chat.min_p,
        frequency_penalty=chat.frequency_penalty,
        presence_penalty=chat.presence_penalty,
        logit_bias=tuple(sorted((chat.logit_bias or {}).items())),
        max_tokens=chat.max_completion_tokens or chat.max_tokens,
        stop=tuple(word for word in stop if word),
        seed=chat.seed,
        effort=effort,
        thinking_budget=budget,
    )


def _format(wanted: Format | None) -> ResponseFormat:
    """Raises HttpError (400) for a schema that is missing or nested too deeply."""
    if wanted is None or wanted.type == "text":
        return ResponseFormat()
    if wanted.type == "json_object":
        return ResponseFormat(kind="json")
    where, json_schema = "response_format.json_schema.schema", wanted.json_schema
    if json_schema is None or json_schema.schema is None:
        raise HttpError(400, "invalid_request", "json_schema needs a schema", param=where)
    check_depth(json_schema.schema, where)
    schema = json_schema.schema
    if json_schema.description and "description" not in schema:
        schema = schema | {"description": json_schema.description}
    return ResponseFormat(kind="schema", schema=schema, name=json_schema.name, strict=json_schema.strict)
