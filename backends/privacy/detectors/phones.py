"""Phone numbers, recognised by their form or by a word near them."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.bank_accounts import IBAN, LONGEST_IBAN
from backends.privacy.detectors.phone_plans import NATIONAL_FORM
from backends.privacy.text_window import TextWindow

PHONE_WORD = re.compile(
    r"(?i)\b(?:phone|tel|telef|télé?|mobile?|mobil|handy|cell|celu?l?|fax|call|caller|ring|sms|otp|whats ?app|number|"
    r"nummer|num[ée]ro|número|numer|rufn|rückruf|anruf|reach|contact|text|pager|signal|dial|fon|gsm|móvil|portable|"
    r"landline|llama|llám|chiam|rückfrage|erreichbar|unter|appel|joindre|rappel|lig(?:a|ue|ar)\b|bel\b|bellen|d?zadzwo|dzwo|natel|ph\b|soit|тел|"
    r"звон|позвон|перезвон|ara(?:sın|yın)|voicemail|extension|ext\b)|फ़ोन|फोन|电话|電話|携帯|手机|전화|☎|📞"
)
COUNTED = re.compile(
    r"(?i)\b(?:order|ticket|invoice|serial|tracking|parcel|shipment|case|sku|part|build|batch|isbn|ean|version|model|"
    r"error|bestell|auftrag|rechnung|sendung|commande|pedido|fattura|zamówieni|id|ids|row|rows|port|ports|pid|licen[cs]e|"
    r"account|reference|ref|customer|policy|member|grant|patent|issn|doi|rfc|art|article|lot|zip|oid)\w{0,6}"
    r"[ \-]?(?:number|no\.?|nr\.?|nummer|n°|#|is|:)?[\s:=#]{0,3}\Z"
)
"""What stands before a number that counts something."""

CALLED = re.compile(
    r"(?i)(?:\b(?:(?:tele)?phone|tel|mobile?|mob|cell|handy|fax|desk|office|whats ?app|sms|landline|telefon\w{0,3}|"
    r"tel[ée]fono|téléphone|portable|cellulare|telemóvel|komórka|gsm|registered|dial|natel|rufnummer|durchwahl|hotline)"
    r"(?: (?:number|no|nr|is|at|on|to))?|"
    r"\b(?:answering|reach(?:ed|able)?|call(?:ed|ing)?|ring|text|phone|contact)"
    r"(?: (?:me|us|him|her|them|back|again)){0,2} (?:at|on|under|from)|"
    r"\b(?:hold of|get|find) (?:me|us|him|her|them) (?:at|on|under)|my (?:new |old )?number is|тел)[\s.:=+*\-]{0,4}\Z"
)
CALLED_AFTER = re.compile(r"(?i) ?[\-(]{1,2}(?:office|mobile|cell|fax|home|work|desk|phone|tel)\b")
"""A word directly beside a number, so that a short one counts, too."""

INTERNATIONAL = re.compile(
    r"(?:(?<![\w+.\-])\+\(?|(?<![\w+./\-])00)[1-9]\d{0,2}\)?(?:[ .\-/]{0,3}\(?\d{1,5}\)?){2,6}(?!(?!x\d)[\w=/]|[.\-]\d)"
)
NATIONAL = re.compile(
    r"(?<![\w+./\-:])(?:\(\d{2,5}\) ?\d{3,5}[ .\-]?\d{3,5}|0\d{1,5}(?: ?[/\-] ?| )\d{2,6}(?:[ \-]?\d{2,4}){0,3}|"
    r"0\d(?:[ .\-]\d{2}){4}|(?<!\d )\d{3}[.\- ]\d{3}[.\- ]\d{3,4}(?! \d{3})|[6-9]\d{4}[ \-]\d{5}|"
    r"\d{3} \d{2} \d{2} \d{2}|0\d{9,11}|[3-9]\d{8,9}|"
    r"1[3-9]\d{9}|(?<!\d )\d{4}[ \-]\d{3}[ \-]\d{3}(?! \d)|\d{2} \d{4,5}[ \-]\d{4})(?![\w=/]|[.\-:]\d)"
)
GROUPS = re.compile(r"\(?\d{1,5}\)?(?: ?[ .\-/] ?\(?\d{2,8}\)?| ?\(\d{2,8}\)?|(?<=\))\d{2,8}){1,6}")
"""All groups of digits that stand together."""

TOUCHES_BEFORE = re.compile(r"[\w+./\-:=$€£#&%~^*]\Z|[\d)][ ,;\t]{1,3}\Z|\d  ?\(?\Z")
TOUCHES_AFTER = re.compile(r"[\w=/%]|[.\-:,]\d|[ \t]{1,3}[\d(.|]")
"""Where other signs or numbers are beside them it is a sum, a path, or a row of a table."""

EXTENSION = re.compile(r" ?(?:x|ext\.?|extension|Durchwahl|DW) ?\d{1,6}\b")
SHORT = re.compile(r"(?<!\d)(?:\(\d\) )?(?:\d{2,4}(?:[ .\-/]\d{2,4}){1,3}|\d\d \d{6}|\d{3} \d{7}|\d{7,11})(?!\d)")
"""With a word directly beside it."""

UNMISTAKABLE = re.compile(r"\(|0[1-9](?:[ .\-]\d{2}){4}$|07\d{3} \d{6}$|06[ \-]\d{8}$|01[5-7]\d[ /\-]\d{7,8}$")
FICTITIOUS = re.compile(
    r"555[ .\-]?01\d\d$|5550100|^(?:\+1[ .\-]?)?\(?555|^1555(?:000|123)\d{4}$|^98765432|"
    r"01632[ \-]?960|07700[ \-]?900|7700[ \-]?900\d{3}$|7946 0\d{3}$|0{6}"
)
"""Reserved by the numbering plans for films and manuals."""

BYTES_BEFORE = re.compile(r"(?<!\w)(?:\d[0-9a-f]|[0-9a-f]\d|(?:[0-9a-f]{2} {1,2}){2,3}[0-9a-f]{2})\s{1,2}\Z")
BYTES_AFTER = re.compile(r" {1,2}(?:\d[0-9a-f]|[0-9a-f]\d|[0-9a-f]{2} {1,2}[0-9a-f]{2})(?!\w)| {1,4}\|")
"""A dump of bytes has pairs like those of a French number all around."""

COLUMN, COLUMN_AFTER = re.compile(r"\b[\dA-F]{3,5} {1,3}\Z"), re.compile(r" {1,3}(?:[\dA-F]{3,5}\b|;)")
CODE_POINTS = re.compile(r" {1,3};")
ZIP = re.compile(r"\b[A-Z]{2}\s{1,3}\Z")
YEAR = re.compile(r"\((?:19|20)\d\d\)")
"""What stands before the postcode of an American address; the year of a paper, before its pages."""

DATE = re.compile(r"(?:0?[1-9]|[12]\d|3[01])[./\-](?:0?[1-9]|1[0-2])[./\-](?:19|20)?\d\d(?!\d)")

LONGEST = re.compile(r"\D{0,3}(?:\d\D{0,3}){8,14}(?<=\d)(?!\d)")
"""As many whole groups as a phone number may have (ITU-T E.164); another number may follow."""

PAIRS = re.compile(r"\d\d(?: \d\d){4,}")
PHONE_REACH = 45


def find(window: TextWindow) -> Iterator[Detection]:
    """An international number is enough by itself, and a national one in a form that nothing else has; any other needs
    a telling word near it.
    """
    if not window.has_number:
        return
    text = window.text
    for start, end in window.number_stretches:
        for number in _numbers(text, start, end):
            if not _in_account(text, number):
                more = EXTENSION.match(text, number.end)
                yield number if more is None else number._replace(end=more.end())


def _numbers(text: str, start: int, end: int) -> Iterator[Detection]:
    for match in INTERNATIONAL.finditer(text, start, end):
        longest = LONGEST.match(match[0])
        number = match[0] if longest is None else longest[0]
        if match[0].startswith("00") and CODE_POINTS.match(text, match.end()):
            continue
        if _is_phone(number) and (not number.isdigit() or _near_phone_word(text, match)):
            yield Detection("phone", match.start(), match.start() + len(number))
    for match in NATIONAL.finditer(text, start, end):
        told = UNMISTAKABLE.match(match[0]) or _near_phone_word(text, match)
        if told and _is_phone(match[0]) and not _is_other(text, match):
            yield Detection("phone", *match.span())
    for match in GROUPS.finditer(text, start, end):
        if NATIONAL_FORM.fullmatch(match[0]) and not FICTITIOUS.search(match[0]) and _stands_alone(text, match):
            yield Detection("phone", *match.span())
    for match in SHORT.finditer(text, start, end):
        if _is_called(text, match):
            yield Detection("phone", *match.span())


def _is_phone(number: str) -> bool:
    return 9 <= sum(map(str.isdigit, number)) <= 15 and not FICTITIOUS.search(number)


def _stands_alone(text: str, match: re.Match[str]) -> bool:
    """Neither in a row of numbers, nor counted, nor a date."""
    before = max(0, match.start() - 30)
    if TOUCHES_BEFORE.search(text, before, match.start()) or COUNTED.search(text, before, match.start()):
        return False
    if TOUCHES_AFTER.match(text, match.end()) and not EXTENSION.match(text, match.end()):
        return False
    return DATE.match(match[0]) is None and not _is_other(text, match)


def _is_called(text: str, match: re.Match[str]) -> bool:
    """A short number directly beside the word for a phone."""
    if not 7 <= sum(map(str.isdigit, match[0])) <= 11 or FICTITIOUS.search(match[0]) or DATE.match(match[0]):
        return False
    if CALLED.search(text, max(0, match.start() - PHONE_REACH), match.start()) is None:
        return CALLED_AFTER.match(text, match.end()) is not None and _stands_alone(text, match)
    return TOUCHES_AFTER.match(text, match.end()) is None or EXTENSION.match(text, match.end()) is not None


def _in_account(text: str, number: Detection) -> bool:
    """Is it a piece of a bank account?"""
    accounts = IBAN.finditer(text, max(0, number.start - LONGEST_IBAN), number.end + LONGEST_IBAN)
    return any(match[1][2].isdigit() and match.start(1) <= number.start < match.end(1) for match in accounts)


def _is_other(text: str, match: re.Match[str]) -> bool:
    """Bytes in a dump, a postcode behind its state, or a year with pages."""
    before = max(0, match.start() - 14)
    if PAIRS.fullmatch(match[0]) and (
        BYTES_BEFORE.search(text, before, match.start()) or BYTES_AFTER.match(text, match.end())
    ):
        return True
    if COLUMN_AFTER.match(text, match.end()) and (
        COLUMN.search(text, before, match.start()) or CODE_POINTS.match(text, match.end())
    ):
        return True
    if match[0][5:6] == "-" and ZIP.search(text, before, match.start()):
        return True
    return YEAR.match(match[0]) is not None


def _near_phone_word(text: str, match: re.Match[str]) -> bool:
    if COUNTED.search(text, max(0, match.start() - 30), match.start()):
        return False
    return PHONE_WORD.search(text, max(0, match.start() - PHONE_REACH), match.end() + 25) is not None
