"""Postal addresses: a street with its number, and a postcode behind it."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection, word_set
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

FRENCH = (
    r"\b\d{1,5}[a-z]?,? (?:bis )?(?:rue|avenue|av\.|boulevard|bd|chemin|place|allée|impasse|quai|route|cours) "
    r"[^\n,;]{2,40}"
)
GERMANIC = (
    r"(?<=[\wäöüßé\-]{2})(?:straße|strasse|str\.|weg|gasse|platz|allee|ring|damm|ufer|gracht|laan|straat|plein|kade|dijk|"
    r"steeg)\s\d{1,4}\s?[a-z]?\b"
)
PREPOSED = (
    r"\b(?-i:Am|An der|An den|Auf der|Auf dem|Im|In der|In den|Zum|Zur|Unter den|Hinter der|Vor dem) "
    r"(?-i:[A-ZÄÖÜ])[\wäöüß\-]{2,24}(?: (?-i:[A-ZÄÖÜ])[\wäöüß\-]{2,24})? \d{1,4}[a-z]?(?=,? {0,2}\n?\d{5} )"
)
LATIN = (
    r"(?:\b|(?<=\^FD))(?:via|viale|piazza|vicolo|corso|largo|calle|c/|avenida|avda\.?|paseo|plaza|rua|travessa|alameda|"
    r"praça|rúa|carrer|camino|ul\.|ulica|(?<!et )al\.) [^\n;\d]{2,40}?,? ?(?:nº ?|n\. ?)?\d{1,5}\b"
)
ENGLISH = (
    r"\b\d{1,5}[a-z]? (?:(?-i:[A-Z])[\w'.]{0,20} ){1,4}(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|close|court|ct|"
    r"way|place|terrace|crescent|boulevard|blvd|square|gardens|hill|row|mews|grove|park)\b"
)
INDIAN = (
    r"\b(?:flat|apt|apartment|house no\.?|plot|unit|suite|door no\.?|h\.? ?no\.?) ?#?[\w\-/]{1,6}, [^\n]{2,60}?\b(?:"
    r"road|nagar|street|marg|colony|layout|sector|lane|cross|society|enclave|vihar|niwas|niketan|apartments)"
)
STREET = re.compile(f"(?i){FRENCH}|{GERMANIC}|{PREPOSED}|{LATIN}|{ENGLISH}|{INDIAN}")
POSTCODE = re.compile(
    r"(?<![#/.@=:])(?<![0-9a-z]-)\b"
    r"(?:\d{5}(?:-\d{3,4})?|\d{4} ?[A-Z]{2}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{6}|\d{3} \d{3}|\d{2}-\d{3}|"
    r"[A-Z]{2} \d{5}|\d{4}-\d{3}|\d{4})\b"
)
STREETS = Stems(
    *word_set(
        """rue avenue av. boulevard bd chemin place allée impasse quai route cours straße strasse str. weg gasse platz
    allee ring damm ufer gracht laan straat plein kade dijk steeg via vicolo corso largo calle c/ avenida avda
    paseo plaza rua travessa alameda praça rúa carrer camino ul. ulica al. street road lane drive close court way
    terrace crescent square gardens hill row mews grove park main flat apt apartment house plot unit suite door am
    an auf im in zum zur unter st. st, ave rd. rd, dr. ln. blvd"""
    )
)
"""Every street has one of these, or an English short form; "st", "rd" and "dr" alone are too common."""

FOUNDATION = re.compile(r"(?i)foundation,?[\s*#;/.\\nr\-]{0,20}inc\.?,?[\s*#;/.\\nr\-]{0,20}\Z")
WORD_END = re.compile(r"ring|str\.|weg|damm|plein|ufer|platz|allee")
VIA = re.compile(r"(?i)via\s")
CALLED = re.compile(r"(?i:via\s)(?:(?:d[aei]l?l?[aeio']?|san|santa)\s?)?[A-Z][a-zàèéìòù']+[\s,]")
YEAR = re.compile(r"(?:19|20)\d\d\b")

ADDRESS_REACH = 90
BEFORE = 2 * ADDRESS_REACH + 60
"""Characters before a postcode in which its street begins: no street is longer than the rest of it."""

DIGITS, BRITISH = re.compile(r"\d\d[\d\-]"), re.compile(r"[A-Z]\d")
"""Every postcode has one of these, and they are found in a fraction of the time."""


def find(window: TextWindow) -> Iterator[Detection]:
    """Streets with a postcode soon after them."""
    text = window.text
    if (DIGITS.search(text) or BRITISH.search(text)) is None or not window.has_any(STREETS):
        return
    for start, end in _near_postcodes(text):
        for match in STREET.finditer(text, start, end):
            code = POSTCODE.search(text, match.end(), match.end() + ADDRESS_REACH)
            if code is not None and _is_private(text, match, code):
                yield Detection("address", match.start(), code.end())


def _is_private(text: str, street: re.Match[str], code: re.Match[str]) -> bool:
    """Not the address that licences print, not a word that only ends as a street does ("during 1427"), and not a year
    with a name, as a line of copyright has.
    """
    if FOUNDATION.search(text, max(0, street.start() - 60), street.start()) is not None:
        return False
    if WORD_END.match(street[0]) and not text[_word_start(text, street.start())].isupper():
        return False
    if VIA.match(street[0]) and (len(code[0]) == 4 or not CALLED.match(street[0])):
        return False
    return not (YEAR.match(street[0]) and YEAR.fullmatch(code[0]))


def _word_start(text: str, end: int) -> int:
    start = end
    while start > max(0, end - 30) and (text[start - 1].isalpha() or text[start - 1] == "-"):
        start -= 1
    return start


def _near_postcodes(text: str) -> Iterator[tuple[int, int]]:
    """Stretches in which a street could have its postcode behind it: most of a text lies in none, and searching for
    streets takes five times as long.
    """
    start = end = -1
    for code in POSTCODE.finditer(text):
        if code.start() - BEFORE > end:
            if end >= 0:
                yield start, end
            start = max(0, code.start() - BEFORE)
        end = code.end() + 1
    if end >= 0:
        yield start, end
