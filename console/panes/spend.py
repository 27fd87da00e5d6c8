"""Pane 4: today, the month, budgets and agents."""

from typing import ClassVar

from textual.geometry import Size

from console.present import spend as present
from console.present.frame import Body
from console.present.rows import Row
from console.state import ViewState
from console.widgets.pane import Pane


class SpendPane(Pane):
    NUMBER: ClassVar[int] = 4
    TITLE: ClassVar[str] = "Spend"

    def body(self, state: ViewState, size: Size) -> Body:
        return Body(present.spend(state, size.width))

    def summary(self, state: ViewState) -> Row:
        return present.summary(state)
