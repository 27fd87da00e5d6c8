"""Passwords in tables: a column of CSV, Markdown or tabs whose header is a word for password."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.login_forms import is_probable, is_secret
from backends.privacy.detectors.password_sentences import NOUN, STEMS
from backends.privacy.text_window import TextWindow

HEADER = re.compile(r"[^(){}=<>\n]{1,400}")
"""A line without code."""

SIGNS = ",;\t|"
CELLS = {
    sign: re.compile(
        rf"\"(?:[^\"\n]|\"\")*\"|[^{re.escape(sign)}\n]+|(?<![^\n{re.escape(sign)}])(?=[\n{re.escape(sign)}]|\Z)"
    )
    for sign in SIGNS
}
"""A cell of a line; quoted, plain or empty."""

TITLE = re.compile(r"[\w \-.]{0,24}[ _\-.]")
OTHER = re.compile(r"^[-_]|[\s'=()]")
"""What a password in a table hardly has, and lists in code do."""

LEAST = 2
LONGEST, ROWS = 1_000, 200
"""Characters of a line, and lines behind a header, that are read."""


def find(window: TextWindow) -> Iterator[Detection]:
    """Values below such a header."""
    read = -1
    for place in sorted(window.places(STEMS)):
        start = window.text.rfind("\n", max(0, place - LONGEST), place) + 1
        if start <= read:
            continue
        read = start
        end = _line_end(window.text, start)
        sign = _separator(window.text, start, end)
        if sign is not None:
            yield from _below(window, start, end, sign)


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start, start + LONGEST)
    return end if end >= 0 else min(len(text), start + LONGEST)


def _separator(text: str, start: int, end: int) -> str | None:
    """What parts the cells of a header."""
    if HEADER.fullmatch(text, start, end) is None:
        return None
    return next((sign for sign in SIGNS if sign in text[start:end]), None)


def _below(window: TextWindow, start: int, end: int, sign: str) -> Iterator[Detection]:
    """Cells that stand under a password's title."""
    titles = [_inside(window.lowered, *span) for span in _cells(window.text, start, end, sign)]
    columns = [at for at, (first, last) in enumerate(titles) if _is_title(window.lowered, first, last)]
    if sum(first < last for first, last in titles) < LEAST:
        return
    for _ in range(ROWS if columns else 0):
        start = end + 1
        end = _line_end(window.text, start)
        row = [_inside(window.text, *span) for span in _cells(window.text, start, end, sign)]
        if len(row) != len(titles):
            return
        for first, last in (row[at] for at in columns):
            value = window.text[first:last]
            if OTHER.search(value) is None and is_secret(value) and is_probable(value):
                yield Detection("password", first, last)


def _cells(text: str, start: int, end: int, sign: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in CELLS[sign].finditer(text, start, end))


def _inside(text: str, start: int, end: int) -> tuple[int, int]:
    """Without quotes, blanks and marks of emphasis."""
    inner = text[start:end].strip(' "`*\t')
    first = text.find(inner, start, end)
    return first, first + len(inner)


def _is_title(lowered: str, start: int, end: int) -> bool:
    if NOUN.fullmatch(lowered, start, end) is not None:
        return True
    before = TITLE.match(lowered, start, end)
    return before is not None and NOUN.fullmatch(lowered, before.end(), end) is not None
