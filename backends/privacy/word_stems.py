"""Which of all detectors' stems stand in a text: one pass over its words answers for all of them.

A detector names the beginnings of words without which it finds nothing. To search a text for each of some three hundred
would take longer than all patterns. Words repeat, so which stems a word has in it is worked out once and remembered by
the word's hash: Python's own, which is different in each process. A text then costs a look at each of its words.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

Stems = tuple[str, ...] | frozenset[str]
"""In small letters. They may have blanks and signs in them."""

LETTERS = 3
"""A stem with fewer letters in a row is searched for as it is."""

WORD = re.compile(rf"[^\W\d_]{{{LETTERS},}}")
ASCII_WORD = re.compile(rf"[a-z]{{{LETTERS},}}")

LONGEST = 40
"""Letters of a word that is remembered: longer ones seldom come again."""

WORDS = 1 << 16
"""Words that are remembered, some 8 MB. At so many all are forgotten."""


class StemTable:
    """`cores` are runs of letters, each of which has a bit."""

    def __init__(self, cores: Iterable[str]) -> None:
        self.bits = {core: 1 << place for place, core in enumerate(cores)}
        self._longest = re.compile(f"(?=({_alternatives(self.bits)}))")
        self._beginnings = {core: self._beginning(core) for core in ("", *self.bits)}
        self._known: dict[int, int] = {}

    def present(self, lowered: str) -> int:
        """The bits of all cores in a text of small letters."""
        found = 0
        known = self._known
        if len(known) > WORDS:
            known = self._known = {}
        for word in set((ASCII_WORD if lowered.isascii() else WORD).findall(lowered)):
            key = hash(word)
            bits = known.get(key)
            if bits is None:
                bits = self._of_word(word)
                if len(word) <= LONGEST:
                    known[key] = bits
            found |= bits
        return found

    def _of_word(self, word: str) -> int:
        bits = 0
        for core in set(self._longest.findall(word)):
            bits |= self._beginnings[core]
        return bits

    def _beginning(self, core: str) -> int:
        """Only the longest core is found at each place of a word: it stands for those that it begins with."""
        return sum(bit for other, bit in self.bits.items() if core.startswith(other))


class Wanted(NamedTuple):
    """A detector's stems, with the bit of their longest run of letters, 0 where that is short. `letters`: all bits of
    those that are nothing else.
    """

    letters: int
    words: tuple[tuple[int, str], ...]
    others: tuple[tuple[int, str], ...]

    def any_in(self, lowered: str, present: int) -> bool:
        """Does one stand in this text, of which `present` are the bits?"""
        if self.letters & present:
            return True
        return any((not core or core & present) and stem in lowered for core, stem in self.others)

    def those_in(self, lowered: str, present: int) -> Iterator[str]:
        """Each that does."""
        yield from (stem for core, stem in self.words if core & present)
        yield from (stem for core, stem in self.others if (not core or core & present) and stem in lowered)


class StemSearch:
    """All stems that anybody has asked for. Threads may share it."""

    def __init__(self) -> None:
        self.table = StemTable(())
        self._lock = Lock()
        self.wanted = lru_cache(1 << 10)(self._wanted)

    def _wanted(self, stems: Stems) -> Wanted:
        """These stems as bits of `table`, which has them from now on. Bits once given stay."""
        cores = {stem: max(WORD.findall(stem), key=len, default="") for stem in stems}
        with self._lock:
            new = [core for core in dict.fromkeys(cores.values()) if core and core not in self.table.bits]
            if new:
                self.table = StemTable((*self.table.bits, *new))
            bits = self.table.bits
        words = tuple((bits[core], stem) for stem, core in cores.items() if stem == core)
        others = tuple((bits.get(core, 0), stem) for stem, core in cores.items() if stem != core)
        return Wanted(sum(bit for bit, _ in words), words, others)


def _alternatives(words: Iterable[str]) -> str:
    """An expression for the longest of the words. Those that begin alike share the beginning, so that each sign of a
    text is compared once.
    """
    endings: dict[str, list[str]] = {}
    whole = False
    for word in words:
        whole = whole or not word
        if word:
            endings.setdefault(word[0], []).append(word[1:])
    ways = "|".join(re.escape(sign) + _alternatives(rest) for sign, rest in sorted(endings.items()))
    return f"(?:{ways}){'?' * whole}" if ways else ""
