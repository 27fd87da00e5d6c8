"""One of a few actions by its letter: each is named with its object before it acts. Arrows and enter choose, too."""

from collections.abc import Sequence
from string import ascii_lowercase, digits

from textual.events import Key

from backends.types import Action
from console.overlays.overlay import Overlay
from console.palette_actions import NamedAction
from console.present.spans import BLANK, Row, paragraph, row, span

TAKEN = "q"
"""Letters that mean something in every overlay."""


class ChoiceOverlay(Overlay[Action]):
    """Dismissed with the action to run, or None. `choices` stay those that were shown, whatever happens meanwhile."""

    def __init__(self, title: str, choices: Sequence[NamedAction], letters: Sequence[str]) -> None:
        self._choices = choices
        self._letters = letters
        self._at = 0
        super().__init__(title, self._rows)

    def on_key(self, event: Key) -> None:
        if event.key in ("up", "down"):
            self._at = (self._at + (1 if event.key == "down" else -1)) % len(self._choices)
            self.sheet_changed()
            self.show_row(self._at)
        elif event.key == "enter":
            self.dismiss(self._choices[self._at].action)
        elif event.key in self._letters:
            self.dismiss(self._choices[self._letters.index(event.key)].action)
        else:
            return
        self.consume(event)

    def _rows(self, cells: int) -> list[Row]:
        rows = []
        for at, (letter, choice) in enumerate(zip(self._letters, self._choices, strict=True)):
            chosen = at == self._at
            mark = "▸ " if chosen else "  "
            name, note = span(choice.name, "strong" if chosen else "text"), span(f"  {choice.help}", "dim")
            rows.append(row(span(mark, "focus"), span(f"{letter} ", "title"), name, note))
        return [*rows, BLANK, *paragraph("A letter, or ↑ ↓ and enter. Esc closes.", cells, "dim")]


def first_letters(names: Sequence[str], taken: str = TAKEN) -> list[str]:
    """A letter for each name: the first of its own that is free, else any that is. `taken` are not free. Beyond all
    letters and digits, names have none: arrows reach them.
    """
    letters: list[str] = []
    for name in names:
        own = (each for each in name.lower() if each in ascii_lowercase)
        free = (each for each in (*own, *ascii_lowercase, *digits) if each not in taken and each not in letters)
        letters.append(next(free, " "))
    return letters
