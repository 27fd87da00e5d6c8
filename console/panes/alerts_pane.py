"""Pane 5, the alerts: conditions that need a person, newest first, each with what to do.

A cursor stands on one alert. Where the operator can act on it, letters do, as it says.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from msgspec.structs import replace
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size

from backends.text.times import clock
from backends.types import Action, Alert
from console.keys import Keys
from console.messages import RunAction
from console.present.frame import PaneBody
from console.present.markdown_layout import wrap
from console.present.questions import question
from console.present.spans import Row, Span, Tone, paragraph, row, span
from console.state import ViewState
from console.widgets.pane import Pane

LETTERS = "abc"
"""The keys of an alert's choices, in their order. Digits show panes."""
INDENT = 11


class AlertsPane(Pane):
    NUMBER: ClassVar[int] = 5
    TITLE: ClassVar[str] = "Alerts"
    KEYS: ClassVar[Keys] = (("↑ ↓", "choose"), ("a b c", "act as the alert says"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(letter, f"act({index})", "act on the alert") for index, letter in enumerate(LETTERS)
    ]

    def __init__(self) -> None:
        super().__init__()
        self._chosen: str | None = None

    def body(self, state: ViewState, size: Size) -> PaneBody:
        return alerts_body(state, self._chosen, size.width, focused=self.has_focus)

    def summary(self, state: ViewState) -> Row:
        return row(span(f"▲{len(state.alerts)}", "warn")) if state.alerts else ()

    def action_move(self, rows: int) -> None:
        shown = newest_first(self.state.alerts)
        if shown:
            self._chosen = shown[max(0, min(len(shown) - 1, at_cursor(shown, self._chosen) + rows))].key
            self.redraw()

    def action_act(self, index: int) -> None:
        """Take the alert's choice with this index, once the operator has confirmed it where it needs that."""
        shown = newest_first(self.state.alerts)
        if not shown or index >= len((alert := shown[at_cursor(shown, self._chosen)]).choices):
            return
        self._chosen = alert.key
        action = replace(alert.choices[index].action, actor="console")
        if not (text := question(action)):
            self._run(action)
            return
        from console.overlays.overlay import ConfirmOverlay

        self.app.push_screen(ConfirmOverlay(f"{alert.text}. {text}"), lambda yes: self._run(action if yes else None))

    def _run(self, action: Action | None) -> None:
        if action is not None:
            self.post_message(RunAction(action))

    def on_click(self, event: Click) -> None:
        if (at := self.row_at(event.y)) is None:
            return
        shown, end = newest_first(self.state.alerts), 0
        drawn = _drawn(shown, at_cursor(shown, self._chosen), self.size.width - 4)
        for alert, rows in zip(shown, drawn, strict=True):
            end += len(rows)
            if at < end:
                self._chosen = alert.key
                self.redraw()
                return


def newest_first(alerts: Sequence[Alert]) -> list[Alert]:
    return sorted(alerts, key=lambda alert: alert.since, reverse=True)


def at_cursor(shown: Sequence[Alert], chosen: str | None) -> int:
    """The place of the cursor: on the chosen alert, else on the newest."""
    return next((index for index, each in enumerate(shown) if each.key == chosen), 0)


def alerts_body(state: ViewState, chosen: str | None, cells: int, *, focused: bool) -> PaneBody:
    if not state.alerts:
        more = " Engine failures, budget limits and paused sessions appear here." if cells >= 60 else ""
        return PaneBody([row(span("● ", "good"), span(f"No alerts.{more}", "dim"))])
    shown = newest_first(state.alerts)
    at = at_cursor(shown, chosen)
    drawn = _drawn(shown, at if focused else None, cells)
    rows = [each for lines in drawn for each in lines]
    if not (focused or chosen):
        return PaneBody(rows)
    return PaneBody(rows, selected=sum(map(len, drawn[:at])), reach=len(drawn[at]))


def _drawn(shown: Sequence[Alert], at: int | None, cells: int) -> list[list[Row]]:
    """Each alert's rows; only the one at the cursor shows its keys."""
    return [_rows(alert, cells, chosen=index == at) for index, alert in enumerate(shown)]


def _rows(alert: Alert, cells: int, *, chosen: bool) -> list[Row]:
    tone: Tone = "bad" if alert.severity == "critical" else "warn"
    lead = row(span("▲ ", tone), span(clock(alert.since), "dim"), " ")
    room = max(1, cells - INDENT)
    text = paragraph(alert.text, room, tone)
    remedy = wrap(_choices(alert, chosen=chosen), room) if alert.choices else paragraph(alert.remedy, room, "dim")
    return [row(*(lead if index == 0 else (span(" " * INDENT),)), *line) for index, line in enumerate([*text, *remedy])]


def _choices(alert: Alert, *, chosen: bool) -> Iterator[Span]:
    """What the operator can do, with the keys of the alert under the cursor."""
    for index, (letter, choice) in enumerate(zip(LETTERS, alert.choices, strict=False)):
        if index:
            yield span(" · ", "dim")
        if chosen:
            yield span(f"{letter} ", "title")
        yield span(choice.label, "text" if chosen else "dim")
