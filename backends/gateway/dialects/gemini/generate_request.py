"""The body of Gemini's `POST /v1beta/models/NAME:generateContent`, read into canonical form. Null means absent.

The model stands in the path, and only some clients repeat it in the body.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from backends.gateway.dialects.declared_tools import MOST_TOOLS, ToolName, declared, only
from backends.gateway.dialects.dialect_request import DialectRequest
from backends.gateway.dialects.field_table import IgnoredFields
from backends.gateway.dialects.gemini import generate_contents
from backends.gateway.dialects.gemini.generate_contents import Content
from backends.gateway.dialects.gemini.generate_fields import TABLE
from backends.gateway.dialects.gemini.google_schema import as_json_schema
from backends.gateway.dialects.google_thinking import thinking
from backends.gateway.http_errors import HttpError
from backends.gateway.json_body import check_depth, converted, fields_of
from backends.pipeline.bounds import STOP_CHARACTERS, STOP_WORDS
from backends.types import ResponseFormat, Sampling, Tool

MOST_CANDIDATES = 8
AUTO = "auto"

MOST = 2**31 - 1

Penalty = Annotated[float, Meta(ge=-2, le=2)]


class FunctionDeclaration(Struct, rename="camel"):
    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    parameters_json_schema: dict[str, Any] | None = None


class DeclaredTools(Struct, rename="camel"):
    function_declarations: Annotated[list[FunctionDeclaration], Meta(max_length=MOST_TOOLS)] | None = None


class CallingConfig(Struct, rename="camel"):
    mode: Literal["AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"] | None = None
    allowed_function_names: list[str] | None = None


class ToolConfig(Struct, rename="camel"):
    function_calling_config: CallingConfig | None = None


class GeminiThinking(Struct, rename="camel"):
    thinking_budget: Annotated[int, Meta(ge=-1, le=MOST)] | None = None
    thinking_level: str | None = None


class GenerationConfig(Struct, rename="camel"):
    candidate_count: Annotated[int, Meta(ge=1, le=MOST_CANDIDATES)] | None = None
    max_output_tokens: Annotated[int, Meta(ge=1, le=MOST)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[float, Meta(ge=0, le=MOST)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    seed: Annotated[int, Meta(ge=-MOST - 1, le=MOST)] | None = None
    stop_sequences: (
        Annotated[list[Annotated[str, Meta(max_length=STOP_CHARACTERS)]], Meta(max_length=STOP_WORDS)] | None
    ) = None
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    response_json_schema: dict[str, Any] | None = None
    thinking_config: GeminiThinking | None = None


class GenerateBody(Struct, rename="camel"):
    contents: Annotated[list[Content], Meta(min_length=1)]
    system_instruction: Content | None = None
    tools: list[DeclaredTools] | None = None
    tool_config: ToolConfig | None = None
    generation_config: GenerationConfig | None = None
    model: str | None = None


def read(body: bytes, *, model: str = AUTO, stream: bool = False) -> DialectRequest:
    """`model` and `stream` are the path's. Raises HttpError (400), naming the field, for a value that is wrong or that
    no engine here can honour.
    """
    return read_fields(fields_of(body), model=model, stream=stream)


def read_fields(fields: dict[str, Any], *, model: str = AUTO, stream: bool = False) -> DialectRequest:
    """The same of a body that has been parsed."""
    ignored = IgnoredFields(TABLE)
    body = converted(_in_camel_case(fields, ignored), GenerateBody)
    config = body.generation_config or GenerationConfig()
    tools, choice = _tools(body)
    return DialectRequest(
        model=(body.model or model).removeprefix("models/"),
        messages=generate_contents.canonical(body.system_instruction, body.contents),
        stream=stream,
        choices=config.candidate_count or 1,
        tools=tools,
        tool_choice=choice,
        response_format=_format(config),
        sampling=_sampling(config),
        ignored=ignored.names(),
    )


# ---- names ---------------------------------------------------------------------------------------------------------

WITHIN: dict[str, dict[str, str]] = {
    "": {
        "contents": "contents[]",
        "generationConfig": "generationConfig",
        "systemInstruction": "contents[]",
        "toolConfig": "toolConfig",
        "tools": "tools[]",
    },
    "contents[]": {"parts": "parts[]"},
    "generationConfig": {"thinkingConfig": "thinkingConfig"},
    "parts[]": {
        "functionCall": "functionCall",
        "functionResponse": "functionResponse",
        "inlineData": "inlineData",
    },
    "toolConfig": {"functionCallingConfig": "functionCallingConfig"},
    "tools[]": {"functionDeclarations": "functionDeclarations[]"},
}
"""The places within a place. What stands in none is the caller's own, as schemas and arguments are."""

LISTS = frozenset({"contents", "parts", "tools", "functionDeclarations"})
"""Google's servers take one object in place of a list of one."""


def _in_camel_case(value: Any, ignored: IgnoredFields, place: str = "", where: str = "") -> Any:
    """`value` with Google's own keys in camelCase, and with the fields named that have no effect.

    Raises HttpError (400) for a field that is refused, and for a part of nothing.
    """
    if isinstance(value, list):
        return [_in_camel_case(each, ignored, place, f"{where}[{index}]") for index, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    found = {_camel(name) if "_" in name else name: each for name, each in value.items()}
    if place == "parts[]" and not found:
        raise HttpError(400, "invalid_request", f"{where}: a part needs its data", param=where)
    ignored.check(place, found, where)
    for name, within in WITHIN.get(place, {}).items():
        if name in found:
            inner = [found[name]] if name in LISTS and isinstance(found[name], dict) else found[name]
            found[name] = _in_camel_case(inner, ignored, within, f"{where}.{name}".lstrip("."))
    return found


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


# ---- values --------------------------------------------------------------------------------------------------------


def _tools(body: GenerateBody) -> tuple[tuple[Tool, ...], str]:
    found = list[tuple[str, Tool]]()
    for place, each in enumerate(body.tools or ()):
        for index, function in enumerate(each.function_declarations or ()):
            where = f"tools[{place}].functionDeclarations[{index}]"
            tool = Tool(
                name=function.name, description=function.description or "", parameters=_parameters(function, where)
            )
            found.append((where, tool))
    tools = declared(found)
    config = (body.tool_config.function_calling_config if body.tool_config else None) or CallingConfig()
    if config.mode == "NONE":
        return tools, "none"
    if config.mode != "ANY":
        return tools, "auto"
    param = "toolConfig.functionCallingConfig"
    if config.allowed_function_names:
        tools = only(tools, config.allowed_function_names, f"{param}.allowedFunctionNames")
    if not tools:
        raise HttpError(400, "invalid_request", f"{param}: the mode ANY needs functions", param=param)
    return tools, "required"


def _parameters(function: FunctionDeclaration, where: str) -> dict[str, Any]:
    if function.parameters_json_schema is not None:
        return function.parameters_json_schema
    check_depth(function.parameters or {}, f"{where}.parameters")
    return as_json_schema(function.parameters or {})


def _format(config: GenerationConfig) -> ResponseFormat:
    kind, where = config.response_mime_type, "generationConfig.responseMimeType"
    schema = config.response_json_schema
    if schema is None and config.response_schema is not None:
        check_depth(config.response_schema, "generationConfig.responseSchema")
        schema = as_json_schema(config.response_schema)
    if kind not in (None, "text/plain", "application/json"):
        raise HttpError(400, "unsupported", f"{where} must be text/plain or application/json", param=where)
    if schema is not None:
        if kind != "application/json":
            raise HttpError(400, "invalid_request", f"{where} must be application/json for a schema", param=where)
        check_depth(schema, "generationConfig.responseJsonSchema")
        return ResponseFormat(kind="schema", schema=schema)
    return ResponseFormat(kind="json" if kind == "application/json" else "text")


def _sampling(config: GenerationConfig) -> Sampling:
    wanted = config.thinking_config or GeminiThinking()
    where = "generationConfig.thinkingConfig.thinkingLevel"
    effort, budget = thinking(wanted.thinking_level, wanted.thinking_budget, where)
    return Sampling(
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=int(config.top_k) or None if config.top_k else None,
        frequency_penalty=config.frequency_penalty,
        presence_penalty=config.presence_penalty,
        max_tokens=config.max_output_tokens,
        stop=tuple(word for word in config.stop_sequences or () if word),
        seed=config.seed,
        effort=effort,
        thinking_budget=budget,
    )
