"""The settings of the next prompt as a form: arrows choose, left and right change, typing replaces, enter keeps all."""

from collections.abc import Callable

from msgspec.structs import replace
from textual.events import Key, Paste

from console.bench.prompt_settings import OWN, SETTINGS, Known, PromptSettings, Setting
from console.overlays.overlay import PASTED_KEY, Overlay
from console.present.spans import BLANK, Row, cell, paragraph, row, span
from console.widgets.line_entry import LineEntry

LABEL = 13


class PromptSettingsForm(Overlay[PromptSettings]):
    """Dismissed with the settings, or None where the operator leaves them as they were."""

    def __init__(self, settings: PromptSettings, known: Known, *, typed_by_hand: Callable[[], bool]) -> None:
        self._settings = settings
        self._known = known
        self._by_hand = typed_by_hand
        self._at = 0
        self._entry: LineEntry | None = None  # while a value is typed
        self._trouble = ""
        super().__init__("Next prompt", self._rows)

    @property
    def _setting(self) -> Setting:
        return SETTINGS[self._at]

    def on_key(self, event: Key) -> None:
        typing, self._trouble = self._entry is not None, ""
        if event.key in ("up", "down"):
            if self._keep():
                self._at = (self._at + (1 if event.key == "down" else -1)) % len(SETTINGS)
        elif event.key == "enter":
            self._enter()
        elif event.key == "ctrl+d":
            self._reset()
        elif event.key in ("left", "right") and not typing and self._setting.choices(self._known):
            self._step(1 if event.key == "right" else -1)
        elif not self._type(event):
            return
        self.consume(event)
        self.sheet_changed()

    def on_paste(self, event: Paste) -> None:
        event.stop()
        self._entry = self._entry or LineEntry()
        self._entry.paste(event.text)
        self.sheet_changed()

    def _type(self, event: Key) -> bool:
        """A first letter replaces the value; a key that edits begins with the value as it is."""
        if self._entry is None:
            fresh = event.character is not None and event.character.isprintable()
            self._entry = LineEntry("" if fresh else self._setting.shown(self._settings))
        if self._entry.key(event.key, event.character):
            return True
        self._entry = None
        return False

    def _step(self, steps: int) -> None:
        choices = list(self._setting.choices(self._known))
        now = self._setting.shown(self._settings)
        at = choices.index(now) if now in choices else -1 if steps > 0 else 0
        self._apply(choices[(at + steps) % len(choices)])

    def _reset(self) -> None:
        self._entry = None
        self._apply(OWN)

    def _enter(self) -> None:
        if not self._by_hand():
            self._trouble = PASTED_KEY
        elif self._keep():
            self.dismiss(self._settings)

    def _keep(self) -> bool:
        """Take what was typed; false where it is no value for the setting."""
        if self._entry is not None and self._apply(self._entry.text):
            self._entry = None
        return not self._trouble

    def _apply(self, text: str) -> bool:
        try:
            self._settings = self._setting.apply(self._settings, text, self._known)
        except ValueError as error:
            self._trouble = str(error)
        return not self._trouble

    def _rows(self, cells: int) -> list[Row]:
        rows: list[Row] = []
        own = replace(PromptSettings(), agent=self._settings.agent)
        for index, setting in enumerate(SETTINGS):
            now = index == self._at
            mark = span("▸ " if now else "  ", "focus")
            label = cell(setting.name, LABEL, "strong" if now else "dim")
            if now and self._entry is not None:
                rows.append(row(mark, label, *self._entry.row(max(4, cells - LABEL - 2), focused=True)))
                continue
            value = " ".join(setting.shown(self._settings).split())
            changed = setting.shown(self._settings) != setting.shown(own)
            rows.append(row(mark, label, span(value or OWN, "strong" if changed else "dim")))
        trouble = paragraph(self._trouble, cells, "warn") if self._trouble else []
        note = "↑ ↓ choose, ← → change, or type a value. ctrl+d gives it back to the agent. Enter keeps all, esc none."
        return [*rows, BLANK, *paragraph(self._setting.help, cells), *trouble, BLANK, *paragraph(note, cells, "dim")]
