"""Every key, by where it works."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.present.help import Keys, keys
from console.screens.overlay import Overlay


class HelpScreen(Overlay[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark", "leave", show=False)]

    def __init__(self, sections: Sequence[tuple[str, Keys]]) -> None:
        super().__init__("Help", lambda cells: keys(sections, cells))
