"""Where a person is reached: e-mail, phone, postal address, and a passport's number."""

import re
from collections.abc import Iterator

from backends.router.privacy.hit import Hit, has_any, words
from backends.router.privacy.payment import IBAN

EMAIL = re.compile(
    r"(?<![\w.+\-/:])([A-Za-z0-9_][\w.+\-]{0,63})(?:@|%40)((?:[A-Za-z0-9\-]{1,63}\.){1,5}[A-Za-z]{2,24})(?![\w@])"
)
RESERVED = re.compile(
    r"(?i)(^|\.)(example|invalid|test|local|localhost|internal|lan|corp|home)(\.[a-z]{2,6})?$|"
    r"^(domain|host|server|mail|company|yourdomain|acme)\.(com|org|net|tld)$"
)
ROLE = re.compile(
    r"(?i)^(git|noreply|no-reply|donotreply|root|postgres|svn|hg|user|username|name|you|your.?name|me|someone|foo|bar|"
    r"test|nobody)$"
)

PHONE_WORD = re.compile(
    r"(?i)\b(?:phone|tel|telefon|telefone|teléfono|telefono|téléphone|tél|mobile?|mobil|handy|cell|celular|fax|call|ring|"
    r"sms|whatsapp|number|nummer|numéro|número|numero|numer|rufnummer|anrufen|reach|contact|text|pager|signal|dial|fon|"
    r"telefoon|gsm|móvil|portable)\b|फ़ोन|फोन|电话|電話|手机"
)
INTERNATIONAL = re.compile(r"(?<![\w+./=\-])(?:\+|00)[1-9]\d{0,2}(?:[ .\-/]{0,2}\(?\d{1,5}\)?){2,6}(?![\w=/]|[.\-]\d)")
NATIONAL = re.compile(
    r"(?<![\w+./=\-:])(?:\(\d{2,5}\) ?\d{3,5}[ .\-]?\d{3,5}|0\d{1,5}[ /\-]\d{2,6}(?:[ \-]?\d{2,4}){0,3}|"
    r"0\d(?:[ .]\d{2}){4}|\d{3}[.\- ]\d{3}[.\- ]\d{3,4}|[6-9]\d{4} \d{5}|\d{3} \d{2} \d{2} \d{2}|0\d{9,11}|"
    r"[3-9]\d{8,9})(?![\w=/]|[.\-:]\d)"
)
UNMISTAKABLE = re.compile(r"\(|0\d(?:[ .]\d{2}){4}$")
FICTITIOUS = re.compile(r"555[ .\-]?01\d\d$|5550100")
PHONE_REACH = 45

FRENCH = (
    r"\b\d{1,5}[a-z]?,? (?:bis )?(?:rue|avenue|av\.|boulevard|bd|chemin|place|allée|impasse|quai|route|cours) "
    r"[^\n,;]{2,40}"
)
GERMANIC = (
    r"(?<=[\wäöüßé\-]{2})(?:straße|strasse|str\.|weg|gasse|platz|allee|ring|damm|ufer|gracht|laan|straat|plein|kade|dijk|"
    r"steeg)\s\d{1,4}\s?[a-z]?\b"
)
LATIN = (
    r"(?:\b|(?<=\^FD))(?:via|viale|piazza|vicolo|corso|largo|calle|c/|avenida|avda\.?|paseo|plaza|rua|travessa|alameda|praça|"
    r"rúa|carrer|camino|ul\.|ulica|al\.) [^\n;\d]{2,40}?,? ?(?:nº ?|n\. ?)?\d{1,5}\b"
)
ENGLISH = (
    r"\b\d{1,5}[a-z]? (?:[A-Z][\w'.]{1,20} ){1,3}(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|close|court|ct|way|"
    r"place|terrace|crescent|boulevard|blvd|square|gardens|hill|row|mews|grove|park)\b"
)
INDIAN = (
    r"\b(?:flat|apt|apartment|house no\.?|plot|unit|suite|door no\.?|h\.? ?no\.?) ?#?[\w\-/]{1,6}, [^\n]{2,60}?\b(?:"
    r"road|nagar|street|marg|colony|layout|sector|lane|cross|society|enclave|vihar|niwas|niketan|apartments)"
)
STREET = re.compile(f"(?i){FRENCH}|{GERMANIC}|{LATIN}|{ENGLISH}|{INDIAN}")
POSTCODE = re.compile(
    r"\b(?:\d{5}(?:-\d{3,4})?|\d{4} ?[A-Z]{2}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{6}|\d{3} \d{3}|\d{2}-\d{3}|"
    r"[A-Z]{2} \d{5}|\d{4}-\d{3}|\d{4})\b"
)
STREETS = words(
    """rue avenue av. boulevard bd chemin place allée impasse quai route cours straße strasse str. weg gasse platz allee
    ring damm ufer gracht laan straat plein kade dijk steeg via vicolo corso largo calle c/ avenida avda paseo plaza rua
    travessa alameda praça rúa carrer camino ul. ulica al. street road lane drive close court way terrace crescent
    square gardens hill row mews grove park flat apt apartment house plot unit suite door"""
)
"""One of these, or a short form of the English ones, is in each street; "st", "rd" and "dr" alone are too common."""

ADDRESS_REACH = 90

MRZ = re.compile(r"P[A-Z<][A-Z<]{3}[A-Z<]{8,39}|(?<![A-Z0-9<])[A-Z0-9<]{9}\d[A-Z<]{3}\d{7}[MFX<]\d{7}[A-Z0-9<]{2,16}")
PASSPORT = re.compile(
    r"(?i)\b(?:passport|reisepass|passe?port|pasaporte|passaporto|passaporte|paspoort|paszport)|паспорт|पासपोर्ट|"
    r"travel document|\"doc(?:ument)?\"(?=\s?:)"
)
PASSPORT_NUMBER = re.compile(
    r"(?<![\w\-])(?=[A-Z0-9]{0,8}\d)(?:[A-Z]{1,3}\d{5,8}|\d{2}[A-Z]{2}\d{5}|[CFGHJK][0-9CFGHJKLMNPRTVWXYZ]{8}|\d{9})(?![\w\-])"
)
PASSPORT_REACH = 90


def find(text: str) -> Iterator[Hit]:
    """E-mail addresses, phone numbers, postal addresses and passports in `text`."""
    for match in EMAIL.finditer(text):
        if not RESERVED.search(match[2]) and not ROLE.match(match[1]):
            yield Hit("email", match.start(), match.end())
    yield from _phones(text)
    yield from _addresses(text)
    yield from _passports(text)


def _phones(text: str) -> Iterator[Hit]:
    """An international number speaks for itself; a national one needs its brackets or a telling word near it."""
    accounts = [match.span() for match in IBAN.finditer(text)]
    for pattern, alone in ((INTERNATIONAL, True), (NATIONAL, False)):
        for match in pattern.finditer(text):
            digits = sum(map(str.isdigit, match[0]))
            if not 9 <= digits <= 15 or FICTITIOUS.search(match[0]) or _inside(match, accounts):
                continue
            if alone or UNMISTAKABLE.match(match[0]) or _near_phone_word(text, match):
                yield Hit("phone", match.start(), match.end())


def _inside(match: re.Match[str], spans: list[tuple[int, int]]) -> bool:
    return any(start <= match.start() < end for start, end in spans[:100])


def _near_phone_word(text: str, match: re.Match[str]) -> bool:
    return PHONE_WORD.search(text, max(0, match.start() - PHONE_REACH), match.end() + 25) is not None


def _addresses(text: str) -> Iterator[Hit]:
    """A street with its number, and a postcode behind it."""
    if POSTCODE.search(text) is None or not has_any(text.lower(), STREETS):
        return
    for match in STREET.finditer(text):
        if POSTCODE.search(text, match.end(), match.end() + ADDRESS_REACH):
            yield Hit("address", match.start(), match.end())


def _passports(text: str) -> Iterator[Hit]:
    for match in MRZ.finditer(text):
        if "<<" in match[0]:
            yield Hit("passport", match.start(), match.end())
    for word in PASSPORT.finditer(text):
        number = PASSPORT_NUMBER.search(text, word.end(), word.end() + PASSPORT_REACH)
        if number is not None:
            yield Hit("passport", number.start(), number.end())
