"""A system prompt taken apart: memory files, environment, what changes with each request; the rest is instructions."""

import re
from collections.abc import Iterator
from itertools import islice

from backends.envelope.blocks import blocks
from backends.envelope.volatile import Mark, lines_with, volatile
from backends.types import SpanKind

SUFFIXES = (".md", "rules")

FILE = re.compile(
    r"(?:#{1,4} |\[|Contents of |Instructions from:? |-{3,} ?(?:Context|Instructions) from:? |File: )"
    r"[^\n]{0,200}?(?:\.md|\.mdc|\.cursorrules|\.clinerules|\.windsurfrules|\.rules)\b[^\n]{0,120}"
)
"""A line that begins the text of a memory file: its name in a heading, or after "Contents of"."""

ENDS = re.compile(
    r"^(?:<!-- |</|-{3,} ?End\b|#{1,3} (?:Runtime|Tools?|Environment|Silent|Heartbeats?)\b)",
    re.MULTILINE | re.IGNORECASE,
)
"""A line that ends it, as far as that can be told: a program's own mark, or a heading of its own."""

MOST_FILES = 64


def marks(text: str) -> Iterator[Mark]:
    """The stretches of a system prompt that are something else than instructions, in order."""
    place = 0
    for start, end, kind in _sections(text):
        if start < place:
            continue
        yield from _lines(text, place, start)
        if kind == "memory":
            yield start, end, kind
        else:
            yield from _lines(text, start, end, kind)
        place = end
    yield from _lines(text, place, len(text))


def _lines(text: str, start: int, end: int, kind: SpanKind = "system") -> Iterator[Mark]:
    """A stretch with its volatile lines told apart; of instructions only these."""
    place = start
    for line_start, line_end, what in volatile(text, start, end):
        if kind != "system" and line_start > place:
            yield place, line_start, kind
        yield line_start, line_end, what
        place = line_end
    if kind != "system" and place < end:
        yield place, end, kind


def _sections(text: str) -> list[Mark]:
    found: list[Mark] = []
    for block in blocks(text, 0, len(text)):
        if block.kind in ("memory", "environment", "reminder"):
            found.append((block.start, block.end, block.kind))
    lines = (FILE.fullmatch(text, *line) for line in lines_with(text, 0, len(text), SUFFIXES))
    headings = list(islice(filter(None, lines), MOST_FILES))
    edges = [*(each.start() for each in headings[1:]), len(text)]
    for heading, edge in zip(headings, edges, strict=False):
        end = ENDS.search(text, heading.end(), edge)
        found.append((heading.start(), end.start() if end else edge, "memory"))
    return sorted(found)
