"""The evidence of one decision."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from backends.types import Exchange
from console.present.why import why
from console.screens.overlay import Overlay


class WhyScreen(Overlay[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "leave", show=False)]

    def __init__(self, exchange: Exchange) -> None:
        super().__init__("Why", lambda cells: why(exchange, cells))
