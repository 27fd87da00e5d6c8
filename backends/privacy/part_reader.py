"""The detectors over the parts of a request, each of which is read once and then remembered."""

from collections.abc import Iterable, Iterator, Sequence
from time import thread_time
from typing import NamedTuple

from backends.off_loop import check_wanted
from backends.privacy.allowed_values import AllowedValues, normal_form
from backends.privacy.content_windows import windows
from backends.privacy.detection import Detection, Detector
from backends.privacy.request_parts import PartText, RequestPart
from backends.privacy.views import views
from backends.text_memory import TextMemory

MIB = 1 << 20
START_S, MIB_S = 0.5, 10.0
"""CPU seconds for an inspection, and for each MiB that is read in it: some seven times what a slow machine takes. What
is remembered takes none, so a long history is no reason to doubt.
"""

APART = 256
"""Characters that are added to each text's length: twenty thousand messages of two letters take a second."""


UNCHECKED = 4096
"""Characters that are read between two looks at the clock, or a window."""


class Found(NamedTuple):
    """Something private at `start:end` of a part's text. `value` is a keyed hash of its normal form. `cut`: it lies
    across the place where two texts meet, so that each half looks harmless.
    """

    kind: str
    start: int
    end: int
    value: bytes
    cut: bool = False


class Allowance:
    """CPU seconds of one inspection. `spend` and `check` raise TimeoutError when they are spent, Abandoned when nobody
    waits.
    """

    def __init__(self, start_s: float) -> None:
        self._began = thread_time()
        self._allowed_s = start_s
        self._unchecked = UNCHECKED

    def more(self, characters: int) -> None:
        self._allowed_s += characters / MIB * MIB_S

    def spend(self, characters: int) -> None:
        """Checks once for so many characters: a look at the clock takes as long as reading a hundred."""
        self._unchecked += characters
        if self._unchecked >= UNCHECKED:
            self._unchecked = 0
            self.check()

    def check(self) -> None:
        check_wanted()
        if thread_time() - self._began > self._allowed_s:
            raise TimeoutError


class PartReader:
    """`passes` are values that are no findings. What is remembered holds for these detectors and values only: others
    need a reader and a memory of their own.
    """

    def __init__(
        self, detectors: Sequence[Detector], memory: TextMemory[tuple[Found, ...]], passes: AllowedValues
    ) -> None:
        self._detectors = detectors
        self._memory = memory
        self._passes = passes

    def unread(self, parts: Iterable[RequestPart]) -> int:
        """Characters that have to be read, with those that are added for each text; the others are remembered."""
        known = self._memory.get
        return sum(part.size + APART for part in parts if known(part.key) is None)

    def read(self, part: RequestPart, allowance: Allowance) -> tuple[Found, ...]:
        """All that is private in a part. Raises TimeoutError where the allowance is spent."""
        known = self._memory.get(part.key)
        if known is None:
            known = tuple(self._in_readings(part.readings(), allowance))
            self._memory.put(part.key, known, items=len(known))
        return known

    def find(self, text: str, allowance: Allowance) -> tuple[Found, ...]:
        """All that is private in one text, with offsets into it; stretches may overlap."""
        key = self._memory.digest(text)
        known = self._memory.get(key)
        if known is None:
            known = tuple(self._in_text(text, allowance))
            self._memory.put(key, known, items=len(known))
        return known

    def _in_readings(self, readings: Iterable[PartText], allowance: Allowance) -> Iterator[Found]:
        """A value that two readings of the part have counts once, as its first reading shows it."""
        before: set[tuple[str, bytes]] = set()
        for reading in readings:
            found = [each for each in self._in_reading(reading, allowance) if (each.kind, each.value) not in before]
            before.update((each.kind, each.value) for each in found)
            yield from found

    def _in_reading(self, reading: PartText, allowance: Allowance) -> Iterator[Found]:
        """Where texts meet only what none of them has by itself."""
        every = list(self._in_text(reading.text, allowance))
        if not reading.seams or not every:
            yield from every
            return
        alone = [
            Detection(found.kind, found.start + offset, found.end + offset)
            for offset, piece in reading.pieces()
            for found in self._in_text(piece, allowance)
        ]
        for found in every:
            detection = Detection(found.kind, found.start, found.end)
            if not any(_is_told_by(detection, known, reading.text) for known in alone):
                yield found._replace(cut=reading.cuts(detection))

    def _in_text(self, text: str, allowance: Allowance) -> Iterator[Found]:
        allowance.more(APART + len(text))
        seen: set[tuple[str, int, int]] = set()
        pieces = list(windows(text))
        following = [*(offset for offset, _ in pieces[1:]), len(text)]
        for (offset, piece), then in zip(pieces, following, strict=True):
            inside = self._in_piece(piece, allowance) if len(pieces) == 1 else self._in_window(piece, allowance)
            for kind, start, end, value, _ in inside:
                if end == len(piece) and start + offset >= then:
                    continue  # cut off here, and whole in the next piece
                place = (kind, start + offset, end + offset)
                if place not in seen:
                    seen.add(place)
                    yield Found(*place, value)

    def _in_window(self, piece: str, allowance: Allowance) -> tuple[Found, ...]:
        """As `find`: a long text that has changed in one place is read again only there."""
        key = b"window" + self._memory.digest(piece)
        known = self._memory.get(key)
        if known is None:
            known = tuple(self._in_piece(piece, allowance))
            self._memory.put(key, known, items=len(known))
        return known

    def _in_piece(self, text: str, allowance: Allowance) -> Iterator[Found]:
        for view in views(text):
            for detector in self._detectors:
                for kind, first, last in detector(view.window):
                    start, end = view.span(first, last)
                    value = text[start:end]
                    if (kind, value) not in self._passes:
                        yield Found(kind, start, end, self._memory.digest("value", normal_form(kind, value)))
            allowance.spend(len(view.text))


def _is_told_by(found: Detection, known: Detection, text: str) -> bool:
    """Is it what a text has by itself, with at most a word of its neighbour?"""
    if found.end <= known.start or known.end <= found.start:
        return False
    return not any(map(str.isdigit, text[found.start : known.start] + text[known.end : found.end]))
