"""What is made from a declared tool is kept: an agent declares the same tools with every turn."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

from backends.types import Tool

ENTRIES, LARGEST = 512, 16_384
"""Tools that are kept for each piece of work, and the most characters of one: eleven agents declare some two hundred
tools, of two thousand characters each. What is larger is worked on each time.
"""

T = TypeVar("T")


def by_tool(work: Callable[[Tool], T]) -> Callable[[Tool], T]:
    """`work`, done once for equal tools; what it raises is raised each time. Nobody may change what it returns."""
    remembered = lru_cache(maxsize=ENTRIES)(work)

    @wraps(work)
    def done(tool: Tool) -> T:
        try:
            small = len(tool.name) + len(tool.description) + len(tool.schema_json) <= LARGEST
        except (UnicodeEncodeError, RecursionError):  # it has no JSON, so it cannot be compared
            small = False
        return remembered(tool) if small else work(tool)

    return done
