"""Phone numbers, recognised by their form or by a word near them."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.bank_accounts import IBAN
from backends.privacy.text_window import TextWindow

PHONE_WORD = re.compile(
    r"(?i)\b(?:phone|tel|telef|télé?|mobile?|mobil|handy|cell|celu?l?|fax|call|caller|ring|sms|otp|whats ?app|number|"
    r"nummer|num[ée]ro|número|numer|rufn|rückruf|anruf|reach|contact|text|pager|signal|dial|fon|gsm|móvil|portable|"
    r"landline|llama|llám|chiam|rückfrage|erreichbar|unter|appel|joindre|rappel|lig(?:a|ue|ar)\b|bel\b|bellen|d?zadzwo|dzwo|natel|ph\b|soit|тел|"
    r"звон|позвон|перезвон|ara(?:sın|yın)|voicemail|extension|ext\b)|फ़ोन|फोन|电话|電話|携帯|手机|전화|☎|📞"
)
COUNTED = re.compile(
    r"(?i)\b(?:order|ticket|invoice|serial|tracking|parcel|shipment|case|sku|part|build|batch|isbn|ean|version|model|"
    r"error|bestell|auftrag|rechnung|sendung|commande|pedido|fattura|zamówieni|id|ids|row|rows|port|ports|pid)\w{0,6}"
    r"[ \-]?(?:number|no\.?|nr\.?|nummer|n°|#|is|:)?[\s:=#]{0,3}\Z"
)
"""What stands before a number that counts something."""

INTERNATIONAL = re.compile(
    r"(?:(?<![\w+.\-])\+\(?|(?<![\w+./\-])00)[1-9]\d{0,2}\)?(?:[ .\-/]{0,3}\(?\d{1,5}\)?){2,6}(?![\w=/]|[.\-]\d)"
)
NATIONAL = re.compile(
    r"(?<![\w+./\-:])(?:\(\d{2,5}\) ?\d{3,5}[ .\-]?\d{3,5}|0\d{1,5}(?: ?[/\-] ?| )\d{2,6}(?:[ \-]?\d{2,4}){0,3}|"
    r"0\d(?:[ .\-]\d{2}){4}|(?<!\d )\d{3}[.\- ]\d{3}[.\- ]\d{3,4}(?! \d{3})|[6-9]\d{4}[ \-]\d{5}|"
    r"\d{3} \d{2} \d{2} \d{2}|0\d{9,11}|[3-9]\d{8,9}|"
    r"1[3-9]\d{9}|(?<!\d )\d{4}[ \-]\d{3}[ \-]\d{3}(?! \d)|\d{2} \d{4,5}[ \-]\d{4})(?![\w=/]|[.\-:]\d)"
)
UNMISTAKABLE = re.compile(r"\(|0[1-9](?:[ .\-]\d{2}){4}$|07\d{3} \d{6}$|06[ \-]\d{8}$|01[5-7]\d[ /\-]\d{7,8}$")
FICTITIOUS = re.compile(
    r"555[ .\-]?01\d\d$|5550100|^(?:\+1[ .\-]?)?\(?555|^1555(?:000|123)\d{4}$|^98765432|"
    r"01632[ \-]?960|07700[ \-]?900|7700[ \-]?900\d{3}$|7946 0\d{3}$|0{6}"
)
"""Reserved by the numbering plans for films and manuals."""

BYTES_BEFORE = re.compile(r"(?<!\w)(?:\d[0-9a-f]|[0-9a-f]\d|(?:[0-9a-f]{2} {1,2}){2,3}[0-9a-f]{2})\s{1,2}\Z")
BYTES_AFTER = re.compile(r" {1,2}(?:\d[0-9a-f]|[0-9a-f]\d|[0-9a-f]{2} {1,2}[0-9a-f]{2})(?!\w)| {1,4}\|")
"""A dump of bytes has pairs like those of a French number all around."""

COLUMN, COLUMN_AFTER = re.compile(r"\b\d{3,5} {1,3}\Z"), re.compile(r" {1,3}\d{3,5}\b")
ZIP = re.compile(r"\b[A-Z]{2}\s{1,3}\Z")
YEAR = re.compile(r"\((?:19|20)\d\d\)")
"""What stands before the postcode of an American address; the year of a paper, before its pages."""

LONGEST = re.compile(r"\D{0,3}(?:\d\D{0,3}){8,14}(?<=\d)(?!\d)")
"""As many whole groups as a phone number may have (ITU-T E.164); another number may follow."""

PAIRS = re.compile(r"\d\d(?: \d\d){4,}")
PHONE_REACH = 45


def find(window: TextWindow) -> Iterator[Detection]:
    """An international number is enough by itself; a national one needs brackets or a telling word near it."""
    if not window.has_number:
        return
    text = window.text
    accounts = [match.span(1) for match in IBAN.finditer(text)]
    for pattern, alone in ((INTERNATIONAL, True), (NATIONAL, False)):
        for match in pattern.finditer(text):
            longest = LONGEST.match(match[0]) if alone else None
            number = match[0] if longest is None else longest[0]
            digits = sum(map(str.isdigit, number))
            if not 9 <= digits <= 15 or FICTITIOUS.search(number) or _inside(match, accounts):
                continue
            if not alone and _is_other(text, match):
                continue
            if (alone and not number.isdigit()) or UNMISTAKABLE.match(number) or _near_phone_word(text, match):
                yield Detection("phone", match.start(), match.start() + len(number))


def _inside(match: re.Match[str], spans: list[tuple[int, int]]) -> bool:
    return any(start <= match.start() < end for start, end in spans[:100])


def _is_other(text: str, match: re.Match[str]) -> bool:
    """Bytes in a dump, a postcode behind its state, or a year with pages."""
    before = max(0, match.start() - 14)
    if PAIRS.fullmatch(match[0]) and (
        BYTES_BEFORE.search(text, before, match.start()) or BYTES_AFTER.match(text, match.end())
    ):
        return True
    if COLUMN.search(text, before, match.start()) and COLUMN_AFTER.match(text, match.end()):
        return True
    if match[0][5:6] == "-" and ZIP.search(text, before, match.start()):
        return True
    return YEAR.match(match[0]) is not None


def _near_phone_word(text: str, match: re.Match[str]) -> bool:
    if COUNTED.search(text, max(0, match.start() - 30), match.start()):
        return False
    return PHONE_WORD.search(text, max(0, match.start() - PHONE_REACH), match.end() + 25) is not None
