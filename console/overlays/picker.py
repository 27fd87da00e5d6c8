"""A list to pick from: arrows move, typing filters where the list does that, and each other key is an action."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual.events import Key, Paste

from backends.text.terminal_safe import safe
from console.overlays.overlay import Overlay
from console.present.spans import BLANK, Row, Span, clip, paragraph, row, span
from console.widgets.line_entry import LineEntry

VISIBLE = 10
"""Items shown at once."""
PREVIEW_ROWS = 6


class PickItem(NamedTuple):
    """`text` is searched and shown in full while the item is chosen; `note` stands dim behind the label."""

    label: str
    text: str = ""
    note: str = ""


class PickAction(NamedTuple):
    """`key` as Textual names it, `shown` as the list names it, "" where another action's line speaks for it."""

    key: str
    shown: str
    verb: str
    help: str
    needs_item: bool = True


class Picked(NamedTuple):
    """What was done: the action's verb, the place of the item (None without one), and what was typed."""

    verb: str
    at: int | None
    typed: str


class PickOverlay(Overlay[Picked]):
    """Dismissed with what was picked, or None. Without `filters`, letters are free for actions."""

    def __init__(
        self,
        title: str,
        items: Sequence[PickItem],
        actions: Sequence[PickAction],
        *,
        typed_by_hand: Callable[[], bool],
        filters: bool = True,
        empty: str = "",
    ) -> None:
        """`typed_by_hand` tells whether a person typed the last keys; `empty` is said where there is no item."""
        self._items = items
        self._actions = actions
        self._by_hand = typed_by_hand
        self._filters = filters
        self._empty = empty
        self._entry = LineEntry()
        self._at = 0
        self._refused = False
        super().__init__(title, self._rows)

    @property
    def _found(self) -> list[int]:
        """The items that hold every word that was typed."""
        words = self._entry.text.lower().split()
        return [
            i for i, each in enumerate(self._items) if all(w in f"{each.label}\n{each.text}".lower() for w in words)
        ]

    def on_key(self, event: Key) -> None:
        if event.key in ("up", "down", "pageup", "pagedown"):
            steps = VISIBLE if event.key.startswith("page") else 1
            self._at += steps if event.key in ("down", "pagedown") else -steps
        elif (action := next((each for each in self._actions if each.key == event.key), None)) is not None:
            self._act(action)
        elif self._filters and self._entry.key(event.key, event.character):
            self._at = 0
        else:
            return
        self.consume(event)
        self.sheet_changed()

    def on_paste(self, event: Paste) -> None:
        event.stop()
        if self._filters:
            self._entry.paste(event.text)
            self._at = 0
            self.sheet_changed()

    def _act(self, action: PickAction) -> None:
        found = self._found
        self._refused = not self._by_hand()
        if self._refused or (action.needs_item and not found):
            return
        index = found[self._place(found)] if found else None
        self.dismiss(Picked(action.verb, index, self._entry.text))

    def _place(self, found: Sequence[int]) -> int:
        self._at = max(0, min(self._at, len(found) - 1))
        return self._at

    def _rows(self, cells: int) -> list[Row]:
        found = self._found
        at = self._place(found)
        rows: list[Row] = []
        if self._filters:
            rows += [(span("find ", "dim"), *self._entry.row(cells - 5, focused=True)), BLANK]
        top = max(0, min(at - VISIBLE // 2, len(found) - VISIBLE))
        for place in range(top, min(top + VISIBLE, len(found))):
            item = self._items[found[place]]
            chosen = place == at
            label = span(item.label, "strong" if chosen else "text")
            rows.append(row(span("▸ " if chosen else "  ", "focus"), label, span(f"  {item.note}", "dim")))
        if not found:
            rows += paragraph(self._empty if not self._items else "Nothing has all these words", cells, "dim")
        else:
            rows.append(row(span(f"  {at + 1} of {len(found)}", "dim")))
            text = self._items[found[at]].text
            rows += [BLANK, *_beginning(text, cells)] if text else []
        again = paragraph("That key came with pasted text. Press it again.", cells, "warn") if self._refused else []
        keys = " · ".join(f"{each.shown} {each.help}" for each in self._actions if each.shown)
        return [*rows, *again, BLANK, *paragraph(f"{keys} · esc closes", cells, "dim")]


def _beginning(text: str, cells: int) -> list[Row]:
    """The first lines of a text."""
    lines = safe(text[: PREVIEW_ROWS * 500], newlines=True).strip("\n").split("\n")
    shown: list[Row] = [(Span(clip(safe(line), cells)),) for line in lines[:PREVIEW_ROWS]]
    return [*shown[:-1], (span("…", "dim"),)] if len(lines) > PREVIEW_ROWS else shown
