"""Foreign text made safe for the terminal: the one function, and the one type that is drawn.

Whatever comes from a model, a caller, an engine or a file is hostile until it passed `safe`. What passed carries no
control code, no bidi control, no tag or invisible character and no lone surrogate, and each of its characters has a
width of its own, so that widths add up.
"""

from rich.cells import cell_len, get_character_cell_size

from backends.text.terminal_safe import harmless

MARKS_IN_A_ROW = 4
"""Combining marks that one base character may carry; living scripts need no more."""


class SafeText(str):
    """Text that passed `safe`, `clip` or `pad`; nothing else makes one."""

    __slots__ = ()


def safe(text: str, *, newlines: bool = False) -> SafeText:
    """`text` without anything that could drive, reorder or hide on a terminal. Total and idempotent.

    Line breaks of every kind become `\\n`, or a blank unless `newlines`; a tab becomes blanks. Control codes show as
    their pictures (`␛`), bidi overrides and other harmful codes as `�`, and what has no shape of its own goes.
    """
    plain = harmless(text, newlines=newlines)
    return SafeText(plain if plain.isascii() else _bounded_marks(plain))


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


def _bounded_marks(text: str) -> str:
    if text.isascii():
        return text
    kept: list[str] = []
    run = 0
    for character in text:
        # a line break has no width either, and is no mark
        run = run + 1 if character > "\x7f" and not get_character_cell_size(character) else 0
        if run <= MARKS_IN_A_ROW:
            kept.append(character)
    return "".join(kept)
