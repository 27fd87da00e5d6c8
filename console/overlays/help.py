"""The help: every key, by the part of the screen where it works."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.keys import Keys
from console.overlays.overlay import Overlay
from console.present.spans import BLANK, Row, cell, paragraph, row, span

EVERYWHERE: Keys = (
    ("1 … 6", "show or focus a pane; F1 … F6 also work while you type a prompt"),
    ("tab", "next pane"),
    ("↑ ↓ PgUp PgDn", "scroll, or move the cursor; home goes back to the newest"),
    ("space", "pause the pane so that you can read it; again to continue"),
    ("S", "stop all cloud spend; again to resume"),
    ("t", "next theme"),
    ("?", "this help"),
    ("ctrl+p", "every command by name"),
    ("ctrl+q", "quit"),
)


class HelpOverlay(Overlay[None]):
    """`panes` are the titles of the panes, each with its keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark", "leave", show=False)]

    def __init__(self, panes: Sequence[tuple[str, Keys]]) -> None:
        super().__init__("Help", lambda cells: _key_rows([("Everywhere", EVERYWHERE), *panes], cells))


def _key_rows(sections: Sequence[tuple[str, Keys]], cells: int) -> list[Row]:
    """Sections of (heading, keys), one key a row."""
    rows: list[Row] = []
    for index, (heading, entries) in enumerate(sections):
        if index:
            rows.append(BLANK)
        rows.append(row(span(heading, "title")))
        for key, what in entries:
            lines = paragraph(what, max(1, cells - 16))
            rows += [row(cell(key if at == 0 else "", 16, "strong"), *line) for at, line in enumerate(lines)]
    return rows
