"""Pane 5: what a person should see, and what to do."""

from typing import ClassVar

from textual.geometry import Size

from console.present import alerts as present
from console.present.frame import Body
from console.present.rows import Row
from console.state import ViewState
from console.widgets.pane import Pane


class AlertsPane(Pane):
    NUMBER: ClassVar[int] = 5
    TITLE: ClassVar[str] = "Alerts"

    def body(self, state: ViewState, size: Size) -> Body:
        return Body(present.alerts(state, size.width))

    def summary(self, state: ViewState) -> Row:
        return present.summary(state)
