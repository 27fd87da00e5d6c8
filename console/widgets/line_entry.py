"""One line of text under a keyboard, as overlays ask for: a draft without the composer's commands."""

from collections.abc import Callable

from rich.cells import cell_len

from backends.text.terminal_safe import SafeText, safe
from console.present.spans import Row, Span, span
from console.widgets.draft import Draft

LONGEST = 100_000
"""Characters."""

_EDITS: dict[str, Callable[[Draft], object]] = {
    "left": lambda draft: draft.move(-1),
    "right": lambda draft: draft.move(1),
    "ctrl+left": lambda draft: draft.move_word(-1),
    "ctrl+right": lambda draft: draft.move_word(1),
    "home": lambda draft: draft.move_to_edge(-1),
    "ctrl+a": lambda draft: draft.move_to_edge(-1),
    "end": lambda draft: draft.move_to_edge(1),
    "ctrl+e": lambda draft: draft.move_to_edge(1),
    "backspace": lambda draft: draft.delete(-1),
    "ctrl+h": lambda draft: draft.delete(-1),
    "delete": lambda draft: draft.delete(1),
    "ctrl+w": lambda draft: draft.cut_word(),
    "ctrl+u": lambda draft: draft.cut_to_edge(-1),
    "ctrl+k": lambda draft: draft.cut_to_edge(1),
}


class LineEntry:
    """Line breaks of a paste stay in the text and show as `⏎`."""

    def __init__(self, text: str = "") -> None:
        self._draft = Draft()
        self.text = text

    @property
    def text(self) -> str:
        return self._draft.content

    @text.setter
    def text(self, text: str) -> None:
        self._draft.replace(text[:LONGEST])

    def key(self, key: str, character: str | None) -> bool:
        """Handle a key; false where it means nothing to a line."""
        if (edit := _EDITS.get(key)) is not None:
            edit(self._draft)
        elif character is not None and character.isprintable():
            self.paste(character)
        else:
            return False
        return True

    def paste(self, text: str) -> None:
        self._draft.paste(text[: max(0, LONGEST - len(self._draft.content))])

    def row(self, cells: int, *, focused: bool) -> Row:
        """The end of the text before the cursor, the cursor, and what follows, in at most `cells` cells."""
        draft = self._draft
        before: str = self._shown(0, draft.cursor, cells)
        after: str = self._shown(draft.cursor, len(draft.text), cells)
        if not focused:
            return (span(before + after),)
        under, rest = after[:1] or " ", after[1:]
        while before and cell_len(before) > max(0, cells - 2):
            before = before[max(1, len(before) // 8) if len(before) > cells * 2 else 1 :]
        return (span(before), Span(safe(under), "cursor"), span(rest))

    def _shown(self, start: int, end: int, cells: int) -> SafeText:
        parts: list[str] = []
        for line in self._draft.text[start:end].split("\n"):
            parts.append(self._draft.shown(start, start + len(line), cells))
            start += len(line) + 1
        return safe("⏎".join(parts))
