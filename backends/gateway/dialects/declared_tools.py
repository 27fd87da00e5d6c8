"""The tools that a body declares and which of them may be called, in canonical form."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from backends.gateway.dialects.field_table import IgnoredFields
from backends.gateway.http_errors import HttpError
from backends.gateway.json_body import inner, is_deep, too_deep
from backends.tool_memory import by_tool
from backends.types import Tool

MOST_TOOLS = 128

ToolName = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\s\x00-\x1f\x7f]+\Z")]


class DeclaredFunction(Protocol):
    name: str
    description: str | None
    parameters: dict[str, Any] | None
    strict: bool | None


def own_tools(given: Any, own: str, ignored: IgnoredFields) -> Any:
    """The tools of a body with None in place of those of another type than `own`: the provider's, which have no form
    that is known here. They are `ignored` by name. Raises HttpError (400) for fields that are refused.
    """
    if not isinstance(given, list):
        return given
    kept: list[Any] = []
    for index, tool in enumerate(given):
        kind, name = inner(tool, "type"), inner(tool, "name")
        if isinstance(kind, str) and kind != own:
            ignored.add(f"tools[].{name if isinstance(name, str) else kind}")
            kept.append(None)
        else:
            ignored.check("tools[]", tool, f"tools[{index}]")
            kept.append(tool)
    return kept


def declared(tools: Iterable[tuple[str, Tool]]) -> tuple[Tool, ...]:
    """The tools, each given with its place in the body.

    Raises HttpError (400) for a name that is not printable or stands twice, and for a schema nested too deeply.
    """
    found: dict[str, Tool] = {}
    for where, tool in tools:
        if not tool.name.isprintable():
            raise HttpError(400, "invalid_request", "a tool's name must be printable", param=f"{where}.name")
        if tool.name in found:
            raise HttpError(400, "invalid_request", f"two tools have the name {tool.name}", param=f"{where}.name")
        if _is_deep(tool):
            raise too_deep(f"{where}.parameters")
        found[tool.name] = _known(tool)
    return tuple(found.values())


@by_tool
def _known(tool: Tool) -> Tool:
    """The tool as it was declared before, where it was: what has been read of that one holds for this one."""
    return tool


@by_tool
def _is_deep(tool: Tool) -> bool:
    return is_deep(tool.parameters)


def declared_functions(functions: Sequence[DeclaredFunction], place: str) -> tuple[Tool, ...]:
    """The same of functions as OpenAI and Ollama write them; `place` is where each stands, with {} for its number."""
    return declared(
        (
            place.format(index),
            Tool(
                name=function.name,
                description=function.description or "",
                parameters=function.parameters or {},
                strict=function.strict,
            ),
        )
        for index, function in enumerate(functions)
    )


def only(tools: tuple[Tool, ...], names: Iterable[str], param: str) -> tuple[Tool, ...]:
    """Those of these names. Raises HttpError (400) for the name of no tool."""
    wanted = set(names)
    if not {tool.name for tool in tools}.issuperset(wanted):
        raise HttpError(400, "invalid_request", f"{param} names no tool of tools", param=param)
    return tuple(tool for tool in tools if tool.name in wanted)


def forced(tools: tuple[Tool, ...], name: str, param: str) -> tuple[tuple[Tool, ...], str]:
    """The tools and the choice that has this one called. Raises HttpError (400) for the name of no tool."""
    alone = only(tools, [name], param)
    # A tool may have a name that means something as a choice: then it stands alone and must be called.
    return (alone, "required") if name in ("auto", "none", "required") else (tools, name)


def arguments_text(arguments: str | Mapping[str, Any] | None) -> str:
    """A call's arguments as JSON text. Raises HttpError (400) where they are nested too deeply."""
    return arguments or "{}" if isinstance(arguments, str) else json_text(arguments or {})


def json_text(value: Any) -> str:
    """Raises HttpError (400) where `value` is nested too deeply."""
    try:
        return msgspec.json.encode(value).decode()
    except RecursionError:
        raise HttpError(400, "invalid_json", "the body is nested too deeply") from None
