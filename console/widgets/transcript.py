"""The chat's turns and comparisons as rows. Each is laid out once for a width; the view follows the newest until
scrolled."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from backends.types import Action
from console.present.spans import Row
from console.state import ViewState
from console.widgets.chat_turn import ChatTurn
from console.widgets.comparison import CandidateComparison

TURNS_KEPT = 200
CHARACTERS_KEPT = 200_000
MEDIA_KEPT = 33_554_432
"""Characters, and bytes of images and other media, of all turns together; the oldest go first, the newest never."""
FAR = 1_000_000_000

Entry = ChatTurn | CandidateComparison


class Transcript:
    """Entries from oldest to newest, and which of their rows are in view."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._from_end = 0  # rows below the last one shown; 0 follows the newest
        self._width = 1

    @property
    def turns(self) -> list[ChatTurn]:
        """Every turn, those of a comparison from left to right."""
        return [turn for entry in self.entries for turn in entry.turns]

    @property
    def rows_below(self) -> int:
        return self._from_end

    @property
    def running(self) -> list[ChatTurn]:
        return [turn for turn in self.turns if turn.running]

    @property
    def last(self) -> ChatTurn | None:
        """The newest turn; of a comparison the chosen one."""
        if not self.entries:
            return None
        entry = self.entries[-1]
        return entry.chosen if isinstance(entry, CandidateComparison) else entry

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._from_end = 0
        self._drop_oldest()

    def find(self, name: str | None) -> ChatTurn | None:
        return next((turn for turn in reversed(self.turns) if turn.name == name), None)

    def conversation(self, name: str | None) -> list[ChatTurn]:
        """The turns that lead to this one and itself, oldest first, as far as they are kept."""
        by_name = {turn.name: turn for turn in self.turns}
        found: list[ChatTurn] = []
        while name is not None and (turn := by_name.pop(name, None)) is not None:
            found.append(turn)
            name = turn.continues
        return found[::-1]

    def choose(self, steps: int) -> CandidateComparison | None:
        """Choose another candidate of the newest comparison; None where there is none."""
        found = next((entry for entry in reversed(self.entries) if isinstance(entry, CandidateComparison)), None)
        if found is not None:
            found.choose(steps)
        return found

    def add_chunk(self, turn: ChatTurn, chunk: object, state: ViewState) -> None:
        """Add a piece to a turn; where the operator has scrolled up, the rows in view stay."""
        entry = next(entry for entry in reversed(self.entries) if turn in entry.turns)
        reading = self._from_end > 0
        before = entry.height if reading else 0
        turn.add_chunk(chunk)
        if reading:
            entry.lay_out(self._width, state)
            self._from_end = max(1, self._from_end + entry.height - before)
        self._drop_oldest()

    def rating(self, *, good: bool) -> Action | None:
        """The action that rates the last answer; None where there is none yet."""
        turn = self.last
        if turn is None or turn.outcome is None or not turn.answer:
            return None
        return Action(verb="rate", actor="console", id=turn.outcome.id, good=good)

    def clear(self) -> None:
        """Remove all entries but those that still run."""
        self.entries = [entry for entry in self.entries if entry.running]
        self._from_end = 0

    def key(self, key: str, *, page: int) -> bool:
        """Handle a key that scrolls; false for any other."""
        rows = {"pageup": -page, "pagedown": page, "ctrl+home": -FAR, "ctrl+end": FAR}.get(key)
        if rows is None:
            return False
        self.scroll(rows)
        return True

    def scroll(self, rows: int) -> None:
        """Up (negative) or down; `shown` keeps it in bounds."""
        self._from_end = max(0, self._from_end - rows)

    def shown(self, width: int, height: int, state: ViewState) -> Sequence[Row]:
        """The rows in view: `height` of them, or fewer where there are not as many."""
        self._width = width
        for entry in self.entries:
            entry.lay_out(width, state)
        ends = list(accumulate(entry.height for entry in self.entries))
        whole = ends[-1] if ends else 0
        self._from_end = max(0, min(self._from_end, whole - height))
        bottom = whole - self._from_end
        top = max(0, bottom - height)
        rows: list[Row] = []
        for index in range(bisect_right(ends, top), len(self.entries)):
            start = ends[index] - self.entries[index].height
            if start >= bottom:
                break
            rows += self.entries[index].rows(top - start, bottom - start)
        return rows

    def _drop_oldest(self) -> None:
        while len(self.entries) > 1 and not self.entries[0].running and self._too_much():
            del self.entries[0]

    def _too_much(self) -> bool:
        return (
            len(self.entries) > TURNS_KEPT
            or sum(each.size for each in self.entries) > CHARACTERS_KEPT
            or sum(each.media_size for each in self.entries) > MEDIA_KEPT
        )
