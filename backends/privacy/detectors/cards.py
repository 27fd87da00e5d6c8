"""Payment cards, recognised by issuer, length and check digit."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection, word_set
from backends.privacy.detectors.checksums import luhn
from backends.privacy.text_window import TextWindow

CARD = re.compile(r"(?<![\w.\-+/])(?<!\b[A-Z]{2}\d{2} )(?:\d[ \-]?){12,18}\d(?![\w/]|[.\-]\d)")
ISSUER = re.compile(
    r"4|5[1-5]|5[06-8]|2(?:2[2-9]|[3-6]|7[01]|720)|6(?:011|4[4-9]|[0235-9])|3(?:[4689]|7|0[0-5]|5[2-8])"
)
LENGTHS: dict[str, tuple[int, ...]] = {
    "4": (13, 16, 19),
    "5": (16,),
    "2": (16,),
    "6": (16, 17, 18, 19),
    "3": (14, 15, 16),
}

TEST_CARDS = word_set(
    """4242424242424242 4111111111111111 5555555555554444 5105105105105100 378282246310005 371449635398431
    6011111111111117 6011000990139424 4012888888881881 4000056655665556 5454545454545454 4444333322221111
    4000000000000002 30569309025904 38520000023237 3530111333300000 3566002020360505 4222222222222
    4917610000000000 5200828282828210 4000002500003155"""
)
"""Printed by payment vendors for tests."""

FOURS = re.compile(r"(?<![\w.])(?<!\b\d{4}[ \-])(?<!\b[A-Z]{2}\d{2} )(?:\d{4}[ \-]){3,79}\d{4}(?![\w.])")
"""Groups of four among other numbers."""

GROUPS = re.compile(r"(?:\d{4}[ \-]){3}\d{1,4}|\d{4}[ \-]\d{6}[ \-]\d{4,5}|\d{13,19}|(?:\d{4}[ \-]){4}\d{3}")
"""How a card's digits are printed."""


WRAPPED = re.compile(
    r"(?<![\w.,\-+/])(?<!\d[ \t\n])\d{4}(?:[ \-]\d{4}){0,2}[ \-]?\r?\n {0,4}\d{4}(?:[ \-]\d{4}){0,2}"
    r"(?![\w/]|[.,\-]\d)(?!\s{0,4}\d)"
)
"""A card's four groups over two lines, with no other number beside them, as columns of numbers have."""


def find(window: TextWindow) -> Iterator[Detection]:
    """Cards whose check digit is right, except those that payment vendors print for tests."""
    if not window.has_number:
        return
    for match in CARD.finditer(window.text):
        yield from _cards(match)
    for match in FOURS.finditer(window.text):
        yield from _row(match)
    for match in WRAPPED.finditer(window.text):
        if sum(map(str.isdigit, match[0])) == 16 and _is_card(match[0]):
            yield Detection("card", *match.span())


def _row(match: re.Match[str]) -> Iterator[Detection]:
    """One card alone, or several in a row: one in ten sets of four groups has the right last digit by chance."""
    starts = range(0, len(match[0]) - 18, 20)
    cards = [start for start in starts if _is_card(match[0][start : start + 19])]
    if len(cards) > 1 or (cards and len(match[0]) == 19):
        for start in cards:
            yield Detection("card", match.start() + start, match.start() + start + 19)


def _cards(match: re.Match[str]) -> Iterator[Detection]:
    """The whole run, or the run without another number before or after the card's own."""
    if COLUMNS.search(match[0]) is not None:
        return
    if _is_card(match[0]):
        yield Detection("card", *match.span())
        return
    starts = [0, *(gap.end() for gap in SEPARATOR.finditer(match[0]))][:2]
    ends = [*(gap.start() for gap in SEPARATOR.finditer(match[0])), len(match[0])][-2:]
    for start in starts:
        for end in ends:
            digits = match[0][start:end]
            if digits != match[0] and GROUPS.fullmatch(digits) and _is_card(digits):
                yield Detection("card", match.start() + start, match.start() + end)


SEPARATOR = re.compile(r"[ \-]")
COLUMNS = re.compile(r"\d{4}-[01]\d-[0-3]\d |(?: 00){3}|(?: 0){2}\b|\b(?:\d )(?:\d ){0,1}\d{5}|\d{7,} \d{7}")
"""A date before a time, bytes, and counters beside each other, as listings have."""


def _is_card(number: str) -> bool:
    """A card's length, issuer and Luhn digit."""
    digits = re.sub(r"\D", "", number)
    fits = len(digits) in LENGTHS.get(digits[:1], ()) and ISSUER.match(digits) is not None
    return fits and digits not in TEST_CARDS and luhn(digits)
