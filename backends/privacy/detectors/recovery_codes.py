"""What opens an account or a wallet when all else is lost: seed phrases, backup codes, recovery keys."""

import re
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

from backends.privacy.detection import Detection, word_set
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

CODES = re.compile(
    r"(?i)\b(?:backup|recovery|rescue|scratch|wiederherstellungs|secours|respaldo)[ \-]?(?:codes?|schlüssel|keys?)\b"
    r"[^\n]{0,40}?((?:\b[a-z0-9]{4,5}-[a-z0-9]{4,6}\b[\s,;]{0,3}|\b\d{8}\b[\s,;]{0,3}){2,20})"
)
BITLOCKER = re.compile(r"(?<!\d)\d{6}(?:-\d{6}){7}(?!\d)")
LENGTH_OF_KEY = 55
SEED = re.compile(
    r"(?i)\b(?:seed|mnemonic|recovery phrase|secret phrase|wallet phrase|wiederherstellungsphrase)\b[^\n]{0,40}?\s"
    r"((?:\d{1,2}[.):]\s{0,2})?(?-i:[a-z]{3,8})(?:[\s,;]{1,3}(?:\d{1,2}[.):]\s{0,2})?(?-i:[a-z]{3,8})){11,23}(?![a-z]))"
)
CODE_STEMS = Stems("backup", "recovery", "rescue", "scratch", "wiederh", "secours", "respaldo")
SEED_STEMS = Stems("seed", "mnemonic", "phrase")

PROSE = word_set("the and for are but not from into onto per via was has had its how")
"""Words that are in no list of seed words."""

SIZES = (24, 21, 18, 15, 12)
LEAST = SIZES[-1]
"""Words of a phrase (BIP-39)."""

DISTINCT = 8
CHECKS = 64
"""Checksums that are computed for one text: a text of nothing but such words costs no more."""

JOINT = ",;"
TOKEN = re.compile(r"\S+")
LETTERS = re.compile(r"[a-z]+")


def find(window: TextWindow) -> Iterator[Detection]:
    """Phrases and codes that their name announces, and phrases whose checksum is right."""
    if window.has_any(CODE_STEMS):
        for match in CODES.finditer(window.text):
            yield Detection("password", *match.span(1))
    for start, end in window.number_stretches:
        if end - start >= LENGTH_OF_KEY:
            for match in BITLOCKER.finditer(window.text, start, end):
                yield Detection("password", *match.span())
    if window.has_any(SEED_STEMS):
        for match in SEED.finditer(window.text):
            if _is_seed(match[1]):
                yield Detection("password", *match.span(1))
    yield from _phrases(window)


def _is_seed(value: str) -> bool:
    said = LETTERS.findall(value)
    return len(set(said)) >= DISTINCT and not PROSE.intersection(said)


WORDS = Path(__file__).with_name("bip39_english.txt").read_text(encoding="ascii").split()
NUMBERS = {word: number for number, word in enumerate(WORDS)}
"""The words of BIP-39 with their numbers. They are read at the import: a request on the event loop reads no file."""


def _phrases(window: TextWindow) -> Iterator[Detection]:
    """Runs of words of the list with a right checksum. Of twelve words in a row, one has a number that twelve divides:
    no others are looked up.
    """
    words = window.lowered.split()
    places: list[tuple[int, int]] = []
    for first, last in islice(_runs(words, NUMBERS), CHECKS):
        found = _phrase([NUMBERS[word.rstrip(JOINT)] for word in words[first:last]])
        if found is not None:
            places = places or [match.span() for match in TOKEN.finditer(window.lowered)]
            yield Detection("password", places[first + found[0]][0], places[first + found[1] - 1][1])


def _runs(words: list[str], numbers: dict[str, int]) -> Iterator[tuple[int, int]]:
    """Stretches of at least twelve words that are all in the list."""
    at = LEAST - 1
    while at < len(words):
        first = last = at
        while last < len(words) and words[last].rstrip(JOINT) in numbers:
            last += 1
        while last > at and first > 0 and words[first - 1].rstrip(JOINT) in numbers:
            first -= 1
        if last - first >= LEAST:
            yield first, last
        at = max(last - 1, at) + LEAST


def _phrase(numbers: list[int]) -> tuple[int, int] | None:
    """Where a phrase with a right checksum stands in a run, the longest first."""
    sizes = (size for size in SIZES if size <= len(numbers))
    tries = ((start, start + size) for size in sizes for start in range(len(numbers) - size + 1))
    return next((each for each in islice(tries, CHECKS) if _is_phrase(numbers[each[0] : each[1]])), None)


def _is_phrase(numbers: list[int]) -> bool:
    """Eleven bits a word: the entropy, and in the last ones the beginning of its SHA-256."""
    if len(set(numbers)) < DISTINCT:
        return False
    bits = len(numbers) // 3
    whole = int("".join(f"{number:011b}" for number in numbers), 2)
    entropy = (whole >> bits).to_bytes(bits * 4, "big")
    return sha256(entropy).digest()[0] >> (8 - bits) == whole & ((1 << bits) - 1)
