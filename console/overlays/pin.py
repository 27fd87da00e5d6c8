"""Pin an agent to an engine: a list of every engine, and of no pin. A letter pins, or arrows and enter."""

from rich.cells import cell_len
from textual.events import Key

from backends.text.terminal_safe import safe
from backends.types import Action, EngineName
from console.overlays.choice import TAKEN, first_letters
from console.overlays.overlay import Overlay
from console.present.engine_health import engine_health
from console.present.spans import BLANK, Row, cell, paragraph, row, span
from console.present.symbols import served
from console.state import ViewState

LONGEST_NAME, LONGEST_MODEL = 24, 32
NONE = "x"
"""The letter that unpins."""


class PinOverlay(Overlay[Action]):
    """Dismissed with the action to run, or None."""

    def __init__(self, agent: str, state: ViewState, pinned: EngineName | None) -> None:
        self._agent = agent
        self._state = state
        self._engines = engines = state.engines
        self._pinned = pinned
        names = [None, *(engine.name for engine in engines)]
        self._at = names.index(pinned) if pinned in names else 0
        self._letters = [NONE, *first_letters([engine.name for engine in engines], taken=TAKEN + NONE)]
        super().__init__(f"Pin {agent}", self._rows)

    def on_key(self, event: Key) -> None:
        if event.key in ("up", "down"):
            self._at = (self._at + (1 if event.key == "down" else -1)) % (len(self._engines) + 1)
            self.sheet_changed()
            self.show_row(self._at)
        elif event.key == "enter":
            self._submit()
        elif event.key in self._letters:
            self._at = self._letters.index(event.key)
            self._submit()
        else:
            return
        self.consume(event)

    def _submit(self) -> None:
        engine = self._engines[self._at - 1].name if self._at else None
        if engine == self._pinned:
            self.dismiss(None)
        else:
            self.dismiss(Action(verb="pin" if engine else "unpin", actor="console", agent=self._agent, engine=engine))

    def _rows(self, cells: int) -> list[Row]:
        name = min(LONGEST_NAME, max((cell_len(safe(engine.name)) for engine in self._engines), default=0)) + 2
        rows = [row(*self._mark(0), span("no pin: the policy decides", "strong" if not self._at else "text"))]
        for index, engine in enumerate(self._engines, start=1):
            text = served(engine.name, engine.zone)
            symbol = engine_health(engine, self._state).symbol
            queue = f"  {engine.in_flight}/{engine.parallel} running, {engine.waiting} waiting"
            rows.append(
                row(
                    *(
                        *self._mark(index),
                        symbol,
                        span(" "),
                        cell(text.text, name, text.tone),
                    ),
                    cell(engine.label or engine.model, min(LONGEST_MODEL, max(0, cells - name - 32))),
                    span(queue, "dim"),
                )
            )
        note = "A letter pins the agent from its next request on, or ↑ ↓ and enter. Esc closes."
        return [*rows, BLANK, *paragraph(note, cells, "dim")]

    def _mark(self, index: int) -> Row:
        return row(span("▸ " if index == self._at else "  ", "focus"), span(f"{self._letters[index]} ", "title"))
