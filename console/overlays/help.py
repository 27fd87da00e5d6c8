"""The help: every key in a sentence, and what each symbol and figure means. Typing finds."""

from collections.abc import Sequence

from textual.events import Key, Paste

from console.keys import Keys
from console.overlays.overlay import Overlay
from console.present.help_texts import matching, sections
from console.present.spans import BLANK, Row, cell, paragraph, row, span

LABEL = 18
"""Cells of a key, a symbol or a figure, and of a blank behind it."""
LONGEST_FILTER = 40


class HelpOverlay(Overlay[None]):
    """`focused` is the pane that the help begins with, `panes` are the titles of all panes, each with its keys."""

    def __init__(self, focused: str, panes: Sequence[tuple[str, Keys]]) -> None:
        self._sections = sections(focused, panes)
        self._wanted = ""
        super().__init__("Help", self._rows)

    def on_key(self, event: Key) -> None:
        """Letters are the filter; escape clears it first, and then leaves."""
        if event.key == "escape" and self._wanted:
            self._filter("")
        elif event.key == "backspace":
            self._filter(self._wanted[:-1])
        elif event.key == "question_mark" and not self._wanted:
            self.dismiss(None)
        elif event.is_printable and event.character and event.key != "space":
            self._filter(self._wanted + event.character)
        elif event.key == "space" and self._wanted:
            self._filter(f"{self._wanted} ")
        else:
            return
        self.consume(event)

    def on_paste(self, event: Paste) -> None:
        self._filter(self._wanted + event.text.partition("\n")[0])
        event.stop()

    def _filter(self, wanted: str) -> None:
        self._wanted = wanted[:LONGEST_FILTER]
        self.sheet_changed()
        self.show_row(0)

    def _rows(self, cells: int) -> list[Row]:
        found = matching(self._sections, self._wanted)
        head = row(span("/", "focus"), span(self._wanted, "strong"), span("▏", "focus"))
        if not self._wanted:
            head = (*head, span(" type to find a key, a symbol or a figure; esc closes", "dim"))
        if not found:
            return [
                head,
                BLANK,
                *paragraph("Nothing here has that in it. Escape shows everything again.", cells, "dim"),
            ]
        return [head, *(each for section in found for each in _section(section, cells))]


def _section(section: tuple[str, Keys], cells: int) -> list[Row]:
    heading, entries = section
    rows: list[Row] = [BLANK, row(span(heading, "title"))]
    for key, what in entries:
        lines = paragraph(what, max(1, cells - LABEL))
        rows += [row(cell(key if at == 0 else "", LABEL, "strong"), *line) for at, line in enumerate(lines)]
    return rows
