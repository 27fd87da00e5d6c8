"""Streets with their number, before or behind their name, and how sure each is one."""

import re
from collections.abc import Iterator
from enum import IntEnum
from itertools import chain
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


_FRENCH = sorted({re.escape(word[:3]) for word in words.NUMBER_WORD_NAME | words.NUMBER_WORD_NAME_WEAK})
NUMBER_BEFORE = re.compile(
    r"[0-9]{1,5}(?: ?(?:bis|ter)\b)?[A-Za-z]?(?:[-/][0-9]{1,4}[A-Za-z]?)?,? "
    rf"(?=[^\W\d_a-z]|[0-9]{{1,3}}(?:st|nd|rd|th) |{'|'.join(_FRENCH)})"
)
NUMBER_BEHIND = re.compile(
    r" [0-9]{1,5}(?: ?[A-Za-z](?!\w))?(?:[-/][0-9A-Z]{1,4}[A-Za-z]?){0,3}\b"
    r"(?![:%–-]?[\w$€£°]|[.,]\d| ?[=*%+<>]|\(|[/\\])"
)
"""Every street has a number in one of these places, and they are found in a fraction of the time that streets take."""

NO_NUMBER = re.compile(r" S/N\b")
"""`Rua do Pinho, S/N`: without a number, in Portugal and Spain."""

NO_START = re.compile(r"[\w.\-+/$€£=@#:~^\\]\Z")
"""Before a number that is part of something else."""

MARK = re.compile(r"(?i),? (?:n[ºo°]\.?|nr\.?|no[.:]|num\.?|núm\.|numero|número|№|д\.|#)\Z|,\Z")
"""`Calle Mayor, nº 12`."""

CAPITAL = r"[^\W\d_a-z][\w'’.\-]{0,30}"
SMALL = rf"(?:(?i:{'|'.join(sorted(words.SMALL_WORDS, key=len, reverse=True))}) |(?i:[dl]|dell)['’])"
NAME_BEHIND = re.compile(
    rf" (?:(?P<of>{SMALL}{{1,3}})(?P<low>[^\W\d_][\w'’\-]+)|{CAPITAL})(?: {SMALL}{{0,3}}{CAPITAL}){{0,4}}"
    r"(?: [0-9]{1,4}\b(?![.:]\d))?"
)

WORD = re.compile(r"[^\W\d_](?:[\w'’\-]|\.(?=\w))*\.?|[0-9]{1,3}(?:st|nd|rd|th)\b")
QUOTATION = re.compile(r"(?:\w+(?=\^)|\^F[DS]|\w+[>:=(\",]+|[^\w]+)*")
"""What stands before a word without a blank between, as in `"to":"Lindenstraße 5"`."""

OTHER_NUMBER = re.compile(r"[0-9]{1,5}[A-Za-z]?")
"""Before a name that has its number behind it, as forms with a building's number have."""

UNIT_WORDS = frozenset(unit.rstrip(".") for unit in words.SURE_UNITS)
FIRST_WORDS = words.WORD_NAME_NUMBER | words.WORD_NAME_NUMBER_WEAK
UNSPACED = re.compile(r"(?i)(?:c/|ul\.|ул\.)(?=[^\W\d_])")
"""A street's word that needs no blank behind it."""

ITALIAN = re.compile(r"[A-Z][a-zàèéìòù'’]*[aeioàèéìòù]")

REACH, MOST_NAMES = 70, 8
"""Characters, and words, before a number in which its street begins."""

YEAR = re.compile(r"(?:19|20)\d\d\Z")


class Name(NamedTuple):
    """A word that a name may have in it."""

    start: int
    word: str

    @property
    def capital(self) -> bool:
        return self.word[0].isalpha() and not self.word[0].islower()


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
                yield found._replace(start=_with_other_number(text, found.start))
    for match in chain(NUMBER_BEHIND.finditer(text), NO_NUMBER.finditer(text) if "/N" in text else ()):
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
        if low in UNIT_WORDS or (word[0][0].islower() and low not in words.SMALL_WORDS | words.NUMBER_NAME_WORD):
            break
        if low in words.NUMBER_NAME_WORD:
            sure = Sure.LIKELY if YEAR.search(number[0].rstrip(" ,")) or word[0][0].islower() else Sure.STREET
            return Street(number.start(), word.end(), sure)
        if low in words.NUMBER_NAME_WORD_WEAK:
            found = Street(number.start(), word.end(), Sure.LIKELY)
        elif found.sure is Sure.NAME and not word[0][0].islower():
            found = found._replace(end=word.end())
    return None if YEAR.search(number[0].rstrip(" ,")) and found.sure is Sure.NAME else found


def _with_other_number(text: str, start: int) -> int:
    """Where a number begins that stands directly before `start`, else `start`."""
    if text[start - 1 : start] != " " or not text[start - 2 : start - 1].isalnum():
        return start
    at = max(text.rfind(sign, max(0, start - 8), start - 1) for sign in " \n>") + 1
    return at if OTHER_NUMBER.fullmatch(text, at, start - 1) else start


def _before(text: str, number: re.Match[str]) -> Street | None:
    """The street whose number stands behind it."""
    mark = MARK.search(text, max(0, number.start() - 10), number.start())
    end = number.start() if mark is None else mark.start()
    if not text[end - 1 : end].isalpha() and text[end - 1 : end] != ".":
        return None
    if not _may_end(text[max(text.rfind(sign, max(0, end - 40), end) for sign in ' ">') + 1 : end]):
        return None
    names = _names(text, end)
    if not names:
        return None
    begin, sure = _first_word(names), None
    if begin < len(names):
        sure = _sure_of_first(names[begin:], number[0])
    else:
        begin = _first_name(names)
        sure = _sure_of_last(names[-1].word, begin < len(names) - 1, number[0])
        if sure is Sure.NAME and mark is not None:
            return None
    return None if sure is None else Street(_with_other_number(text, names[begin].start), number.end(), sure)


def _may_end(word: str) -> bool:
    """May a street end with this word? Most words before numbers are neither names nor a street's."""
    return not word[:1].islower() or word in words.NAME_WORD_NUMBER or word.endswith(words.SUFFIXES)


def _names(text: str, end: int) -> list[Name]:
    """The word that ends at `end`, and before it on its line the capitals, small words and street's words."""
    floor, names, numbered = max(0, end - REACH), list[Name](), False
    while end > floor and len(names) < MOST_NAMES:
        start = max(floor, text.rfind(" ", floor, end) + 1, text.rfind("\n", floor, end) + 1)
        quotation = QUOTATION.match(text, start, end)
        bare = start if quotation is None else quotation.end()
        name = Name(bare, text[bare:end])
        if not name.word or (names and not _continues(name)) or (name.word.isdecimal() and numbered):
            break
        numbered = numbered or name.word.isdecimal()
        names.append(name)
        if bare > start or text[start - 1 : start] != " ":
            break
        end = start - 1
    names.reverse()
    return names


def _continues(name: Name) -> bool:
    """May a name follow on this word in a street's?"""
    if name.word[-1] in ",;:!?)":
        return False
    low = name.word.lower()
    return name.capital or low in words.SMALL_WORDS or low in FIRST_WORDS or (low.isdecimal() and len(low) < 3)


def _first_word(names: list[Name]) -> int:
    """The place of the street's word before its name, the number of names where there is none."""
    for place, name in enumerate(names):
        named = any(not each.word[0].islower() for each in names[place + 1 :])
        if (named and name.word.lower() in FIRST_WORDS) or UNSPACED.match(name.word):
            return place
    return len(names)


def _first_name(names: list[Name]) -> int:
    """The place of the first name, behind the word that begins a sentence."""
    for place, name in enumerate(names[:-1]):
        if name.capital and name.word.lower() not in words.COUNTED:
            return place
    return len(names) - 1


def _sure_of_first(names: list[Name], number: str) -> Sure:
    """ "via" is a word of other languages as well: `via Port 8080`."""
    word, small = names[0].word.lower(), names[0].word.islower()
    if word == "via" and not all(ITALIAN.fullmatch(name.word) for name in names[1:] if name.capital):
        return Sure.NAME
    weak = word in words.WORD_NAME_NUMBER_WEAK or (small and word in ("via", "av."))
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
