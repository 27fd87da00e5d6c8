"""Payment cards, recognised by issuer, length and check digit, in whatever groups and between whatever signs."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from backends.privacy.detection import Detection, word_set
from backends.privacy.detectors.checksums import luhn
from backends.privacy.text_window import TextWindow

SEPARATOR = re.compile(r"[ \-.,·•_/\t]|[ \-]?\r?\n[ \t]{0,4}")
NUMBERS = re.compile(rf"[0-9](?<![\w+]\d)(?:(?:{SEPARATOR.pattern})?[0-9]){{11,}}(?!\w)")
"""Groups of digits with one sign, blank or line's end between them, as many as there are."""

ISSUER = re.compile(
    r"4|5[1-5]|5[06-8]|2(?:20[0-4]|2[2-9]|[3-6]|7[01]|720)|6(?:011|4[4-9]|[0235-9])|"
    r"3(?:[4-9]|0[0-5])|8[12]|9792"
)
LENGTHS: dict[str, tuple[int, ...]] = {
    "4": (13, 16, 19),
    "5": (16,),
    "2": (16,),
    "6": (16, 17, 18, 19),
    "3": (14, 15, 16),
    "8": (16,),
    "9": (16,),
}
"""Digits of a card that needs no word beside it, by the first one (ISO/IEC 7812, and the issuers' own pages)."""

ALL_LENGTHS = range(12, 20)
ALL_ISSUERS = re.compile(r"[3-6]|2|0604|1800|8[12]|9792")
"""Beside the word: Maestro and JCB have short numbers."""

CARD_WORD = re.compile(
    r"(?i)\b(?:cards?|cc|credit|debit|pay|pays|paid|payment|charged?|visa|master ?card|maestro|amex|american express|"
    r"discover|diners|jcb|karte\w{0,8}|kredit\w{0,12}|carte|tarjeta|carta|cartão|karta|kort\w{0,8}|kaart\w{0,6}|"
    r"kart\w{0,4}|карт\w{0,3})\b|卡|カード|카드"
)
BEFORE, AFTER = 60, 30
"""Characters in which such a word counts."""

TEST_CARDS = word_set(
    """4242424242424242 4111111111111111 5555555555554444 5105105105105100 378282246310005 371449635398431
    6011111111111117 6011000990139424 4012888888881881 4000056655665556 5454545454545454 4444333322221111
    4000000000000002 30569309025904 38520000023237 3530111333300000 3566002020360505 4222222222222
    4917610000000000 5200828282828210 4000002500003155"""
)
"""Printed by payment vendors for tests."""

PRINTED = ((4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 4, 4, 1), (4, 4, 5))
"""Sizes of groups as cards have them."""

COLUMNS = re.compile(r"\d{4}-[01]\d-[0-3]\d |(?: 00){3}|(?: 0){2}\b")
"""A date before a time, and bytes."""

MOST_GROUPS, MOST_ALONE = 80, 6
"""Groups of a row of numbers that are looked at. In a longer one half of them must belong to cards: one in ten sets of
four groups has the right last digit by chance.
"""


class Group(NamedTuple):
    start: int
    end: int


def find(window: TextWindow) -> Iterator[Detection]:
    """Cards whose check digit is right, except those that payment vendors print for tests."""
    for match in NUMBERS.finditer(window.text):
        for start, end in _cards(window.text, match):
            yield Detection("card", start, end)


def _cards(text: str, match: re.Match[str]) -> list[tuple[int, int]]:
    """The run of numbers itself, or cards in it that are grouped as they are printed."""
    if COLUMNS.search(match[0]) or _continues(text, match):
        return []
    groups = _groups(match)
    told = CARD_WORD.search(text, max(0, match.start() - BEFORE), match.end() + AFTER) is not None
    if "," in match[0] and not told and MORE_NUMBERS.match(text, match.end()):
        return []
    if _is_whole(text, groups, told=told):
        return [match.span()]
    found, at = [], 0
    while at < len(groups):
        size = _printed(text, groups, at)
        if size:
            found.append((groups[at].start, groups[at + size - 1].end))
        at += size or 1
    alone = len(groups) <= MOST_ALONE or told
    covered = sum(start <= group.start < end for start, end in found for group in groups)
    return found if alone or 2 * covered >= len(groups) else []


def _groups(match: re.Match[str]) -> list[Group]:
    ends = [gap.span() for gap in SEPARATOR.finditer(match.string, *match.span())][:MOST_GROUPS]
    starts = [match.start(), *(end for _, end in ends)]
    return [Group(start, end) for start, end in zip(starts, [*(start for start, _ in ends), match.end()], strict=True)]


def _continues(text: str, match: re.Match[str]) -> bool:
    """Is it a piece of a path, a decimal fraction, a name or an account's number?"""
    before = text[max(0, match.start() - 6) : match.start()]
    return NO_START.search(before) is not None or NO_END.match(text, match.end()) is not None


MORE_NUMBERS = re.compile(r",\s{1,4}\d{1,6}\b(?!/)")
"""A list of numbers goes on; a month with its year is when a card expires."""

NO_START = re.compile(r"[\w.\-+/]\Z|\b[A-Z]{2}\d{2} \Z|\b(?=[0-9A-F]{0,3}[A-F])[0-9A-F]{4}\s\Z")
NO_END = re.compile(r"[\w/]|[.\-]\d|\s(?=[0-9A-F]{0,3}[A-F])[0-9A-F]{4}\b")
"""Code points stand in rows of four digits and letters."""


def _is_whole(text: str, groups: list[Group], *, told: bool) -> bool:
    """Are all groups one card? Beside the word in any groups and of any issuer, without it in even ones on two lines
    at most.
    """
    digits = "".join(text[start:end] for start, end in groups)
    if told and len(digits) in ALL_LENGTHS:
        return ALL_ISSUERS.match(digits) is not None and luhn(digits) and digits not in TEST_CARDS
    sizes = tuple(end - start for start, end in groups)
    even = len(set(sizes)) == 1 or all(size % 4 == 0 for size in sizes) or sizes in PRINTED
    lines = text.count("\n", groups[0].start, groups[-1].end)
    return even and len(sizes) <= 8 and lines < 2 and len(_signs(text, groups)) < 2 and _is_card(digits)


def _printed(text: str, groups: list[Group], at: int) -> int:
    """Groups of a card that begins with the group `at`, 0 where none does: one group between blanks, or several with
    one sign between them.
    """
    start, end = groups[at]
    if end - start >= 13:
        beside = {text[start - 1] if at else " ", text[end] if at + 1 < len(groups) else " "}
        return int(beside <= set(" \t\r\n,") and _is_card(text[start:end]))
    for sizes in PRINTED:
        own = groups[at : at + len(sizes)]
        digits = "".join(text[start:end] for start, end in own)
        if tuple(end - start for start, end in own) == sizes and _is_line(text, own) and _is_card(digits):
            return len(sizes)
    return 0


def _is_line(text: str, groups: list[Group]) -> bool:
    """On one line, with the same sign between them."""
    return len(_signs(text, groups)) == 1 and "\n" not in text[groups[0].start : groups[-1].end]


def _signs(text: str, groups: list[Group]) -> set[str]:
    """What stands between groups; blanks and line ends count as one."""
    return {text[left.end : right.start].strip() or " " for left, right in pairwise(groups)}


def _is_card(digits: str) -> bool:
    """A card's length, issuer and Luhn digit."""
    fits = len(digits) in LENGTHS.get(digits[:1], ()) and ISSUER.match(digits) is not None
    return fits and digits not in TEST_CARDS and luhn(digits)
