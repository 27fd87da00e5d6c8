"""What belongs to an address behind its street: the flat, the place, the postcode, the country, over several lines."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from backends.privacy.detectors.street_words import COUNTRIES, SMALL_WORDS, SURE_UNITS, UNITS

GAP = re.compile(
    r"(?:[ \t]{0,2}[,;.)/]){0,2}[ \t]{0,3}(?:(?:\r?\n|\\n|<br ?/?>)[ \t>?|*\-]{0,8}){0,2}"
    r"(?:,[ \t]{0,2})?(?:[\-–][ \t])?"
)
"""Between two words of an address. A mark of a quotation may begin its lines."""


def _any(names: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


OWN_NUMBER = r"[ .:]{0,2}(?:no\.? ?)?#?(?=[A-Z]{0,2}\d|[A-Z]\b)[A-Za-z\d/\-]{1,6}\b"
SURE_UNIT = re.compile(rf"(?i:{_any(SURE_UNITS)}){OWN_NUMBER}")
UNIT = re.compile(rf"(?i:{_any(UNITS)}){OWN_NUMBER}")
FLOOR = re.compile(r"#\d{1,5}\b|\d{1,3}(?:st|nd|rd|th) [Ff]loor\b|\d{1,2}\.?[º°ª] ?[A-Za-z]{0,5}\b")
UNIT_BEFORE = re.compile(rf"(?<!\w)(?i:{_any(UNITS)}){OWN_NUMBER}(?:, ?| |,?\n)\Z|(?<!\w)(?i:{_any(UNITS)}) \Z")
"""`Flat 5, ` before a street, or `Level ` before two numbers."""

POSTCODE = re.compile(
    r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b|[A-Z]\d[A-Z] ?\d[A-Z]\d\b|[A-Z]\d[\dW] ?[A-Z\d]{4}\b|"
    r"(?:(?:[A-Z]{2}|NSW|VIC|QLD|TAS|ACT),? )(?:\d{5}(?:-\d{4})?|\d{4})\b(?![.\-]\w)|"
    r"(?P<bare>[A-Z]{1,2}-\d{4}\b|\d{4} ?[A-Z]{2}\b|"
    r"(?:[A-Z]{1,2}-)?(?:\d{5}(?:-\d{3,4})?|\d{3} \d{2,3}|\d{2}-\d{3}|\d{4}-\d{3}|\d{6}|\d{8}|〒?\d{3}-\d{4}|"
    r"(?!19\d\d|20[0-3]\d)\d{4})\b(?![.\-]\w))"
)
"""A bare one may be another number; years are none."""

NAME = re.compile(
    rf"(?:'s-)?[^\W\d_a-z][\w'’.\-]{{0,30}}(?<!\.)|-[^\W\d_][\w\-]{{2,20}}|(?:{_any(SMALL_WORDS)})(?= ?[^\W\d_])|"
    rf"d'(?=[A-Z])|St\.|\([A-ZÀ-Ž][\w ]{{1,20}}\)|k\b"
)
LETTERS = re.compile(r"[^\W\d_]+")
UNIT_WORDS = frozenset(unit.rstrip(".") for unit in UNITS)
COUNTRY_WORDS = frozenset(country.partition(" ")[0] for country in COUNTRIES)
"""What a flat or a country begins with: the patterns take longer."""

COUNTRY = re.compile(rf"(?i:{_any(COUNTRIES)})\b")

MOST_WORDS = 16
"""Words that are read behind a street."""


class Lines(NamedTuple):
    """Where an address ends, and what belongs to it: a flat; a postcode that is nothing else (`SW1A 2AA`, `IL 62704`)
    or stands before a place on a line of its own; digits behind a place that may be one.
    """

    end: int
    unit: bool = False
    postcode: bool = False
    digits: bool = False


def lines_behind(text: str, street_end: int) -> Lines:
    """The rest of the address whose street ends at `street_end`.

    A place on the street's line, or behind a flat or a postcode, belongs to it; one on a line of its own does where a
    postcode or a country follows it.
    """
    found, at = Lines(street_end), street_end
    named = joined = awaited = False
    for _ in range(MOST_WORDS):
        gap = GAP.match(text, at)
        start = at if gap is None else gap.end()
        between = text[at:start]
        if not between or ("." in between and named and not text[at - 1].isdigit()):
            break
        first = LETTERS.match(text, start)
        low = "" if first is None else first[0].lower()
        if word := UNIT.match(text, start) if low in UNIT_WORDS else FLOOR.match(text, start) if not low else None:
            found = found._replace(end=word.end(), unit=found.unit or SURE_UNIT.match(text, start) is not None)
            joined = True
        elif (word := POSTCODE.match(text, start)) and (named or joined or between != " " or word["bare"] is None):
            own_line = "," in between or "\n" in between
            sure = word["bare"] is None or (own_line and PLACE_BEHIND.match(text, word.end()) is not None)
            digits = named and len(word[0]) > 4
            found = Lines(word.end(), found.unit, found.postcode or sure, found.digits or digits)
            joined, awaited = True, not named
        elif low in COUNTRY_WORDS and (word := COUNTRY.match(text, start)):
            found = found._replace(end=word.end())
            named = joined = True
        elif (word := NAME.match(text, start)) and between.count("\n") < 2:
            joined = (joined and ("\n" not in between or awaited)) or "," in between
            named, awaited = True, False
            if joined and not word[0][0].islower():
                found = found._replace(end=word.end())
        else:
            break
        at = word.end()
    return found


PLACE_BEHIND = re.compile(r"(?:,? |,?\n[ \t>?|*\-]{0,8})(?:'s-)?[^\W\d_a-z]\w")
"""The name of a place behind its postcode, as on the Continent."""


def start_with_unit(text: str, start: int) -> int:
    """Where the address begins whose street does at `start`: a flat may stand before it."""
    unit = UNIT_BEFORE.search(text, max(0, start - 24), start) if start else None
    return start if unit is None else unit.start()
