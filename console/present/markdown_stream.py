"""An answer's Markdown while it arrives: finished blocks are laid out once, only the open end again and again.

Lines are looked at whole and in order, so what is finished depends on the text alone and not on how it was cut into
chunks. The open end is bounded: beyond `OPEN_MAX` characters a block is finished where it is.
"""

import re
from typing import NamedTuple

from backends.text.terminal_safe import safe
from console.present.markdown_blocks import Block, CodeBlock, parse
from console.present.markdown_layout import code_head, code_line, lay_out, lay_out_all
from console.present.spans import BLANK, Row

OPEN_MAX = 6_000
LINE_MAX = 2_048
"""A longer line is broken at a blank; characters."""

_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})")


class Fence(NamedTuple):
    """How an open fenced block began, which says how it ends."""

    indent: int
    marks: str

    def closed_by(self, line: str) -> bool:
        found = _FENCE.match(line)
        return found is not None and found[2].startswith(self.marks) and not line[found.end() :].strip()


class MarkdownStream:
    """Accepts text piece by piece and returns rows at a width. Not thread-safe; no text makes it fail."""

    def __init__(self) -> None:
        self._tail = ""  # the line that has no end yet
        self._open: list[str] = []  # whole lines of the blocks that may still change
        self._whole_size = 0
        self._after_blank = True
        self._blocks: list[Block] = []
        self._fence: Fence | None = None  # of the last block, where that is code still growing
        self._width = 0
        self._lines: list[Row] = []
        self._laid_out = 0  # blocks in _lines
        self._code_laid_out = 0  # lines of the block after them in _lines, where that is code
        self._ended = False

    def feed(self, text: str) -> None:
        """Add more of the answer, of any length, cut anywhere."""
        text = self._tail + text
        held = text.endswith("\r") and not self._ended  # half of a line's end, perhaps
        *whole, self._tail = safe(text[:-1] if held else text, newlines=True).split("\n")
        for line in whole:
            self._end_line(self._break_long(line))
        self._tail = self._break_long(self._tail)
        self._tail += "\r" if held else ""

    def finish(self) -> None:
        """The answer has ended: every block is finished."""
        self._ended = True
        self.feed("")
        if self._tail:
            self._end_line(self._tail)
            self._tail = ""
        self._finish_blocks(keep_last=False)
        self._fence = None

    @property
    def open_size(self) -> int:
        """Characters that are laid out again at each piece of the answer."""
        return self._whole_size + len(self._tail)

    def settled(self, width: int) -> list[Row]:
        """Rows that will not change at this width. One list that grows until the width changes: do not keep it."""
        if width != self._width:
            self._width, self._lines, self._laid_out, self._code_laid_out = width, [], 0, 0
        while self._laid_out < len(self._blocks):
            block = self._blocks[self._laid_out]
            if self._lines and not self._code_laid_out:
                self._lines.append(BLANK)
            if isinstance(block, CodeBlock):
                if not self._lay_out_code(block, width):
                    break
            else:
                self._lines.extend(lay_out(block, width))
            self._laid_out += 1
            self._code_laid_out = 0
        return self._lines

    def open(self, width: int) -> list[Row]:
        """Rows below the settled ones that may still change."""
        tail = self._tail.removesuffix("\r")
        if self._fence:
            return code_line(safe(tail), width) if tail else []
        source = "\n".join([*self._open, tail])
        lines = lay_out_all((block for _, block in parse(source)), width) if source.strip() else []
        return [BLANK, *lines] if lines and self._blocks else lines

    def _break_long(self, line: str) -> str:
        """End pieces of a line that is too long; returns the rest."""
        while len(line) > LINE_MAX:
            piece = line[:LINE_MAX]
            at = piece.rfind(" ") + 1 or LINE_MAX
            self._end_line(line[:at])
            line = line[at:]
        return line

    def _end_line(self, line: str) -> None:
        if self._fence:
            self._end_code_line(line, self._fence)
            return
        blank = not line.strip()
        may_start = not blank and (self._after_blank or _FENCE.match(line) is not None)
        self._after_blank = blank
        self._open.append(line)
        self._whole_size += len(line) + 1
        if may_start:
            self._finish_blocks(keep_last=True)
        elif self._whole_size > OPEN_MAX:
            self._finish_blocks(keep_last=False)

    def _end_code_line(self, line: str, fence: Fence) -> None:
        if fence.closed_by(line):
            self._fence = None
            return
        code = self._blocks[-1]
        assert isinstance(code, CodeBlock)  # noqa: S101 — a fence is open only behind one
        indent = min(fence.indent, len(line) - len(line.lstrip(" ")))
        code.lines.append(safe(line[indent:]))

    def _finish_blocks(self, *, keep_last: bool) -> None:
        """Move blocks that no later line can change from the open lines to the finished ones."""
        placed = parse("\n".join(self._open))
        if not placed:
            return
        start, last = placed[-1]
        opener = _FENCE.match(self._open[start]) if isinstance(last, CodeBlock) and keep_last else None
        if opener and isinstance(last, CodeBlock) and start == len(self._open) - 1:
            self._fence = Fence(len(opener[1]), opener[2])
            self._blocks += [*(block for _, block in placed[:-1]), CodeBlock(last.language)]
            self._open = []
        elif keep_last:
            self._blocks += [block for _, block in placed[:-1]]
            self._open = self._open[start:]
        else:
            self._blocks += [block for _, block in placed]
            self._open = []
        self._whole_size = sum(len(line) + 1 for line in self._open)

    def _lay_out_code(self, block: CodeBlock, width: int) -> bool:
        """Lay out what is new of a code block; true where it is whole."""
        # the head counts as one line, so that a block without lines yet is not begun twice
        if not self._code_laid_out:
            self._lines.extend(code_head(block, width))
            self._code_laid_out = 1
        for line in block.lines[self._code_laid_out - 1 :]:
            self._lines.extend(code_line(line, width))
        self._code_laid_out = len(block.lines) + 1
        return not (self._fence and block is self._blocks[-1])


def fenced_code(text: str) -> list[str]:
    """The contents of the fenced code blocks of an answer, in order; one that is not closed goes to the end."""
    found: list[list[str]] = []
    fence: Fence | None = None
    for line in text.splitlines():
        opened = _FENCE.match(line)
        if fence is None and opened is not None:
            fence = Fence(len(opened[1]), opened[2])
            found.append([])
        elif fence is not None and fence.closed_by(line):
            fence = None
        elif fence is not None:
            indent = min(fence.indent, len(line) - len(line.lstrip(" ")))
            found[-1].append(line[indent:])
    return ["\n".join(lines) for lines in found]
