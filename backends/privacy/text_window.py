"""A stretch of text as the detectors see it; what several of them need is computed once."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from backends.privacy.word_stems import Stems, stem_table

RUN = re.compile(r"[A-Za-z0-9_\-+/.~]{10,}+={0,2}")
"""Characters that keys are made of: no key is shorter."""

MIXED = re.compile(r"\d|[a-z][A-Z]{2,9}[a-z]|[A-Z][a-z][A-Z]|[a-z]{20}|[A-Z]{20}")
"""What keys have, and few words and names."""

DIGIT = re.compile(r"\d")

NUMBER = re.compile(r"\d[\d .\-/()]{5}")
"""Six digits and separators: no card, account, phone or id has fewer."""


class TextWindow:
    """`lowered` has `text`'s own length, so that offsets hold in both."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._size = 0
        self._present = 0

    def has_any(self, stems: Stems) -> bool:
        """Does one of the stems stand in the text? Most texts are kept away from most patterns by this."""
        if self._size < stems.size:
            table = stem_table()
            self._size, self._present = len(table.bits), table.present(self.lowered)
        return stems.stand_in(self.lowered, self._present)

    def places(self, stems: Stems) -> Iterator[int]:
        """Where each of the stems stands, one stem after the other."""
        if not self.has_any(stems):
            return
        lowered = self.lowered
        for stem in stems.those_in(lowered, self._present):
            at = lowered.find(stem)
            while at >= 0:
                yield at
                at = lowered.find(stem, at + 1)

    def around(self, stems: Stems, before: int, after: int) -> list[tuple[int, int]]:
        """Stretches from `before` characters in front of each place of a stem to `after` characters behind its start.

        A pattern that is searched for only here finds what it finds in the whole text, if each of its matches has a
        stem in it and lies within this reach.
        """
        if not self.has_any(stems):
            return []
        return self._stretches(((place, place) for place in sorted(self.places(stems))), before, after)

    def _stretches(self, spans: Iterable[tuple[int, int]], before: int, after: int) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for first, last in spans:
            start, end = max(0, first - before), min(len(self.text), last + after)
            if found and start <= found[-1][1]:
                found[-1] = found[-1][0], max(end, found[-1][1])
            else:
                found.append((start, end))
        return found

    @cached_property
    def lowered(self) -> str:
        lowered = self.text.lower()
        if len(lowered) == len(self.text):
            return lowered
        return "".join(low if len(low := sign.lower()) == 1 else sign for sign in self.text)

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """Runs of ten characters or more that keys are made of."""
        return [match.span() for match in RUN.finditer(self.text)]

    @cached_property
    def key_runs(self) -> list[tuple[int, int]]:
        """Those with a digit in them, or in mixed case as no name is."""
        return [run for run in self.runs if MIXED.search(self.text, *run) is not None]

    @cached_property
    def number_stretches(self) -> list[tuple[int, int]]:
        """Where numbers of six digits and separators stand, each with room for a letter before and the rest behind."""
        return self._stretches((match.span() for match in NUMBER.finditer(self.text)), 4, 30)

    @cached_property
    def has_digit(self) -> bool:
        return DIGIT.search(self.text) is not None

    @cached_property
    def has_number(self) -> bool:
        return bool(self.number_stretches)
