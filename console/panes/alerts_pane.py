"""Pane 5, the alerts: conditions that need a person, the worst first, then those of the last days that ended.

A cursor stands on one alert. Where the operator can act on it, letters do, as it says.
"""

from typing import ClassVar, Literal

from msgspec.structs import replace
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.events import Click, Focus
from textual.geometry import Size

from backends.types import Action, Alert, AlertState
from console.keys import Keys
from console.messages import RowLeft, RunAction, ShowMoment, StateChanged
from console.present.alert_rows import (
    LETTERS,
    alert_counts,
    alerts_body,
    at_cursor,
    drawn_alerts,
    shown_alerts,
)
from console.present.empty_states import not_recorded
from console.present.frame import PaneBody
from console.present.spans import Row
from console.state import ViewState
from console.widgets.pane import Pane

SILENCED_MIN = 60.0
"""For how long `m` silences an alert."""
OFF = "off"
"""The value that takes an acknowledgement or a silence back."""


class AlertsPane(Pane):
    NUMBER: ClassVar[int] = 5
    TITLE: ClassVar[str] = "Alerts"
    LIVE_ONLY: ClassVar[frozenset[str]] = frozenset({"act", "acknowledge", "silence", "threshold"})
    KEYS: ClassVar[Keys] = (
        ("enter", "more"),
        ("a b c", "act"),
        ("y", "seen"),
        ("m", "silence"),
        ("e", "threshold"),
        ("t", "look back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(letter, f"act({index})", "act on the alert") for index, letter in enumerate(LETTERS)),
        Binding("enter", "more", "everything about the alert"),
        Binding("y", "acknowledge", "acknowledge: seen"),
        Binding("t", "look_back", "show every pane as it was when it began"),
        Binding("m", "silence", "silence for an hour, or hear again"),
        Binding("e", "threshold", "another threshold for an hour"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._chosen: str | None = None

    @property
    def chosen(self) -> Alert | None:
        """The alert under the cursor."""
        shown = shown_alerts(self.state)
        return shown[at_cursor(shown, self._chosen)] if shown else None

    def body(self, state: ViewState, size: Size) -> PaneBody:
        if not state.recorded:
            return PaneBody(not_recorded(size.width))
        return alerts_body(state, self._chosen, size.width, size.height, focused=self.has_focus)

    def summary(self, state: ViewState) -> Row:
        return alert_counts(state)

    def rows_wanted(self, state: ViewState) -> int:
        """How many rows show every alert that stands, and while it has the focus what can be done and what is over."""
        if not self.has_focus:
            return max(1, len(state.alerts))
        return len(alerts_body(state, self._chosen, max(1, self.size.width - 4), 1000, focused=True).rows)

    def on_state_changed(self, _message: StateChanged) -> None:
        if self.has_focus:
            self._keep_cursor()

    def on_focus(self, _event: Focus) -> None:
        self._keep_cursor()

    def _keep_cursor(self) -> None:
        """The cursor stays on its alert from the moment that it can be used, whatever comes above it. It is read before
        the base's own handler takes the new state.
        """
        if (alert := self.chosen) is not None and self._chosen in (None, alert.id):
            self._chosen = alert.id

    def row_left(self) -> bool:
        left = self._chosen is not None and all(each.id != self._chosen for each in shown_alerts(self.state))
        if left:
            self._chosen = None
            self.redraw()
        return left

    def action_move(self, rows: int) -> None:
        shown = shown_alerts(self.state)
        if shown:
            self._chosen = shown[max(0, min(len(shown) - 1, at_cursor(shown, self._chosen) + rows))].id
            self.redraw()

    def action_act(self, index: int) -> None:
        """Take the alert's choice with this index."""
        alert = self.chosen
        if alert is None or alert.ended_at is not None or index >= len(alert.choices):
            return
        self.post_message(RunAction(replace(alert.choices[index].action, actor="console"), about=alert.text))

    def action_more(self) -> None:
        """Show all that is known of the alert."""
        if (alert := self.chosen) is None:
            return
        from console.overlays.alert_overlay import AlertOverlay

        self.app.push_screen(AlertOverlay(alert, lambda: self._newest), lambda key: self._take(key, alert))

    def _take(self, key: str | None, alert: Alert) -> None:
        """A key was pressed in the overlay about this alert."""
        self._chosen = alert.id
        if key is not None and self.row_left():
            self.post_message(RowLeft())
            return
        if key == "y":
            self.action_acknowledge()
        elif key == "m":
            self.action_silence()
        elif key is not None:
            self.action_act(LETTERS.index(key))

    def action_look_back(self) -> None:
        """Show every pane as it was when the alert had just begun."""
        if (alert := self.chosen) is None:
            raise SkipAction  # then the key does what it does elsewhere
        self.post_message(ShowMoment(alert.since))

    async def action_threshold(self) -> None:
        """Change from when on such a condition is an alert, for a while."""
        if (alert := self.chosen) is not None and alert.threshold:
            await self.app.run_action(f"set('{alert.threshold}')")

    def action_acknowledge(self) -> None:
        """Somebody has seen it: it stays in the list until it is over. Again to take that back."""
        self._answer("acknowledge", "acknowledged")

    def action_silence(self) -> None:
        """No push and no place at the top for a while; again to hear it."""
        self._answer("silence", "silenced")

    def _answer(self, verb: Literal["acknowledge", "silence"], answered: AlertState) -> None:
        if (alert := self.chosen) is None or alert.ended_at is not None:
            return
        action = Action(verb=verb, actor="console", id=alert.id)
        if alert.state == answered:
            action = replace(action, value=OFF)
        elif verb == "silence":
            action = replace(action, minutes=SILENCED_MIN)
        self.post_message(RunAction(action))

    def on_click(self, event: Click) -> None:
        shown = shown_alerts(self.state)
        if (at := self.row_at(event.y)) is None or not shown:
            return
        end = 0 if self.state.alerts else 1
        cursor = at_cursor(shown, self._chosen)
        drawn = drawn_alerts(self.state, shown, cursor, self.size.width - 4, self.size.height - 2 - end)
        for alert, rows in zip(shown, drawn, strict=True):
            end += len(rows)
            if at < end:
                self._chosen = alert.id
                self.redraw()
                return
