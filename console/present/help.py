"""The help sheet: every key, by where it works."""

from collections.abc import Sequence

from console.present.rows import BLANK, Row, cell, paragraph, row, span

Keys = Sequence[tuple[str, str]]


def keys(sections: Sequence[tuple[str, Keys]], cells: int) -> list[Row]:
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


def question(text: str, cells: int) -> list[Row]:
    """What a confirmation asks, and how to answer."""
    return [
        *paragraph(text, cells, "strong"),
        BLANK,
        row(span("y", "title"), span(" yes    ", "dim"), span("n", "title"), span(" no", "dim")),
    ]
