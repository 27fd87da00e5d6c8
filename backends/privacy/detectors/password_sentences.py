"""Passwords in sentences: "log in with Harbour!Fog42", "hasło to Kanu77Blau", "密码是Kanu77Blau".

What looks like a password by itself is one wherever a word of signing in is near. What only might be one needs a
sentence that says so: the words between it and the noun decide.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import chain

from backends.privacy.detection import Detection, word_set
from backends.privacy.detectors.code_names import is_expression, is_identifier, is_reference
from backends.privacy.detectors.login_forms import is_probable
from backends.privacy.detectors.password_words import COPULAS, FILLERS, MOVES, NO_BLANKS, NOUNS, ROLES
from backends.privacy.detectors.secret_names import HARMLESS
from backends.privacy.detectors.secret_values import (
    LOUD,
    NAMED_THING,
    has_all_cases,
    is_code,
    is_loud,
    is_placeholder,
    is_random,
)
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

SIGNING_IN = (
    *("login", "logon", "log in", "log on", "log-in", "log-on", "logged", "logs in", "logs on"),
    *("wlan", "wifi", "wi-fi", "cred", "sudo", "ssh", "ldap", "vpn", "account", "zugang", "konto", "auth", "secret"),
)
NEAR = re.compile(
    r"(?i)(?:log(?:ged |s )?[ \-]?(?:in|on)\b|wlan|wi-?fi|creds?\b|credential|sudo|\bssh\b|ldap|vpn|account|zugang|"
    r"konto|\bauth|secret|pass(?:word|wd|wort|phrase|code)|pwd)"
)
"""Words of signing in, and parts of names of passwords (`--password-command`)."""

REACH_BEFORE, REACH_AFTER = 60, 30
"""Characters before and behind what looks like a password by itself."""

STRETCH = (170, 130)
"""Around such a word: two of the longest values and what may lie between."""

EASTERN = "\\u0590-\\uffff"
"""Scripts that part their words from a password in Latin letters with or without a blank, and typesetting's marks."""

WORD = re.compile(rf"(?<![^\s\"'`(=:,;«»{EASTERN}])[^\s\"'`,;<>()«»{EASTERN}]{{6,64}}(?![^\s\"'`,;<>()«»{EASTERN}])")
LAST_WESTERN = "\u058f"
BEGINNINGS = "-#%$&~@"
SHORTEST_GENERATED = 9
"""A generated password may begin like a flag, a heading or a variable."""

SIGN = re.compile(rf"\d|[{re.escape(LOUD)}]")
"""No word looks like a password without one."""

REACH_OF_NOUN, REACH_OF_ROLE = 90, 40
"""Characters between a noun and the password behind it, and between a password and the noun behind that."""

FEW, MORE = 4, 7
"""Words between the two where each is one of grammar, and where a verb leads to the password."""

FEW_WITHOUT_VERB = 2
LAST_LATIN = "\u03ff"
"""Russian, Arabic and other languages of other scripts say "the password of the server X"."""

GAP_WORD = re.compile(r"[^\W_]+(?:[\u0300-\u036f\u0900-\u0dff][^\W_]*)*")
ANNOUNCED = re.compile(r"(?:[:：=→—–>]|\s-)[\s\"'`*„“«»]*\Z")
BELOW = re.compile(r"[*_]{0,2}[:：][*_]{0,2}[ \t]{0,3}\n\s{0,24}[\"'`*]{0,2}")
APART = re.compile(r"[.!?。।](?:\s|\Z)|\n|[。！？;|]")
UNBROKEN = re.compile(rf"[\s\"'`*:：「『“”„]*[{NO_BLANKS}][{NO_BLANKS}\s]{{0,28}}[\s\"'`*:：「『“”„]*")
"""What a script without blanks has between a noun and a password: a few characters."""

MEASURE = re.compile(
    r"[#v~+\-]?\d[\d.,:/\-]*[\- ]?[A-Za-zµ%°$€]{0,14}\+?|[a-z\-]+:#[0-9A-Fa-f]{3,8}|[a-z][a-z./\-]*:\d[\w.\-]*"
)

STANDARD = re.compile(
    r"(?:[A-Z]{3,}[v.#\-]?\d{1,2}(?:[\-.][^\W_]+)*|(?:[^%]{0,3}%[+.\d]{0,4}[A-Za-z]){2,6}[^%]{0,3}|(?i:base\d\d(?:url)?))\.?"
)
"""Protocols and formats with a version (`SOCKSv5`, `PKCS#12`), and templates of dates (`%Y-%m-%d`)."""

CALLED = re.compile(r"[\w.]+")
MODULE = re.compile(r"[a-z_]\w*(?:\.[a-z_]\w*){2,}")

LONG = 6
"""Nouns of so many letters end compounds as well: Administratorpasswort."""

ENGLISH = ("pass", "pw", "cred")
AMBIGUOUS = COPULAS & (MOVES | FILLERS | word_set("on to for of at in"))
"""A verb in one language, and another word elsewhere: Polish "to", Finnish "on"."""

JOINED = re.compile(r"[A-Za-z\u00c0-\u058f]+-?\Z")
LONGEST = 24
"""Letters in front of a noun that are looked at."""

GRAMMAR = COPULAS | ROLES | FILLERS
MOVING = MOVES | FILLERS


def _stems() -> tuple[str, ...]:
    """Beginnings of the nouns; none begins with another."""
    starts = sorted({noun.rstrip("-")[:LONG] for noun in NOUNS})
    return tuple(stem for stem in starts if not any(stem != other and stem.startswith(other) for other in starts))


def _noun_pattern() -> re.Pattern[str]:
    """A whole noun, or a stem with what is appended to it, and not as part of an identifier."""
    longest_first = sorted(NOUNS, key=len, reverse=True)
    each = (
        re.escape(noun[:-1]) + r"[^\W\d_]{0,9}" if noun.endswith("-") else re.escape(noun) for noun in longest_first
    )
    joined = rf"(?:(?<=[{EASTERN}])|\d?(?![\w\u00c0-\u058f]|[_\-]\w|\())"
    return re.compile(rf"(?:{'|'.join(each)}){joined}")


STEMS = Stems(*_stems())
AROUND = Stems(*STEMS, *SIGNING_IN)
NOUN = _noun_pattern()


def find(window: TextWindow) -> Iterator[Detection]:
    """What looks like a password near a word of signing in, and what a sentence says is one."""
    stretches = window.around(AROUND, *STRETCH)
    sentences: Sentences | None = None
    for match in chain.from_iterable(WORD.finditer(window.text, *stretch) for stretch in stretches):
        if SIGN.search(match[0]) is None:
            continue
        value = match[0].strip("*").rstrip(".:)]}\\")
        if value[:1] == "-" and window.text[match.start() - 1 : match.start()] > LAST_WESTERN:
            value = value[1:]
        start, loud = match.start() + match[0].index(value), is_loud(value.rstrip("!?"))
        if not (loud or _is_possible(value)) or _is_other(value) or _is_code(window.text, start, value):
            continue
        if sentences is None:
            sentences = Sentences(window)
        if sentences.tell(value, start, loud=loud):
            yield Detection("password", start, start + len(value))


def _is_other(value: str) -> bool:
    """A placeholder, code, a standard, a measure or a colour."""
    if STANDARD.fullmatch(value) or MEASURE.fullmatch(value):
        return True
    return is_placeholder(value) or is_code(value)


def _is_code(text: str, start: int, value: str) -> bool:
    """A function that is called, or a module in a package."""
    called = text.startswith("(", start + len(value)) and CALLED.fullmatch(value) is not None
    return called or MODULE.fullmatch(value) is not None


def _is_possible(value: str) -> bool:
    """Letters and digits that name nothing else."""
    generated = value[:1] in BEGINNINGS and len(value) > SHORTEST_GENERATED and has_all_cases(value)
    named = value[1:] if generated else value
    if not is_random(value) or NAMED_THING.search(named):
        return False
    return not (is_reference(value) or is_identifier(value) or is_expression(value))


class Sentences:
    """The nouns of a text, and what the words between them and a value say."""

    def __init__(self, window: TextWindow) -> None:
        self._text = window.text
        self._lowered = window.lowered
        spans = filter(None, map(self._noun, sorted(window.places(STEMS))))
        self._nouns = list(spans)
        self._starts = [start for start, _ in self._nouns]
        self._last = -REACH_OF_ROLE

    def _noun(self, place: int) -> tuple[int, int] | None:
        """The whole word, with what it is joined to."""
        match = NOUN.match(self._lowered, place)
        if match is None:
            return None
        joined = JOINED.search(self._lowered, max(0, place - LONGEST), place)
        if joined is not None and match.end() - place < LONG:
            return None
        return (place if joined is None else joined.start()), match.end()

    def tell(self, value: str, start: int, *, loud: bool) -> bool:
        """Is the value at `start` a password? `loud`: it looks like one by itself."""
        end = start + len(value)
        behind = bisect_left(self._starts, end)
        before = bisect_right(self._starts, start) - 1
        probable = loud or is_probable(value)
        said = loud and self._is_near(start, end, before, behind)
        if not said and before >= 0 and self._nouns[before][1] <= start:
            said = self._leads(self._nouns[before], start, probable=probable)
        if not said and behind < len(self._nouns):
            said = self._serves(end, self._nouns[behind], probable=probable)
        if not said and probable:
            said = self._is_other_of_two(start)
        if said:
            self._last = end
        return said

    def _is_near(self, start: int, end: int, before: int, behind: int) -> bool:
        if before >= 0 and start - self._nouns[before][1] <= REACH_BEFORE:
            return True
        if behind < len(self._nouns) and self._starts[behind] - end <= REACH_AFTER:
            return True
        early = max(0, start - REACH_BEFORE)
        return bool(NEAR.search(self._text, early, start) or NEAR.search(self._text, end, end + REACH_AFTER))

    def _leads(self, noun: tuple[int, int], start: int, *, probable: bool) -> bool:
        """Noun, words, value: "the password of the router is …"."""
        gap = self._lowered[noun[1] : start]
        if probable and BELOW.fullmatch(gap) is not None:
            return True
        if len(gap) > REACH_OF_NOUN or APART.search(gap) is not None:
            return False
        words = GAP_WORD.findall(gap)
        if UNBROKEN.fullmatch(gap) is None and (len(words) > MORE or (words and HARMLESS.search(words[0]))):
            return False
        return UNBROKEN.fullmatch(gap) is not None or self._says(noun, gap, words, probable=probable)

    def _says(self, noun: tuple[int, int], gap: str, words: list[str], *, probable: bool) -> bool:
        """Do the words of the gap behind the noun lead to its value?"""
        if probable and len(words) <= FEW and all(word in GRAMMAR or word in MOVES for word in words):
            return True
        while words and words[-1] in FILLERS and words[-1] not in COPULAS:
            words.pop()
        if not words or ANNOUNCED.search(gap) is not None:
            return True
        if words[-1] in COPULAS:
            clear = words[-1] not in AMBIGUOUS or not self._lowered.startswith(ENGLISH, noun[0])
            return clear or (probable and len(words) == 1)
        others = sum(word not in GRAMMAR for word in words)
        return probable and others <= FEW_WITHOUT_VERB and self._lowered[noun[1] - 1] > LAST_LATIN

    def _serves(self, end: int, noun: tuple[int, int], *, probable: bool) -> bool:
        """Value, words, noun: "… is my password", "… as the password"."""
        gap = self._lowered[end : noun[0]]
        if len(gap) > REACH_OF_ROLE or APART.search(gap) is not None or "," in gap:
            return False
        if UNBROKEN.fullmatch(gap) is not None:
            return True
        words = GAP_WORD.findall(gap)
        if len(words) > FEW or not all(word in GRAMMAR for word in words):
            return False
        if not words:
            return probable and not self._lowered.startswith(ENGLISH, noun[0])
        return probable or words[0] in ROLES - AMBIGUOUS

    def _is_other_of_two(self, start: int) -> bool:
        """The second of two values: "changed the password from … to …"."""
        gap = self._lowered[self._last : start] if start - self._last <= REACH_OF_ROLE else "\n"
        if APART.search(gap) is not None:
            return False
        words = GAP_WORD.findall(gap)
        return UNBROKEN.fullmatch(gap) is not None or (len(words) <= FEW and all(word in MOVING for word in words))
