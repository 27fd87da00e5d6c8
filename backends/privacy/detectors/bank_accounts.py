"""Bank accounts (IBAN), recognised by length and check digits."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection, word_set
from backends.privacy.detectors.checksums import mod97
from backends.privacy.text_window import TextWindow

IBAN = re.compile(
    r"(?<![A-Za-z0-9])(?=((?:[A-Za-z]{2}\d{2}|[A-Z]{2}[ \-]\d{2})"
    r"(?:(?:[ \-.\t]|[ \-]?\r?\n[ \t>]{0,4})?[A-Za-z0-9]){11,30})(?![A-Za-z0-9]))"
)
"""Searched for from every place, as words before an account number look like the beginning of one. Its groups may be
of any size, and on two lines.
"""

BANK = 8
"""Characters of a country and a bank's letters before the digits that each account has."""

LONGEST_IBAN = 64
"""Characters, with separators."""

IBAN_LENGTHS = {
    entry[:2]: int(entry[2:])
    for entry in word_set(
        """AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18
    FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20
    LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24
    SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"""
    )
}
"""Characters of each country's IBAN, from SWIFT's registry."""

DOCUMENTED_IBANS = word_set(
    """DE89370400440532013000 GB82WEST12345698765432 GB29NWBK60161331926819 FR1420041010050500013M02606
    NL91ABNA0417164300 ES9121000418450200051332 IT60X0542811101000000123456 CH9300762011623852957 BE68539007547034
    AT611904300234573201"""
)
"""Printed by manuals."""


HASH = re.compile(r"[a-f]{2}\d\d\d*[a-f][0-9a-f]{10,60}")
BASE64_BEFORE = re.compile(r"[A-Za-z0-9+/]{12}[+/]\Z")
BASE64_AFTER = re.compile(r"[+/][A-Za-z0-9+/=]{12}|={1,2}(?![A-Za-z0-9])")


def find(window: TextWindow) -> Iterator[Detection]:
    """Accounts whose check digits are right, except those that manuals print."""
    text = window.text
    for start, end in window.number_stretches:
        for match in IBAN.finditer(text, max(0, start - BANK), end):
            size = _iban_length(match[1])
            if size and not _in_a_run(text, match.start(1), match.start(1) + size):
                yield Detection("iban", match.start(1), match.start(1) + size)


def _in_a_run(text: str, start: int, end: int) -> bool:
    """Is it a piece of base64, or a hash in small letters, of which one in a hundred has fitting check digits?"""
    if HASH.fullmatch(text, start, end) or BASE64_BEFORE.search(text, max(0, start - 16), start) is not None:
        return True
    return BASE64_AFTER.match(text, end) is not None


def _iban_length(account: str) -> int:
    """Characters of `account` that are an IBAN by ISO 13616's length and check digits, 0 where none are; words that
    follow after a blank are not part of it.
    """
    places = [place for place, sign in enumerate(account) if sign.isalnum()]
    compact = "".join(account[place] for place in places).upper()
    size = IBAN_LENGTHS.get(compact[:2], len(compact) if account[:2].isupper() else len(account) + 1)
    if len(compact) < size or compact[:size] in DOCUMENTED_IBANS or not mod97(compact[:size]):
        return 0
    end = places[size - 1] + 1
    return end if not account[end : end + 1].isalnum() else 0
