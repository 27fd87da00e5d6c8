"""The evidence of one decision, and a word on its answer."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from backends.types import Action, Exchange
from console.messages import Act
from console.present.why import why
from console.screens.overlay import Overlay


class WhyScreen(Overlay[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "leave", show=False),
        Binding("plus", "rate(True)", show=False),
        Binding("minus", "rate(False)", show=False),
    ]

    def __init__(self, exchange: Exchange) -> None:
        super().__init__("Why", lambda cells: why(exchange, cells))
        self._exchange = exchange

    def action_rate(self, good: bool) -> None:
        """Say how the answer was, where there is one."""
        if self._exchange.outcome is not None:
            self.post_message(Act(Action(verb="rate", actor="console", id=self._exchange.id, good=good)))
