"""Which of all detectors' stems stand in a text: one pass over its words answers for all of them.

A detector names the beginnings of words without which it finds nothing. To search a text for each of some five hundred
would take longer than all patterns. Words repeat, so which stems a word has in it is worked out once and remembered by
the word's hash: Python's own, which is different in each process. A text then costs a look at each of its words.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from string import ascii_lowercase
from threading import Lock

LETTERS = 3
"""A stem with fewer letters in a row is searched for as it is."""

WORD = re.compile(rf"[^\W\d_]{{{LETTERS},}}")
LETTERS_ONLY = bytes(sign if sign > 127 or chr(sign) in ascii_lowercase else ord(" ") for sign in range(256))
"""Blanks out what parts words in UTF-8. Quotes and dashes of typesetting stay on their words, which does no harm. To
blank out and split takes half the time of a pattern.
"""

LONGEST = 40
"""Bytes of a word that is remembered: longer ones seldom come again."""

WORDS = 1 << 16
"""Words that are remembered, some 8 MB. At so many all are forgotten."""

Searched = tuple[tuple[int, str], ...]
"""Stems, each with the bit of its longest run of letters."""


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


class Stems:
    """Stems of one detector, in small letters; they may have blanks and signs in them. Made when its module is
    imported, so that one table has those of all before the first text comes.
    """

    def __init__(self, *stems: str) -> None:
        self._stems = stems
        cores = {stem: max(WORD.findall(stem), key=len, default="") for stem in stems}
        bits = {stem: _bit_of(core) for stem, core in cores.items()}
        others = [stem for stem in stems if stem != cores[stem]]
        self._words: Searched = tuple((bits[stem], stem) for stem in stems if stem == cores[stem])
        self._mixed: Searched = tuple((bits[stem], stem) for stem in others if bits[stem])
        self._signs = tuple(stem for stem in others if not bits[stem])
        self._ascii_signs = tuple(filter(str.isascii, self._signs))
        self._any_word = sum({bit for bit, _ in self._words})
        self._any_mixed = sum({bit for bit, _ in self._mixed})
        self.size = max(1, len(_bits))
        """A table of so many bits has those of all its stems."""

    def __iter__(self) -> Iterator[str]:
        return iter(self._stems)

    def stand_in(self, lowered: str, present: int) -> bool:
        """Does one of them stand in this text of small letters, in which these bits are `present`?"""
        if self._any_word & present:
            return True
        if self._any_mixed & present:
            for core, stem in self._mixed:
                if core & present and stem in lowered:
                    return True
        signs = self._ascii_signs if lowered.isascii() else self._signs
        return bool(signs) and any(map(lowered.__contains__, signs))

    def those_in(self, lowered: str, present: int) -> list[str]:
        """Each that does."""
        words = [stem for core, stem in self._words if core & present]
        mixed = [stem for core, stem in self._mixed if core & present and stem in lowered]
        signs = self._ascii_signs if lowered.isascii() else self._signs
        return [*words, *mixed, *filter(lowered.__contains__, signs)]


class StemTable:
    """`bits` has a bit for each run of letters."""

    def __init__(self, bits: Mapping[str, int]) -> None:
        self.bits = dict(bits)
        self._longest = re.compile(f"(?=({_alternatives(self.bits)}))")
        self._beginnings = {core: self._beginning(core) for core in ("", *self.bits)}
        self._known: dict[int, int] = {}

    def present(self, lowered: str) -> int:
        """The bits of all runs of letters that stand in a text of small letters."""
        if len(self._known) > WORDS:
            self._known = {}
        words = list(set(lowered.encode("utf-8", "surrogatepass").translate(LETTERS_ONLY).split()))
        bits = list(map(self._known.get, map(hash, words)))
        found = 0
        for each in set(bits):
            found |= each or 0
        if None in bits:
            for word in (word for word, known in zip(words, bits, strict=True) if known is None):
                found |= self._of_new(word)
        return found

    def _of_new(self, word: bytes) -> int:
        bits = self._of_word(word.decode("utf-8", "surrogatepass"))
        if len(word) <= LONGEST:
            self._known[hash(word)] = bits
        return bits

    def _of_word(self, word: str) -> int:
        bits = 0
        for core in set(self._longest.findall(word)):
            bits |= self._beginnings[core]
        return bits

    def _beginning(self, core: str) -> int:
        """Only the longest is found at each place of a word: it stands for those that it begins with."""
        return sum(self.bits.get(core[:size], 0) for size in range(1, len(core) + 1))


_bits: dict[str, int] = {}
_table = StemTable(_bits)
_lock = Lock()


def stem_table() -> StemTable:
    """The table of all stems that were made until now."""
    global _table  # noqa: PLW0603 — as the stems themselves, a property of the process
    if len(_table.bits) < len(_bits):
        with _lock:
            _table = StemTable(_bits)
    return _table


def _bit_of(core: str) -> int:
    """Its own, which stays; 0 for no letters."""
    if not core:
        return 0
    with _lock:
        return _bits.setdefault(core, 1 << len(_bits))
