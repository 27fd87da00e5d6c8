"""One prompt and the answers of several candidates: beside each other where there is room, else one at a time."""

from collections.abc import Sequence

from console.present.chat_rows import prompt_rows
from console.present.compare_rows import beside, figure_rows, side_by_side
from console.present.spans import BLANK, Row, row, span
from console.state import ViewState
from console.widgets.chat_turn import ChatTurn, heading_rows

SPLIT = 70
"""Cells below which the chat is likely to share the screen with other panes."""


class CandidateComparison:
    """`turns` are its candidates, two at least; the chosen one is copied, rated, and gone on from."""

    def __init__(self, turns: Sequence[ChatTurn]) -> None:
        self.turns = tuple(turns)
        self._at = 0
        self._width = 0
        self._changes = -1
        self._column = 0  # cells of a column; 0 where one answer is shown at a time
        self._above: list[Row] = []

    @property
    def chosen(self) -> ChatTurn:
        return self.turns[self._at]

    @property
    def running(self) -> bool:
        return any(turn.running for turn in self.turns)

    @property
    def size(self) -> int:
        return sum(turn.size for turn in self.turns)

    @property
    def media_size(self) -> int:
        """Bytes of its media; its candidates share them."""
        return self.turns[0].media_size

    def choose(self, steps: int) -> None:
        """Move the choice to the right, or to the left with negative steps; it goes round."""
        self._at = (self._at + steps) % len(self.turns)
        self._changes = -1

    def lay_out(self, width: int, state: ViewState) -> None:
        """Make the rows for a width, where they are outdated."""
        self._column = beside(len(self.turns), width)
        for turn in self._shown:
            turn.lay_out(self._column or width, state)
        changes = sum(turn.changes for turn in self.turns)
        if width != self._width or changes != self._changes:
            self._above = self._rows_above(width, state)
            self._width, self._changes = width, changes

    @property
    def _shown(self) -> Sequence[ChatTurn]:
        return self.turns if self._column else (self.chosen,)

    def _rows_above(self, width: int, state: ViewState) -> list[Row]:
        first = self.turns[0]
        files = [(span(f"  + {each.label}", "dim"),) for each in first.typed.attachments]
        figures = [turn.figures(state, chosen=turn is self.chosen) for turn in self.turns]
        what = "chooses the one to copy and go on from"
        if not self._column:
            zoom = ", F10 zooms" if width < SPLIT else ""
            what = f"shows the others, {self._at + 1} of {len(self.turns)} is below{zoom}"
        note = row(span("alt+← →", "title"), span(f" {what}", "dim"))
        return [
            *heading_rows(first.heading),
            *prompt_rows(first.typed.text, width),
            *files,
            *figure_rows(figures, width),
            note,
            BLANK,
        ]

    @property
    def height(self) -> int:
        """Rows as laid out last; 0 before that."""
        if not self._width:
            return 0
        return len(self._above) + max(turn.height for turn in self._shown)

    def rows(self, start: int, end: int) -> list[Row]:
        """Rows `start` to `end`, by slices, so that the cost is that of the rows shown."""
        above = self._above[max(0, start) : max(0, end)]
        start, end = max(0, start - len(self._above)), end - len(self._above)
        if end <= start:
            return above
        if not self._column:
            return above + self.chosen.rows(start, end)
        return above + side_by_side([turn.rows(start, end) for turn in self.turns], self._column)
