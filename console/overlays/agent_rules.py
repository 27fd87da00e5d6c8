"""An agent's policy, dial and model, changed while all runs: for an hour, for a day or for good."""

from typing import get_args

from textual.events import Key

from backends.text.terminal_safe import safe
from backends.types import Action, AgentState, Policy
from console.overlays.overlay import Overlay
from console.present.spans import BLANK, Row, cell, paragraph, row, span
from console.state import ViewState

LABEL = 10
DIALS = ("0", "0.25", "0.5", "0.75", "1")
FIELDS = ("policy", "dial", "model")
SPANS: dict[str, float | None] = {"an hour": 60.0, "a day": 1440.0, "good": None}
"""For how long, and the minutes of it."""


class AgentRulesOverlay(Overlay[Action]):
    """Dismissed with the action that changes all rules that were changed, which one undo takes back; or None."""

    def __init__(self, agent: AgentState, state: ViewState) -> None:
        self._agent = agent
        dial = "" if agent.dial is None else f"{agent.dial:g}"
        models = {agent.model, *(engine.model for engine in state.engines)} - {""}
        self._before = (agent.policy, dial, agent.model)
        self._options = (
            get_args(Policy),
            tuple(dict.fromkeys((dial, *DIALS))),
            tuple(dict.fromkeys((agent.model, *sorted(models)))),
            tuple(SPANS),
        )
        self._at = 0
        self._now = [*self._before, next(iter(SPANS))]
        super().__init__(f"Rules of {safe(agent.name)}", self._rows)

    def on_key(self, event: Key) -> None:
        if event.key in ("up", "down", "tab"):
            self._at = (self._at + (-1 if event.key == "up" else 1)) % len(self._options)
        elif event.key in ("left", "right"):
            options = self._options[self._at]
            step = 1 if event.key == "right" else -1
            self._now[self._at] = options[(options.index(self._now[self._at]) + step) % len(options)]
        elif event.key == "enter":
            self.dismiss(self._action())
        else:
            return
        self.consume(event)
        self.sheet_changed()

    def _action(self) -> Action | None:
        changed: dict[str, str | None] = {
            f"agents.{self._agent.name}.{field}": now
            for field, before, now in zip(FIELDS, self._before, self._now, strict=False)
            if now != before
        }
        return Action(verb="set", actor="console", values=changed, minutes=SPANS[self._now[-1]]) if changed else None

    def _rows(self, cells: int) -> list[Row]:
        names = (*FIELDS, "for")
        unset = ("", "as everywhere", "the engine's own", "")
        rows = []
        for at, (name, now) in enumerate(zip(names, self._now, strict=True)):
            here = at == self._at
            before = self._before[at] if at < len(self._before) else now
            was = f"  was {before or unset[at]}" if now != before else ""
            text = span(f"◂ {now or unset[at]} ▸" if here else f"  {now or unset[at]}", "strong" if here else "text")
            label = cell(name, LABEL, "title" if here else "dim")
            rows.append(row(span("▸ " if here else "  ", "focus"), label, text, span(was, "warn")))
        note = "↑ ↓ choose a rule, ← → change it. Enter sets what was changed, esc closes. claw.toml stays as it is."
        return [*rows, BLANK, *paragraph(note, cells, "dim")]
