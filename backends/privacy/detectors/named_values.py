"""Where a value stands beside a secret's name: `DB_PASSWORD=…`, `"api_key": "…"`, "das Passwort lautet …".

The name is found first, by one pass over the text; what surrounds it is then read with bounded patterns, so that
hostile text costs linear time.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from backends.privacy.detectors.code_names import is_expression, is_identifier, is_made_of_words, is_reference
from backends.privacy.detectors.password_words import COPULAS
from backends.privacy.detectors.secret_names import ENDINGS, HARMLESS, NAME, SHORT
from backends.privacy.detectors.secret_values import has_all_cases, is_code
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

BEFORE = re.compile(r"(?s).*[^\w.\-]")
"""Everything before the word that a name ends."""

AFTER = re.compile(r"(?:(?![\u3040-\u9fff\uac00-\ud7af])[\w.\-]){0,20}")
"""What code and grammar append to a name. In scripts without blanks the sentence follows at once."""

VERB = rf"(?:{'|'.join(sorted(COPULAS, key=len, reverse=True))}|c'est|(?:was )?set to)(?!\w)"

PREPOSITION = (
    r"on|for|of|to|at|in|from|von|für|vom|beim|zum|zur|auf|der|des|de|del|della|da|do|di|du|d'|para|per|pour|van|voor|"
    r"till|til|från|fra|för|k|ke|od|dla|w|z|от|для|к|na|ile"
)

PHRASE = rf"(?:\s(?:{PREPOSITION})\s[^\n:=]{{1,40}}?)?"
GAP = re.compile(
    r"(?i)(?:\\?[\"'`*_]{0,2}?[\])]?\s{0,3}(?::=|=>|<-|={1,3}|:|：|->|→)\s{0,3}\\?[*_]{0,2}|[\"']\s?,[ \t]{0,3}"
    r"(?=[\"'])|\s?(?:は|是|는|은|为|為)\s?|(?<=salasana)\son\s|[\"']\s{0,3}value\s?=\s?|[\"']?,?\s{1,40}[\"']?value[\"']?:\s{0,3}|</key>\s{0,40}<string>|[\"']\s?>|[\"']?\s{0,3}\{[^{}]{0,80}?default\s{0,3}=\s{0,3}"
    rf"|{PHRASE}\s?:\s{{0,3}}|{PHRASE}[\"']?(?:,? which|,? that)?\s(?:{VERB}):?\s{{0,3}}|\s?\((?=[\"'`]?\S{{8}}))"
)

TO = re.compile(rf"(?i){PHRASE}\sto:?\s")

CHANGED = re.compile(r"(?i)\b(?:chang|set|reset|rotat|updat|switch)")

BLANK = re.compile(r"\s{1,3}(?=[A-Za-z0-9_\-+/]{20})")

LISTED = re.compile(r"[/\\+][\w.\-]*\Z")

FILE = re.compile(r"\.[a-z0-9]{1,5}\Z")
"""A name that is part of a path, of a file's name or of base64 has no value behind a blank: listings have many."""

QUOTES = "\"'`„«"
STEP = re.compile(r"[ \t]{1,3}(?:of |to |with |von |:|\"|')?")

VALUE = re.compile(
    r"\"[^\"\n]{1,200}\"|'[^'\n]{1,200}'|`[^`\n]{1,200}`|„[^“\"\n]{1,100}|«[^»\n]{1,100}|[^\s\"'`,;<>\u3000-\u30ff\u4e00-\u9fff]{1,300}"
)

ELEMENT = re.compile(r">([^<\n]{4,100})</")

LINK = (
    r"\s(?:as|is|als|ist|comme|est|como|es|è)\s(?:(?:the|my|our|their|das|mein|unser|le|la|el|il|mi|an|a|new)\s)?"
    r"(?:[\w.\-]{1,24}[ _.\-])?\Z"
)

LINKED = re.compile(LINK)

REVERSED = re.compile(rf"(?<![^\s\"'`,;<>])([^\s\"'`,;<>]{{8,200}})[\"'`]?{LINK}")
"""A value before its name: "… as API_KEY"."""

GROUPS = re.compile(r"\s?[:=]?\s?((?:[A-Z2-7]{4} ){3,15}[A-Z2-7]{4})(?!\w)")
"""A one-time code's secret, as authenticators print it."""

NUMBERED = re.compile(r"(?i)\b(?:ids?|hash|commit|request|trace|digest|sum|checksum|fingerprint)\b")
"""Between a name and digits that belong to something else."""

LOOSE = frozenset(("pass", "creds", "credentials"))
"""Names that mean something else before a number ("tests pass: 120000"), unless they end another name (`DB_PASS`)."""

JOINED = re.compile(r"[A-Za-z0-9+]{1,12}(?:[_\-.][A-Za-z0-9+]{1,12})+")


class Value(NamedTuple):
    """What may be a name's value. `loud`: it counts only if it looks like a password by itself."""

    start: int
    end: int
    loud: bool = False
    far: bool = False


class NamedValues(NamedTuple):
    """A secret's name, where the whole of it ends, and what may be its value, the likeliest first."""

    name: re.Match[str]
    end: int
    values: Iterator[Value]


def named_values(window: TextWindow, heads: Stems) -> Iterator[NamedValues]:
    """Each name that starts with one of these heads."""
    text = window.text
    for place in window.places(heads):
        match = NAME.match(text, place)
        if match is not None and (end := _name_end(text, match)) is not None:
            yield NamedValues(match, end, _values(text, match.start(), end))


def _name_end(text: str, match: re.Match[str]) -> int | None:
    """Where the whole name ends; None where it is part of another word, or names something harmless."""
    name = match[0]
    rest = AFTER.match(text, match.end())
    end = rest.end() if rest is not None else match.end()
    follows = text[match.end() : end]
    if follows[:1].islower() and name[-1:].islower() and follows.rstrip(".-") not in ENDINGS:
        return None
    before = text[max(0, match.start() - 30) : match.start()]
    head = before[boundary.end() :] if (boundary := BEFORE.match(before)) is not None else before
    if name.lower() in SHORT and head[-1:].isalpha() and name[:1].islower():
        return None
    whole = f"{head}{text[match.start() : end]}"
    if len(whole) > 24 and has_all_cases(whole) and not is_made_of_words(whole, 0.6):
        return None
    return None if HARMLESS.search(whole) else end


def _values(text: str, start: int, end: int) -> Iterator[Value]:
    """Where the value of the name at `start:end` may stand."""
    if (element := ELEMENT.match(text, end)) is not None:
        yield Value(*element.span(1))
    if (groups := GROUPS.match(text, end)) is not None:
        yield Value(groups.start(1), groups.end())
    listed = LISTED.search(text, max(0, start - 80), start) or FILE.search(text, start, end)
    gap = GAP.match(text, end) or (BLANK.match(text, end) if listed is None else None)
    value = VALUE.match(text, gap.end()) if gap is not None else None
    if gap is not None and value is not None and not _is_next_line(text[start:end], gap[0], value[0]):
        called = gap[0] == "(" and value[0][0] not in QUOTES
        yield Value(*value.span(), loud=called, far=NUMBERED.search(gap[0]) is not None)
    if (to := TO.match(text, end)) is not None and (value := VALUE.match(text, to.end())) is not None:
        yield Value(*value.span(), loud=CHANGED.search(text, max(0, start - 40), start) is None)
    step = STEP.match(text, end)
    if step is not None and (value := VALUE.match(text, step.end())) is not None:
        yield Value(*value.span(), loud=True)
    if LINKED.search(text, max(0, start - 40), start) is not None:
        earlier = REVERSED.search(text, max(0, start - 240), start)
        if earlier is not None:
            yield Value(*earlier.span(1))


def _is_next_line(name: str, gap: str, value: str) -> bool:
    """The next line of a program or of a list of names, rather than the value that a name announces."""
    if not gap.isspace() or "\n" not in gap:
        return False
    return name in LOOSE or JOINED.fullmatch(value) is not None


def bare_value(text: str, value: Value) -> str:
    return text[value.start : value.end].strip("\"'`„“«»* ").rstrip(".,;:)]}\\")


def names_code(text: str, value: Value) -> bool:
    """A name or an expression: quoted only where a name cannot be a password."""
    bare = bare_value(text, value)
    if is_code(bare) or is_reference(bare) or is_identifier(bare):
        return True
    return text[value.start] not in "\"'„«" and is_expression(text[value.start : value.end])
