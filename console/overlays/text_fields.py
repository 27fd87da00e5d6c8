"""A few texts to fill in, one after the other: the variables of a saved prompt, a path."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual.events import Key, Paste

from console.bench.slash_commands import completed
from console.overlays.overlay import PASTED_KEY, Overlay
from console.present.spans import BLANK, Row, cell, paragraph, row, span
from console.widgets.line_entry import LineEntry

LONGEST_LABEL = 24
OFFERED = 6
"""Completions shown at once."""


class TextField(NamedTuple):
    """`offers` lists what may complete the text, blocking: it runs in a thread."""

    label: str
    text: str = ""
    offers: Callable[[str], list[str]] | None = None


class TextFieldsOverlay(Overlay[list[str]]):
    """Dismissed with the texts in order, or None. Enter goes on, from the last one it is the end."""

    def __init__(
        self, title: str, fields: Sequence[TextField], *, typed_by_hand: Callable[[], bool], note: str = ""
    ) -> None:
        self._fields = fields
        self._entries = [LineEntry(field.text) for field in fields]
        self._by_hand = typed_by_hand
        self._note = note
        self._offers: list[str] = []
        self._at = 0
        self._refused = False
        super().__init__(title, self._rows)

    def on_key(self, event: Key) -> None:
        self._refused = False
        offers = self._fields[self._at].offers
        if event.key == "tab" and offers is not None:
            self.run_worker(self._complete(offers), name="complete", exclusive=True)
        elif event.key in ("up", "shift+tab"):
            self._move(-1)
        elif event.key in ("down", "tab"):
            self._move(1)
        elif event.key == "enter":
            self._enter()
        elif self._entries[self._at].key(event.key, event.character):
            self._offers = []
        else:
            return
        self.consume(event)
        self.sheet_changed()

    def on_paste(self, event: Paste) -> None:
        event.stop()
        self._entries[self._at].paste(event.text)
        self.sheet_changed()

    def _move(self, steps: int) -> None:
        self._at = (self._at + steps) % len(self._fields)
        self._offers = []

    def _enter(self) -> None:
        self._refused = not self._by_hand()
        if self._refused:
            return
        if self._at < len(self._fields) - 1:
            self._move(1)
        else:
            self.dismiss([entry.text for entry in self._entries])

    async def _complete(self, offers: Callable[[str], list[str]]) -> None:
        entry = self._entries[self._at]
        typed = entry.text
        found = await asyncio.to_thread(offers, typed)
        if entry.text == typed:
            entry.text, fitting = completed(typed, found)
            self._offers = fitting if len(fitting) > 1 else []
            self.sheet_changed()

    def _rows(self, cells: int) -> list[Row]:
        label = min(LONGEST_LABEL, max(len(field.label) for field in self._fields)) + 2
        rows: list[Row] = []
        for index, (field, entry) in enumerate(zip(self._fields, self._entries, strict=True)):
            now = index == self._at
            text = entry.row(max(4, cells - label), focused=now)
            rows.append(row(cell(field.label, label, "strong" if now else "dim"), *text))
        rows += [row(span(f"  {offer}", "dim")) for offer in self._offers[:OFFERED]]
        if len(self._offers) > OFFERED:
            rows.append(row(span(f"  and {len(self._offers) - OFFERED} more", "dim")))
        again = paragraph(PASTED_KEY, cells, "warn") if self._refused else []
        return [*rows, *again, BLANK, *paragraph(self._note, cells, "dim")]
