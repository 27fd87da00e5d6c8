"""Spans of text as rows of a given width, broken between words."""

import re
from collections.abc import Iterable, Iterator

from rich.cells import cell_len, get_character_cell_size

from backends.text.terminal_safe import SafeText, safe
from console.present.spans import BLANK, Row, Span

_WORD = re.compile(r"[^ \n]+|[ \n]+")


def wrap(runs: Iterable[Span], width: int) -> list[Row]:
    """Runs as lines broken between words; a word that is wider than a line is broken inside."""
    lines: list[Row] = []
    line: list[Span] = []
    used = 0
    for gap, word in _words(runs):
        cells = sum(cell_len(span.text) for span in word)
        blank = 1 if gap is not None and line else 0
        if not word or used + blank + cells > width:
            if line or not word:
                lines.append(merged(line))
            line, used, blank = [], 0, 0
        if blank and gap is not None:
            line.append(gap)
            used += 1
        for span in word:
            pieces = chop(span.text, width, first=width - used)
            for index, piece in enumerate(pieces):
                if index:
                    lines.append(merged(line))
                    line, used = [], 0
                line.append(Span(piece, span.tone))
                used += cell_len(piece)
    if line:
        lines.append(merged(line))
    return lines or [BLANK]


def chop(text: SafeText, width: int, *, first: int | None = None) -> list[SafeText]:
    """`text` in pieces of at most `width` cells, the first of at most `first`, which may leave it empty."""
    room = width if first is None else first
    if cell_len(text) <= room:
        return [text] if text else []
    pieces: list[SafeText] = []
    start = used = 0
    for index, character in enumerate(text):
        cells = get_character_cell_size(character)
        if cells > width:
            return chop(
                safe("".join("…" if get_character_cell_size(c) > width else c for c in text)), width, first=first
            )
        if used + cells > room:
            pieces.append(safe(text[start:index]))
            start, used, room = index, 0, width
        used += cells
    return [*pieces, safe(text[start:])]


def _words(runs: Iterable[Span]) -> Iterator[tuple[Span | None, list[Span]]]:
    """Each word with the blank before it, if any; an empty word is a hard break."""
    gap: Span | None = None
    word: list[Span] = []
    for text, tone in runs:
        for found in _WORD.finditer(text):
            piece = found[0]
            if not piece.isspace() or piece[0] not in " \n":
                word.append(Span(safe(piece), tone))
                continue
            if word:
                yield gap, word
                word = []
            gap = Span(safe(" "), tone)
            if "\n" in piece:
                yield None, []
                gap = None
    if word:
        yield gap, word


def merged(spans: list[Span]) -> Row:
    """Neighbours of one style as one span: a line costs by its spans."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].tone == span.tone:
            joined[-1] = Span(safe(joined[-1].text + span.text), span.tone)
        else:
            joined.append(span)
    return tuple(joined)
