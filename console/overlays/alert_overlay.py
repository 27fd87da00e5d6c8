"""One alert in full: what is known of it, in our words and the provider's, and the keys that act on it."""

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType

from backends.types import Alert
from console.overlays.overlay import Overlay
from console.present.alert_rows import LETTERS, alert_details
from console.present.spans import BLANK, Row, row, span
from console.state import ViewState


class AlertOverlay(Overlay[str]):
    """Dismissed with the key that acts on the alert, which the pane then takes; None where it was only read.

    `newest` gives the state as it is now, so that what counts goes on while the overlay is open.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "leave", show=False),
        *(Binding(key, f"take('{key}')", show=False) for key in (*LETTERS, "y", "m")),
    ]

    def __init__(self, alert: Alert, newest: Callable[[], ViewState]) -> None:
        self._alert = alert
        self._newest = newest
        super().__init__("Alert", self._rows)

    def on_mount(self) -> None:
        self.set_interval(1.0, self.sheet_changed)

    def action_take(self, key: str) -> None:
        alert = self._current()
        if (key in LETTERS and LETTERS.index(key) >= len(alert.choices)) or alert.ended_at is not None:
            return
        self.dismiss(key)

    def _current(self) -> Alert:
        state = self._newest()
        return next((each for each in (*state.alerts, *state.past_alerts) if each.id == self._alert.id), self._alert)

    def _rows(self, cells: int) -> list[Row]:
        alert, state = self._current(), self._newest()
        rows = alert_details(alert, state.now, cells)
        if alert.ended_at is not None:
            return rows
        rows.append(BLANK)
        for letter, choice in zip(LETTERS, alert.choices, strict=False):
            rows.append(row(span(f"{letter} ", "title"), span(choice.label)))
        return [
            *rows,
            row(span("y ", "title"), span("acknowledge: seen, it counts on")),
            row(span("m ", "title"), span("hear it again" if alert.state == "silenced" else "silence it for an hour")),
        ]
