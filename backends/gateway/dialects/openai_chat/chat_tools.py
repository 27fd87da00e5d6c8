"""The tools of OpenAI's chat completions and which of them may be called, in the current form and the older one."""

from typing import Any, Literal

from msgspec import Struct

from backends.gateway.dialects.declared_tools import ToolName, declared_functions, forced, only
from backends.gateway.dialects.field_table import IgnoredFields
from backends.gateway.http_errors import HttpError
from backends.types import Tool


class Function(Struct):
    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Struct):
    function: Function | None = None
    type: str = "function"


class Named(Struct):
    name: str


class ToolChoice(Struct):
    type: str = "function"
    function: Named | None = None
    allowed_tools: "AllowedTools | None" = None


class AllowedTools(Struct):
    mode: Literal["auto", "required"]
    tools: list[ToolChoice]


def check_fields(fields: dict[str, Any], ignored: IgnoredFields) -> None:
    """Name what has no effect: fields of tools, and tools of another type beside functions.

    Raises HttpError (400) where there are only tools that no engine here has.
    """
    tools, functions = fields.get("tools"), fields.get("functions")
    given = tools if isinstance(tools, list) else []
    beside_functions = any(_is_function(each) for each in given)
    for index, tool in enumerate(given):
        if not isinstance(tool, dict):
            continue
        if (kind := tool.get("type", "function")) != "function":
            called = next((part.get("name") for part in tool.values() if isinstance(part, dict)), tool.get("name"))
            called = called[:128] if isinstance(called, str) and called.isprintable() else ""
            if isinstance(kind, str) and beside_functions:
                ignored.add(f"tools[].{called or kind}")
                continue
            name = f" ({called})" if called else ""
            line = f"tools[{index}]{name} is of another type than function, and no engine here has such tools"
            raise HttpError(
                400, "unsupported" if isinstance(kind, str) else "invalid_request", line, param=f"tools[{index}]"
            )
        ignored.check("tools[]", tool, f"tools[{index}]")
        if isinstance(function := tool.get("function"), dict):
            ignored.check("tools[].function", function, f"tools[{index}].function")
    for index, function in enumerate(functions if isinstance(functions, list) else ()):
        if isinstance(function, dict):
            ignored.check("functions[]", function, f"functions[{index}]")


def canonical(
    tools: list[FunctionTool] | None,
    tool_choice: str | ToolChoice | None,
    functions: list[Function] | None,
    function_call: str | Named | None,
) -> tuple[tuple[Tool, ...], str]:
    """The tools and which may be called: auto, none, required, or one's name. Raises HttpError (400)."""
    if functions:
        if tools:
            raise HttpError(400, "invalid_request", "send tools or functions, not both", param="functions")
        found = declared_functions(functions, "functions[{}]")
        choice: Any = ToolChoice(function=function_call) if isinstance(function_call, Named) else function_call
        return _chosen(found, choice, "function_call")
    named = [_function(tool, index) for index, tool in enumerate(tools or ()) if tool.type == "function"]
    return _chosen(declared_functions(named, "tools[{}].function"), tool_choice, "tool_choice")


def _is_function(tool: Any) -> bool:
    return isinstance(tool, dict) and tool.get("type", "function") == "function"


def _function(tool: FunctionTool, index: int) -> Function:
    if tool.function is None:
        raise HttpError(400, "invalid_request", "a tool needs its function", param=f"tools[{index}].function")
    return tool.function


def _chosen(tools: tuple[Tool, ...], choice: str | ToolChoice | None, param: str) -> tuple[tuple[Tool, ...], str]:
    """The tools that may be called, and how."""
    if isinstance(choice, ToolChoice):
        if choice.type in ("auto", "none", "required"):
            choice = choice.type
        elif choice.type == "allowed_tools" and choice.allowed_tools is not None:
            names = [_name(each, param) for each in choice.allowed_tools.tools]
            return only(tools, names, param), choice.allowed_tools.mode
        else:
            return forced(tools, _name(choice, param), param)
    if choice == "required" and not tools:
        raise HttpError(400, "invalid_request", f"{param} needs tools", param=param)
    return tools, choice or "auto"


def _name(choice: ToolChoice, param: str) -> str:
    if choice.type == "function" and choice.function is not None:
        return choice.function.name
    known = "auto, none, required, a function or allowed_tools of functions"
    raise HttpError(400, "unsupported", f"{param} must be {known}", param=param)
