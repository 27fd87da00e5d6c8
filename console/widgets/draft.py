"""The prompt being written: text, a cursor, and pastes too long to show. Knows no keys and no widget."""

import re
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len

from backends.text.measures import count, size
from backends.text.terminal_safe import SafeText, safe
from console.present.spans import clip

PASTE_SHOWN_MAX = 65_536
"""Bytes of a paste that are shown as text; a longer one shows as its size."""

_TOKENS = (0x10F000, 0x10FEFF)  # private characters, each standing for one long paste
_TOKEN = re.compile(f"[{chr(_TOKENS[0])}-{chr(_TOKENS[1])}]")
_BREAK = re.compile("\r\n?|[\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORD_AFTER = re.compile(r"\s*\S*")


class Pasted(NamedTuple):
    text: str
    bytes: int
    label: SafeText


class Place(NamedTuple):
    """A row of the wrapped draft: where in the text it starts and ends."""

    start: int
    end: int


class Draft:
    """Text with a cursor, an index from 0 to the text's length. The last cut can be put back."""

    def __init__(self) -> None:
        self.text = ""
        self.cursor = 0
        self._pastes: dict[str, Pasted] = {}
        self._cut = ""

    @property
    def content(self) -> str:
        """The whole prompt, pastes in full."""
        return self._full(self.text)

    @property
    def bytes(self) -> int:
        tokens = _TOKEN.findall(self.text)
        return len(self.text.encode()) + sum(self._pastes[token].bytes - len(token.encode()) for token in tokens)

    @property
    def blank(self) -> bool:
        """Nothing but white space. A paste that is shown as its size is not blank."""
        return not self.text.strip()

    def replace(self, text: str) -> None:
        """Replace the whole text; the cursor goes to its end."""
        self.text, self.cursor, self._pastes = "", 0, {}
        self.paste(text)

    def insert(self, text: str) -> None:
        """Insert text at the cursor; what no encoding can carry becomes `�`."""
        self._put(_TOKEN.sub("�", _cleaned(text)))
        if len(self.text) > PASTE_SHOWN_MAX and self.cursor == len(self.text):
            # a paste that came as keys: fold it, so that the next key costs no more than the first
            self.replace(self.content)

    def paste(self, text: str) -> None:
        """As `insert`, but a long text becomes one character that shows as its size."""
        text = _cleaned(text)
        weight = len(text.encode())
        if weight <= PASTE_SHOWN_MAX:
            self._put(_TOKEN.sub("�", text))
            return
        in_use = set(_TOKEN.findall(self.text))
        self._pastes = {token: pasted for token, pasted in self._pastes.items() if token in in_use}
        token = next(chr(code) for code in range(_TOKENS[0], _TOKENS[1] + 1) if chr(code) not in self._pastes)
        lines = text.count("\n") + 1
        label = safe(f"⟦{size(weight)} pasted, {count(lines)} {'line' if lines == 1 else 'lines'}⟧")
        self._pastes[token] = Pasted(text, weight, label)
        self._put(token)

    def move(self, characters: int) -> None:
        self.cursor = max(0, min(len(self.text), self.cursor + characters))

    def move_word(self, direction: int) -> None:
        self.cursor = self._word_start() if direction < 0 else self._word_end()

    def move_to_edge(self, direction: int) -> None:
        """Move to the start or the end of the line."""
        self.cursor = self._line_start() if direction < 0 else self._line_end()

    def move_row(self, rows: int, width: int) -> bool:
        """Up or down in the draft as wrapped; false where it has no such row."""
        places = self.rows(width)
        now = self.row_of_cursor(places)
        wanted = now + rows
        if not 0 <= wanted < len(places):
            return False
        column = cell_len(self._shown(places[now].start, self.cursor, width))
        self.cursor = self._at_column(places[wanted], column, width, last=wanted == len(places) - 1)
        return True

    def delete(self, characters: int) -> None:
        """Delete characters before the cursor (negative) or after it."""
        other = max(0, min(len(self.text), self.cursor + characters))
        self._remove(min(self.cursor, other), max(self.cursor, other))

    def cut_word(self) -> None:
        self._cut_out(self._word_start(), self.cursor)

    def cut_to_edge(self, direction: int) -> None:
        """Cut to the start of the line, or to its end; at the end, cut the line break."""
        if direction < 0:
            self._cut_out(self._line_start(), self.cursor)
        else:
            self._cut_out(self.cursor, max(self._line_end(), min(self.cursor + 1, len(self.text))))

    def put_back(self) -> None:
        self.paste(self._cut)

    def rows(self, width: int) -> list[Place]:
        """The draft in rows of at most `width` cells."""
        places: list[Place] = []
        offset = 0
        for line in self.text.split("\n"):
            labels = tuple((token, self._pastes[token].label) for token in _TOKEN.findall(line))
            places += [Place(offset + start, offset + end) for start, end in _wrapped(line, width, labels)]
            offset += len(line) + 1
        return places

    def row_of_cursor(self, places: list[Place]) -> int:
        """The last row that starts at or before the cursor."""
        return next(index for index in range(len(places) - 1, -1, -1) if places[index].start <= self.cursor)

    def shown(self, start: int, end: int, width: int) -> SafeText:
        """That part of one row as it appears on screen."""
        return safe(self._shown(start, end, width))

    def _shown(self, start: int, end: int, width: int) -> str:
        part = self.text[start:end]
        if part.isascii() and part.isprintable():
            return part
        return "".join(_glyph(c, width) if not _TOKEN.match(c) else clip(self._pastes[c].label, width) for c in part)

    def _full(self, text: str) -> str:
        return _TOKEN.sub(lambda found: self._pastes[found[0]].text, text)

    def _put(self, text: str) -> None:
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    def _remove(self, start: int, end: int) -> None:
        self.text = self.text[:start] + self.text[end:]
        self.cursor = start

    def _cut_out(self, start: int, end: int) -> None:
        if start < end:
            self._cut = self._full(self.text[start:end])
            self._remove(start, end)

    def _word_start(self) -> int:
        before = self.text[: self.cursor].rstrip()
        return len(before) - len(before.rsplit(None, 1)[-1]) if before else 0

    def _word_end(self) -> int:
        found = _WORD_AFTER.match(self.text, self.cursor)
        return found.end() if found else len(self.text)

    def _line_start(self) -> int:
        return self.text.rfind("\n", 0, self.cursor) + 1

    def _line_end(self) -> int:
        end = self.text.find("\n", self.cursor)
        return len(self.text) if end < 0 else end

    def _at_column(self, place: Place, column: int, width: int, *, last: bool) -> int:
        used = 0
        for index in range(place.start, place.end):
            used += cell_len(self._shown(index, index + 1, width))
            if used > column:
                return index
        # the end of a row that goes on is the start of the next
        goes_on = not last and place.end < len(self.text) and self.text[place.end] != "\n"
        return max(place.start, place.end - 1) if goes_on else place.end


def _cleaned(text: str) -> str:
    """What every encoding can carry, with one sign for every break of a line."""
    text = _BREAK.sub("\n", text)
    return text if text.isascii() else _SURROGATE.sub("�", text)


def _glyph(character: str, width: int) -> SafeText:
    shown = safe(character, newlines=True)
    return shown if cell_len(shown) <= width else safe("…")


@lru_cache(maxsize=64)
def _wrapped(line: str, width: int, labels: tuple[tuple[str, SafeText], ...]) -> tuple[tuple[int, int], ...]:
    """Where the rows of one line start and end, broken after a blank where there is one."""
    cells = _cells(line, width, dict(labels))
    rows: list[tuple[int, int]] = []
    start = 0
    while True:
        end = _row_end(line, cells, start, width)
        if end >= len(line):
            return (*rows, (start, len(line)))
        blank = line.rfind(" ", start, end)
        end = blank + 1 if blank >= start else end
        rows.append((start, end))
        start = end


def _cells(line: str, width: int, labels: dict[str, SafeText]) -> list[int] | None:
    """The width of each character, or None where each is one cell wide."""
    if line.isascii() and line.isprintable():
        return None
    return [cell_len(clip(labels[c], width) if c in labels else _glyph(c, width)) for c in line]


def _row_end(line: str, cells: list[int] | None, start: int, width: int) -> int:
    if cells is None:
        return start + width
    used = 0
    for index in range(start, len(line)):
        used += cells[index]
        if used > width:
            return max(index, start + 1)
    return len(line)
