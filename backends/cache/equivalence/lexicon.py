"""How two English words are related by WordNet 3.0: alike, opposite, kin (derived), or siblings of one kind."""

import gzip
from functools import lru_cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

Relation = Literal["alike", "opposite", "kin", "sibling"]

OPPOSED = (
    ("", "un"), ("", "in"), ("", "im"), ("", "ir"), ("", "il"), ("", "dis"), ("", "de"), ("", "non"), ("", "mis"),
    ("in", "de"), ("in", "ex"), ("in", "out"), ("im", "ex"), ("en", "de"), ("up", "down"), ("up", "de"), ("at", "de"),
    ("over", "under"), ("pre", "post"), ("con", "dis"), ("a", "de"), ("in", "e"), ("any", "no"), ("some", "no"),
    ("more", "less"), ("with", "without"), ("inter", "exter"), ("in", "up"), ("en", "dis"),
)  # fmt: skip
"""Prefixes that turn a word into its opposite if the rest is the same."""


class LexiconWord(Struct, frozen=True):
    """`senses` are its meanings and `kinds` their hypernyms; only those are stored that another word shares."""

    senses: frozenset[str]
    kinds: frozenset[str]
    antonyms: frozenset[str]
    derived: frozenset[str]


@lru_cache(maxsize=16_384)
def relation(one: str, other: str) -> Relation | None:
    """The closest relation of two words in lower case; None if there is none or a word is unknown. Symmetric.

    "opposite" comes first: "increase" and "decrease" are siblings too.
    """
    if _opposed(one, other):
        return "opposite"
    ours, theirs = _known(one), _known(other)
    found = {_relation(a, b) for a in ours for b in theirs}
    return next((name for name in ("opposite", "kin", "alike", "sibling") if name in found), None)


def _opposed(one: str, other: str) -> bool:
    """ "upload" and "download", "safe" and "unsafe"."""
    return one[-3:] == other[-3:] and any(
        (one.startswith(a) and other.startswith(b) and one[len(a) :] == other[len(b) :] and len(one) - len(a) > 2)
        or (one.startswith(b) and other.startswith(a) and one[len(b) :] == other[len(a) :] and len(one) - len(b) > 2)
        for a, b in OPPOSED
    )


def _relation(a: str, b: str) -> Relation | None:
    words = _words()
    x, y = words[a], words[b]
    if b in x.antonyms or a in y.antonyms or _against(x, y) or _against(y, x):
        return "opposite"
    if a == b or b in x.derived or a in y.derived:
        return "kin"
    if x.senses & y.senses:
        return "alike"
    return "sibling" if x.kinds & y.kinds or x.kinds & y.senses or x.senses & y.kinds else None


def _against(x: LexiconWord, y: LexiconWord) -> bool:
    """ "optional" is the opposite of "mandatory", because that is alike to its antonym "obligatory"."""
    words = _words()
    return any(words[antonym].senses & y.senses for antonym in x.antonyms if antonym in words)


@lru_cache(maxsize=8192)
def _known(word: str) -> tuple[str, ...]:
    """The base forms of `word` that are in the lexicon."""
    words = _words()
    return tuple(form for form in _forms(word) if form in words)


def _forms(word: str) -> tuple[str, ...]:
    """The word and its possible base forms, the likeliest first."""
    found = [word]
    for ending, others in (
        ("ies", ("y",)),
        ("ied", ("y",)),
        ("es", ("e", "")),
        ("s", ("",)),
        ("ing", ("", "e")),
        ("ed", ("", "e")),
        ("er", ("", "e")),
        ("est", ("", "e")),
        ("ly", ("",)),
    ):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            root = word.removesuffix(ending)
            found += [root + other for other in others]
            if len(root) > 2 and root[-1] == root[-2]:
                found.append(root[:-1])
    return tuple(found)


@lru_cache(maxsize=1)
def _words() -> dict[str, LexiconWord]:
    """14,000 words, which cost some 60 ms and 15 MB once."""
    words = {}
    for line in gzip.decompress(Path(__file__).with_name("lexicon.tsv.gz").read_bytes()).decode().splitlines():
        word, *fields = line.split("\t")
        words[word] = LexiconWord(*(frozenset(field.split()) for field in fields))
    return words
