"""The FinOps view: a review of the ledger, asked for when it opens and again by `r`."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from backends.types import Review
from console.messages import Reconsider, Reviewed
from console.present.finops import finops
from console.screens.overlay import Overlay


class FinOpsScreen(Overlay[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("v", "leave", show=False), Binding("r", "again", show=False)]

    def __init__(self) -> None:
        self._review: Review | None = None
        self._line = ""
        super().__init__("Savings", lambda cells: finops(self._review, self._line, cells))

    def on_mount(self) -> None:
        self.post_message(Reconsider())

    def on_reviewed(self, message: Reviewed) -> None:
        self._review, self._line = message.review or self._review, message.line
        self.sheet_changed()

    def action_again(self) -> None:
        self.post_message(Reconsider())
