"""Cards and bank accounts, told by their check digits."""

import re
from collections.abc import Iterator

from backends.privacy.detectors.checksums import luhn, mod97
from backends.privacy.hit import Hit, words
from backends.privacy.window import Window

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

IBAN = re.compile(r"(?<![A-Za-z0-9])(?=((?i:[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]){11,30}))(?![A-Za-z0-9]))")
"""Looked for from every place: words before an account number look like the beginning of one."""

IBAN_LENGTHS = {
    entry[:2]: int(entry[2:])
    for entry in words(
        """AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18
        FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20
        LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24
        SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"""
    )
}
"""Characters of each country's IBAN, from SWIFT's registry."""

TEST_CARDS = words(
    """4242424242424242 4111111111111111 5555555555554444 5105105105105100 378282246310005 371449635398431
    6011111111111117 6011000990139424 4012888888881881 4000056655665556 5454545454545454 4444333322221111
    4000000000000002 30569309025904 38520000023237 3530111333300000 3566002020360505 4222222222222
    4917610000000000 5200828282828210 4000002500003155"""
)
"""Printed by payment vendors for tests."""

DOCUMENTED_IBANS = words(
    """DE89370400440532013000 GB82WEST12345698765432 GB29NWBK60161331926819 FR1420041010050500013M02606
    NL91ABNA0417164300 ES9121000418450200051332 IT60X0542811101000000123456 CH9300762011623852957 BE68539007547034
    AT611904300234573201"""
)
"""Printed by manuals."""


FOURS = re.compile(r"(?<![\w.])(?<!\b\d{4}[ \-])(?<!\b[A-Z]{2}\d{2} )(?:\d{4}[ \-]){3,79}\d{4}(?![\w.])")
"""Groups of four among other numbers."""

GROUPS = re.compile(r"(?:\d{4}[ \-]){3}\d{1,4}|\d{4}[ \-]\d{6}[ \-]\d{4,5}|\d{13,19}|(?:\d{4}[ \-]){4}\d{3}")
"""How a card's digits are printed."""


WRAPPED = re.compile(
    r"(?<![\w.,\-+/])(?<!\d[ \t\n])\d{4}(?:[ \-]\d{4}){0,2}[ \-]?\r?\n {0,4}\d{4}(?:[ \-]\d{4}){0,2}"
    r"(?![\w/]|[.,\-]\d)(?!\s{0,4}\d)"
)
"""A card's four groups over two lines, with no other number beside them: columns of numbers go on."""


def find(window: Window) -> Iterator[Hit]:
    """Cards and accounts whose check digits are right."""
    if not window.has_number:
        return
    for match in CARD.finditer(window.text):
        yield from _cards(match)
    for match in FOURS.finditer(window.text):
        yield from _row(match)
    for match in WRAPPED.finditer(window.text):
        if sum(map(str.isdigit, match[0])) == 16 and _is_card(match[0]):
            yield Hit("card", *match.span())
    for match in IBAN.finditer(window.text):
        size = _iban_length(match[1])
        if size:
            yield Hit("iban", match.start(1), match.start(1) + size)


def _row(match: re.Match[str]) -> Iterator[Hit]:
    """One card alone, or cards one after the other; by chance one four of groups in ten has the right last digit."""
    starts = range(0, len(match[0]) - 18, 20)
    cards = [start for start in starts if _is_card(match[0][start : start + 19])]
    if len(cards) > 1 or (cards and len(match[0]) == 19):
        for start in cards:
            yield Hit("card", match.start() + start, match.start() + start + 19)


def _cards(match: re.Match[str]) -> Iterator[Hit]:
    """The run as a whole, or without a number that stands before or after the card's own."""
    if _is_card(match[0]):
        yield Hit("card", *match.span())
        return
    starts = [0, *(gap.end() for gap in SEPARATOR.finditer(match[0]))][:2]
    ends = [*(gap.start() for gap in SEPARATOR.finditer(match[0])), len(match[0])][-2:]
    for start in starts:
        for end in ends:
            digits = match[0][start:end]
            if digits != match[0] and GROUPS.fullmatch(digits) and _is_card(digits):
                yield Hit("card", match.start() + start, match.start() + end)


SEPARATOR = re.compile(r"[ \-]")


def _is_card(number: str) -> bool:
    """A card's length, issuer and Luhn digit."""
    digits = re.sub(r"\D", "", number)
    fits = len(digits) in LENGTHS.get(digits[:1], ()) and ISSUER.match(digits) is not None
    return fits and digits not in TEST_CARDS and luhn(digits)


def _iban_length(account: str) -> int:
    """Characters of `account` that are an IBAN by ISO 13616's length and check digits, 0 where none are; words that
    follow after a blank are not part of it.
    """
    places = [place for place, sign in enumerate(account) if sign not in " -"]
    compact = "".join(account[place] for place in places).upper()
    size = IBAN_LENGTHS.get(compact[:2], len(compact))
    if len(compact) < size or compact[:size] in DOCUMENTED_IBANS or not mod97(compact[:size]):
        return 0
    end = places[size - 1] + 1
    return end if account[end : end + 1] in ("", " ", "-") else 0
