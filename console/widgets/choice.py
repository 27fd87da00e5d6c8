"""One of several names, chosen in a row: arrows go on, a letter goes to the next name that starts with it."""

from collections.abc import Sequence

from console.present.rows import Row, row, span


class Choice:
    """`names` is never empty; a `chosen` that is not among them counts as the first."""

    def __init__(self, names: Sequence[str], chosen: str) -> None:
        self._names = list(names)
        self._at = self._names.index(chosen) if chosen in self._names else 0

    @property
    def chosen(self) -> str:
        return self._names[self._at]

    def key(self, key: str, character: str | None) -> bool:
        """Hear a key; false where it says nothing to a choice."""
        if key in ("left", "up", "right", "down"):
            self._at = (self._at + (-1 if key in ("left", "up") else 1)) % len(self._names)
        elif character is not None and character.isprintable():
            order = [*range(self._at + 1, len(self._names)), *range(self._at + 1)]
            self._at = next((index for index in order if self._names[index].startswith(character)), self._at)
        else:
            return False
        return True

    def row(self, title: str) -> Row:
        """The chosen name first, so that a narrow row shows it too."""
        others = [*self._names[self._at + 1 :], *self._names[: self._at]]
        names = " ".join(others)
        return row(span(f"{title} "), span(f" {self.chosen} ", "flag"), span(f" {names}", "dim"))
