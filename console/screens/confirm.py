"""A question before something that cannot be undone. Only `y` says yes: enter does not, so that no habit confirms."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from console.present.help import question
from console.screens.overlay import Overlay


class ConfirmScreen(Overlay[bool]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", show=False),
        Binding("n", "answer(False)", show=False),
    ]

    def __init__(self, text: str) -> None:
        super().__init__("Sure?", lambda cells: question(text, cells))

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
