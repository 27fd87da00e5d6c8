"""Pane 1: GPUs, queues, models in memory and the host."""

from typing import ClassVar

from textual.geometry import Size

from console.present import runtime as present
from console.present.frame import Body
from console.present.rows import Row
from console.state import ViewState
from console.widgets.pane import Pane


class RuntimePane(Pane):
    NUMBER: ClassVar[int] = 1
    TITLE: ClassVar[str] = "Runtime"

    def body(self, state: ViewState, size: Size) -> Body:
        return Body(present.runtime(state, size.width))

    def summary(self, state: ViewState) -> Row:
        return present.summary(state)
