"""Pane 5, the alerts: conditions that need a person, newest first, each with what to do."""

from typing import ClassVar

from textual.geometry import Size

from backends.text.times import clock
from console.present.frame import PaneBody
from console.present.spans import Row, Tone, paragraph, row, span
from console.state import ViewState
from console.widgets.pane import Pane


class AlertsPane(Pane):
    NUMBER: ClassVar[int] = 5
    TITLE: ClassVar[str] = "Alerts"

    def body(self, state: ViewState, size: Size) -> PaneBody:
        return PaneBody(alert_rows(state, size.width))

    def summary(self, state: ViewState) -> Row:
        return row(span(f"▲{len(state.alerts)}", "warn")) if state.alerts else ()


def alert_rows(state: ViewState, cells: int) -> list[Row]:
    if not state.alerts:
        more = " Engine failures, budget limits and cut prompts appear here." if cells >= 60 else ""
        return [row(span("● ", "good"), span(f"No alerts.{more}", "dim"))]
    rows: list[Row] = []
    for alert in sorted(state.alerts, key=lambda alert: alert.at, reverse=True):
        tone: Tone = "bad" if alert.level == "alert" else "warn"
        lead = row(span("▲ ", tone), span(clock(alert.at), "dim"), " ")
        text = paragraph(alert.text, max(1, cells - 11), tone)
        remedy = paragraph(alert.remedy, max(1, cells - 11), "dim")
        rows += [
            row(*(lead if index == 0 else (span(" " * 11),)), *line) for index, line in enumerate([*text, *remedy])
        ]
    return rows
