"""The rows that panes draw: spans of safe text, each with the role it plays. Colours are the theme's business."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from rich.cells import cell_len

from console.present.safe import SafeText, clip, pad, safe

Tone = Literal[
    "text",
    "dim",  # labels, units, what is stale
    "strong",  # the figure that is looked for
    "title",
    "emphasis",  # slanted, in the colour of text
    "code",
    "cursor",  # the cell that the next letter will take, reversed
    "border",
    "focus",  # the border of the focused pane
    "local",
    "cloud",
    "cache",
    "good",
    "warn",
    "bad",
    "flag",  # a word that must not be overlooked: REHEARSAL, CLOUD STOPPED
]


class Span(NamedTuple):
    text: SafeText
    tone: Tone = "text"


Row = tuple[Span, ...]
BLANK: Row = ()


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
    """The row in exactly `cells` cells: its end is cut, or filled with blanks."""
    used = 0
    kept: list[Span] = []
    for each in spans:
        length = cell_len(each.text)
        if used + length > cells:
            text = clip(each.text, cells - used)
            used += cell_len(text)
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


def faded(spans: Row) -> Row:
    """The row as it looks when its figures are stale."""
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
