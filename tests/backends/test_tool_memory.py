"""What is made from a tool is made once for equal tools, and never mixed up between tools that differ."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.tool_memory import ENTRIES, LARGEST, by_tool
from backends.types import Tool

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
TOOLS = st.builds(
    Tool,
    name=st.sampled_from(("read", "exec")),
    description=st.sampled_from(("", "Reads.")),
    parameters=st.dictionaries(st.sampled_from(("type", "enum")), JSON, max_size=2),
    strict=st.sampled_from((None, True, False)),
)


@given(st.lists(TOOLS, max_size=12))
def test_what_is_made_from_a_tool_is_what_the_work_makes_of_it(tools: list[Tool]) -> None:
    def work(tool: Tool) -> tuple[str, str, str, bool | None]:
        return tool.name, tool.description, tool.schema_json, tool.strict

    remembered = by_tool(work)
    for tool in (*tools, *tools):
        assert remembered(tool) == work(tool)


def test_equal_tools_are_worked_on_once() -> None:
    worked: list[str] = []
    remembered = by_tool(lambda tool: worked.append(tool.name))
    for _ in range(3):
        remembered(Tool(name="read", parameters={"type": "object"}))
    assert worked == ["read"]


def test_memory_is_bounded_in_tools_and_in_characters() -> None:
    worked: list[str] = []
    remembered = by_tool(lambda tool: worked.append(tool.name))
    large = Tool(name="large", description="x" * LARGEST)
    remembered(large)
    remembered(large)
    assert worked == ["large", "large"]
    worked.clear()
    for number in (*range(ENTRIES + 1), 0):
        remembered(Tool(name=f"tool-{number}"))
    assert worked.count("tool-0") == 2


@pytest.mark.parametrize("parameters", [{"description": "\ud800"}, {"\udfff": 1}])
def test_a_tool_without_json_is_worked_on_each_time(parameters: dict[str, Any]) -> None:
    remembered = by_tool(lambda tool: len(tool.parameters))
    assert remembered(Tool(name="read", parameters=parameters)) == 1


def test_what_the_work_raises_is_raised_each_time() -> None:
    def work(tool: Tool) -> None:
        raise ValueError(tool.name)

    remembered = by_tool(work)
    for _ in range(2):
        with pytest.raises(ValueError, match="read"):
            remembered(Tool(name="read"))
