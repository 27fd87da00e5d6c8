"""Streets with their number, before or behind their name, and how sure each is one."""

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from backends.privacy.detectors import street_words as words


class Sure(IntEnum):
    """A capitalised name with a number (`Edeby 55`); with a street's word that ends other names as well (`12 Hill
    Row`); with one that only streets have (`12 Main Street`).
    """

    NAME = 1
    LIKELY = 2
    STREET = 3


class Street(NamedTuple):
    """At `start:end` of a text, with its number."""

    start: int
    end: int
    sure: Sure


NUMBER_BEFORE = re.compile(
    r"[0-9]{1,5}(?: ?(?:bis|ter)\b)?[A-Za-z]?(?:[-/][0-9]{1,4}[A-Za-z]?)?,? (?=[^\W\d_]|[0-9]{1,3}(?:st|nd|rd|th) )"
)
NUMBER_BEHIND = re.compile(
    r" [0-9]{1,5}(?: ?[A-Za-z](?!\w))?(?:[-/][0-9A-Z]{1,4}[A-Za-z]?){0,3}\b"
    r"(?![:%–-]?[\w$€£°]|[.,]\d| ?[=*%+<>]|\(|[/\\])"
)
"""Every street has a number in one of these places, and they are found in a fraction of the time that streets take."""

NO_START = re.compile(r"[\w.\-+/$€£=@#:~^\\]\Z")
"""Before a number that is part of something else."""

MARK = re.compile(r"(?i),? (?:n[ºo°]\.?|nr\.?|no[.:]|num\.?|núm\.|numero|número|№|д\.|#)\Z|,\Z")
"""`Calle Mayor, nº 12`."""

CAPITAL = r"[^\W\d_a-z][\w'’.\-]{0,30}"
SMALL = rf"(?:(?i:{'|'.join(sorted(words.SMALL_WORDS, key=len, reverse=True))}) |(?i:[dl]|dell)['’])"
NAME = rf"{SMALL}{{0,3}}{CAPITAL}(?: {SMALL}{{0,3}}{CAPITAL}){{0,4}}"

WORD = re.compile(r"[^\W\d_](?:[\w'’\-]|\.(?=\w))*\.?|[0-9]{1,3}(?:st|nd|rd|th)\b")
NAMES_BEFORE = re.compile(
    rf"(?:(?<![\w.,\-/])[0-9]{{1,5}}[A-Za-z]? )?{CAPITAL}(?:[ \-]{SMALL}{{0,2}}{CAPITAL}){{0,5}}\Z"
)
LAST_WORD = re.compile(r"[^\W\d_][\w'’\-]*(?:\.[\w\-]+)*\.?\Z")
"""Without a quotation mark or a name in front, as in `"to":"Lindenstraße 5"`."""

LEAD = re.compile(r"(?<![\w.,\-/])[0-9]{1,5} \Z")
"""Another number before the name, as forms with a building's number have."""

NAME_BEHIND = re.compile(
    rf" (?:(?P<of>{SMALL}{{1,3}})(?P<low>[^\W\d_][\w'’\-]+)(?: {SMALL}{{0,3}}{CAPITAL}){{0,3}}|{NAME})"
    r"(?: [0-9]{1,4}\b(?![.:]\d))?"
)

_FIRST = sorted(map(re.escape, words.WORD_NAME_NUMBER | words.WORD_NAME_NUMBER_WEAK), key=len, reverse=True)
WORD_FIRST = re.compile(
    rf"(?:(?<![\w.,\-/])[0-9]{{1,5}},? )?(?:(?<![\w/.\-])|(?<=\^FD))(?P<word>(?i:{'|'.join(_FIRST)}))"
    rf"(?: |(?<=[./]) ?)(?:[0-9]{{1,2}} )?{NAME}\Z"
)
ITALIAN = re.compile(
    r"(?i:via) (?:d[aei]g?l?l?[aeio]?['’]? ?|san |santa ){0,2}(?:[A-Z][a-zàèéìòù'’]* ?)*[aeioàèéìòù]\Z"
)

REACH = 70
"""Characters before a number in which its street begins."""

YEAR = re.compile(r"(?:19|20)\d\d\Z")


def streets(text: str) -> Iterator[Street]:
    """All streets and names with numbers, in no order; one may be found twice. In a text without capitals each word may
    be a name, so that none is sure.
    """
    if text.islower() and len(capitals := text.title()) == len(text):
        named = (street for street in _streets(capitals) if street.sure is not Sure.NAME)
        yield from (street._replace(sure=Sure.LIKELY) for street in named)
    yield from _streets(text)


def _streets(text: str) -> Iterator[Street]:
    for match in NUMBER_BEFORE.finditer(text):
        if match.start() == 0 or not NO_START.search(text, match.start() - 1, match.start()):
            found = _behind(text, match)
            if found is not None:
                lead = LEAD.search(text, max(0, found.start - 7), found.start)
                yield found if lead is None else found._replace(start=lead.start())
    for match in NUMBER_BEHIND.finditer(text):
        found = _before(text, match)
        if found is not None:
            yield found


def _behind(text: str, number: re.Match[str]) -> Street | None:
    """The street whose number stands before it."""
    first = WORD.match(text, number.end())
    if first is None:
        return None
    low = first[0].lower()
    if low in words.NUMBER_WORD_NAME or low in words.NUMBER_WORD_NAME_WEAK:
        name = NAME_BEHIND.match(text, first.end())
        if name is not None:
            sure = low in words.NUMBER_WORD_NAME or (name["of"] and not name["low"][0].islower())
            return Street(number.start(), name.end(), Sure.STREET if sure else Sure.LIKELY)
    if first[0][0].islower() or low.rstrip(".") in words.COUNTED:
        return None
    return _english(text, number, first)


def _english(text: str, number: re.Match[str], word: re.Match[str]) -> Street | None:
    """`12 Main Street`: up to five words, of which one is a street's."""
    found = Street(number.start(), word.end(), Sure.NAME)
    for _ in range(5):
        following = WORD.match(text, word.end() + 1) if text[word.end() : word.end() + 1] == " " else None
        if following is None:
            break
        word, low = following, following[0].lower().rstrip(".")
        if word[0][0].islower() and low not in words.SMALL_WORDS and low not in words.NUMBER_NAME_WORD:
            break
        if low in words.NUMBER_NAME_WORD:
            sure = Sure.LIKELY if YEAR.search(number[0].rstrip(" ,")) or word[0][0].islower() else Sure.STREET
            return Street(number.start(), word.end(), sure)
        if low in words.NUMBER_NAME_WORD_WEAK:
            found = Street(number.start(), word.end(), Sure.LIKELY)
        elif found.sure is Sure.NAME and not word[0][0].islower():
            found = found._replace(end=word.end())
    return None if YEAR.search(number[0].rstrip(" ,")) and found.sure is Sure.NAME else found


def _before(text: str, number: re.Match[str]) -> Street | None:
    """The street whose number stands behind it."""
    mark = MARK.search(text, max(0, number.start() - 10), number.start())
    end = number.start() if mark is None else mark.start()
    if not text[end - 1 : end].isalpha() and text[end - 1 : end] != ".":
        return None
    line = max(0, end - REACH, text.rfind("\n", 0, end) + 1)
    first = WORD_FIRST.search(text, line, end)
    if first is not None:
        return Street(first.start(), number.end(), _sure_of_first(first, text[number.start() : number.end()]))
    last = LAST_WORD.search(text, max(line, text.rfind(" ", line, end) + 1), end)
    if last is None:
        return None
    start, word = last.start(), last[0]
    names = NAMES_BEFORE.search(text, line, start - 1 if word[0].islower() else end)
    sure = _sure_of_last(word, names is not None and names.start() < start, number[0])
    if sure is None or (sure is Sure.NAME and (names is None or mark is not None)):
        return None
    if names is None:
        names = LEAD.search(text, line, start)
    return Street(start if names is None else _first_name(text, names.start(), start), number.end(), sure)


def _first_name(text: str, start: int, last: int) -> int:
    """Where the names begin, without the word that begins the sentence."""
    word = WORD.match(text, start)
    while word is not None and word.end() < last and word[0].lower() in words.COUNTED:
        start = word.end() + 1
        word = WORD.match(text, start)
    return start


def _sure_of_first(street: re.Match[str], number: str) -> Sure:
    """ "via" is a word of other languages as well: `via Port 8080`."""
    word, small = street["word"].lower(), street["word"].islower()
    if word == "via" and ITALIAN.search(street[0]) is None:
        return Sure.NAME
    weak = word in words.WORD_NAME_NUMBER_WEAK or (small and len(word) < 4 and word.isalpha() and word != "rua")
    return Sure.LIKELY if weak or YEAR.search(number) else Sure.STREET


def _sure_of_last(word: str, named: bool, number: str) -> Sure | None:
    """`word` stands directly before the number; `named`: behind a capitalised name."""
    low, year = word.lower(), YEAR.search(number) is not None
    if named and low in words.NAME_WORD_NUMBER:
        return Sure.LIKELY if year or low in words.NAME_WORD_NUMBER_WEAK else Sure.STREET
    if low.rstrip(".") in words.COUNTED:
        return None
    if low.endswith(words.SUFFIXES) and len(low) > 5:
        return Sure.STREET if word[0].isupper() and not year else Sure.LIKELY
    if word[0].islower():
        return None
    return Sure.LIKELY if low.endswith(words.SUFFIXES_WEAK) and len(low) > 5 and not year else Sure.NAME
