"""A stretch of text as the detectors see it; what several of them need is computed once."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

LONG_RUN = re.compile(r"[A-Za-z0-9_\-+/=.]{16}")
"""No key is shorter, and prose seldom has a run this long."""

NUMBER = re.compile(r"\d[\d .\-/()]{5}")
"""Six digits and separators: no card, account, phone or id has fewer."""


class TextWindow:
    """`lowered` has `text`'s own length, so that offsets hold in both."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._stems: dict[str, bool] = {}

    def has_any(self, stems: Iterable[str]) -> bool:
        """Does one of the stems, in small letters, stand in the text? Plain searches keep most texts away from the
        patterns.
        """
        return any(self._has(stem) for stem in stems)

    def _has(self, stem: str) -> bool:
        known = self._stems.get(stem)
        if known is None:
            known = self._stems[stem] = stem in self.lowered
        return known

    def places(self, stems: Iterable[str]) -> Iterator[int]:
        """Where each of the stems stands, one stem after the other."""
        for stem in stems:
            at = self.lowered.find(stem)
            while at >= 0:
                yield at
                at = self.lowered.find(stem, at + 1)

    @cached_property
    def lowered(self) -> str:
        lowered = self.text.lower()
        if len(lowered) == len(self.text):
            return lowered
        return "".join(low if len(low := sign.lower()) == 1 else sign for sign in self.text)

    @cached_property
    def has_long_run(self) -> bool:
        return LONG_RUN.search(self.text) is not None

    @cached_property
    def number_stretches(self) -> list[tuple[int, int]]:
        """Where numbers of six digits and separators stand, each with room for a letter before and the rest behind."""
        found: list[tuple[int, int]] = []
        for match in NUMBER.finditer(self.text):
            start, end = max(0, match.start() - 4), match.end() + 30
            if found and start <= found[-1][1]:
                found[-1] = found[-1][0], end
            else:
                found.append((start, end))
        return found

    @cached_property
    def has_number(self) -> bool:
        return NUMBER.search(self.text) is not None
