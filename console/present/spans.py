"""Rows of spans: safe text, each with a role. The theme gives every role its colour."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from rich.cells import cell_len, get_character_cell_size

from backends.text.terminal_safe import SafeText, safe
from backends.types import Zone

Tone = Literal[
    Zone,  # engines by their zone, and what they cost or do
    "text",
    "dim",  # labels, units, stale figures
    "strong",  # the most important figure
    "title",
    "emphasis",  # italic, in the colour of text
    "code",
    "cursor",  # the cell of the cursor, reversed
    "border",
    "focus",  # the border of the focused pane
    "cache",
    "good",
    "warn",
    "bad",
    "flag",  # a word that nobody may overlook: REHEARSAL, CLOUD STOPPED
]


class Span(NamedTuple):
    text: SafeText
    tone: Tone = "text"


Row = tuple[Span, ...]
BLANK: Row = ()


def clip(text: SafeText, cells: int) -> SafeText:
    """`text` on one line and in at most `cells` cells; `…` stands for what was cut."""
    line = safe(text)
    if cell_len(line) <= cells:
        return line
    return SafeText(_head(line, cells - 1) + "…") if cells > 0 else SafeText()


def pad(text: SafeText, cells: int, *, right: bool = False) -> SafeText:
    """`text` in exactly `cells` cells, cut or filled with blanks; flush right if asked."""
    line = clip(text, cells)
    blanks = " " * (cells - cell_len(line))
    return SafeText(blanks + line if right else line + blanks)


def _head(text: str, cells: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += get_character_cell_size(character)
        if used > cells:
            return text[:index]
    return text


def span(text: str, tone: Tone = "text") -> Span:
    return Span(safe(text), tone)


def cell(text: str, cells: int, tone: Tone = "text", *, right: bool = False) -> Span:
    """Text in exactly `cells` cells, cut with `…` or filled."""
    return Span(pad(safe(text), cells, right=right), tone)


def row(*parts: Span | str) -> Row:
    return tuple(part if isinstance(part, Span) else span(part) for part in parts)


def width(spans: Iterable[Span]) -> int:
    return sum(cell_len(each.text) for each in spans)


def fit(spans: Row, cells: int) -> Row:
    """The row in exactly `cells` cells: cut at its end, or filled with blanks."""
    used = 0
    kept: list[Span] = []
    for each in spans:
        length = cell_len(each.text)
        if used + length > cells:
            text = clip(each.text, cells - used)
            used += cell_len(text)
            if text:
                kept.append(Span(text, each.tone))
            break
        kept.append(each)
        used += length
    if used < cells:
        kept.append(Span(SafeText(" " * (cells - used))))
    return tuple(kept)


def spread(left: Row, right: Row, cells: int) -> Row:
    """`left` and `right` at the two ends; where they do not fit, `left` is cut, and then `right`."""
    room = cells - width(right)
    if room < 1:
        return fit(right, cells)
    return (*fit(left, room - 1), Span(SafeText(" ")), *right)


def dimmed(spans: Row) -> Row:
    """The row with every span dim, for stale figures."""
    return tuple(Span(each.text, "dim") for each in spans)


def paragraph(text: str, cells: int, tone: Tone = "text") -> list[Row]:
    """Text broken at blanks into rows of at most `cells` cells."""
    if cells < 1:
        return []
    rows: list[Row] = []
    line = ""
    for word in safe(text).split():
        if line and cell_len(line) + 1 + cell_len(word) > cells:
            rows.append((Span(clip(safe(line), cells), tone),))
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*rows, (Span(clip(safe(line), cells), tone),)] if line else rows
