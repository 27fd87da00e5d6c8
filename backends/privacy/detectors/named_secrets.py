"""Secrets that the name beside them reveals: `DB_PASSWORD=…`, `"api_key": "…"`, "das Passwort lautet …".

The name is found first, by one pass over the text; what surrounds it is then read with bounded patterns, so that
hostile text costs linear time.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from backends.privacy.detection import Detection
from backends.privacy.detectors.code_names import (
    is_expression,
    is_identifier,
    is_made_of_words,
    is_name,
    is_record_key,
    is_reference,
)
from backends.privacy.detectors.secret_names import (
    ENDINGS,
    HARMLESS,
    HARMLESS_BEFORE,
    HEADS,
    NAME,
    QUALIFIERS,
    SHORT,
)
from backends.privacy.detectors.secret_values import (
    DEFAULT_LOGINS,
    has_all_cases,
    is_code,
    is_counting,
    is_loud,
    is_placeholder,
    is_random,
)
from backends.privacy.text_window import TextWindow

BEFORE = re.compile(r"(?s).*[^\w.\-]")
"""Everything before the word that a name ends."""

AFTER = re.compile(r"(?:(?![\u3040-\u9fff\uac00-\ud7af])[\w.\-]){0,20}")
"""What code and grammar append to a name. In scripts without blanks the sentence follows at once."""

VERB = (
    r"is|was|are|be|ist|war|lautet|est|es|era|é|è|c'est|är|er|je|jest|bylo|było|será|adalah|là|είναι|это|"
    r"(?:was )?set to"
)
PREPOSITION = (
    r"on|for|of|to|at|in|from|von|für|vom|beim|zum|zur|auf|der|des|de|del|della|da|do|di|du|d'|para|per|pour|van|voor|"
    r"till|til|från|fra|för|k|ke|od|dla|w|z|от|для|к|na|ile"
)
PHRASE = rf"(?:\s(?:{PREPOSITION})\s[^\n:=]{{1,40}}?)?"
GAP = re.compile(
    r"(?i)(?:\\?[\"'`*_]{0,2}?[\])]?\s{0,3}(?::=|=>|={1,3}|:|：|->|→)\s{0,3}\\?[*_]{0,2}|[\"']\s?,\s{0,3}(?=[\"'])"
    r"|\s?(?:は|是|는|은|为|為)\s?|(?<=salasana)\son\s|[\"']\s{0,3}value\s?=\s?|[\"']\s?>|[\"']?\s{0,3}\{[^{}]{0,80}?default\s{0,3}=\s{0,3}"
    rf"|{PHRASE}\s?:\s{{0,3}}|{PHRASE}[\"']?(?:,? which|,? that)?\s(?:{VERB}):?\s{{0,3}}|\s?\((?=[\"'`]?\S{{8}}))"
)
TO = re.compile(rf"(?i){PHRASE}\sto:?\s")
CHANGED = re.compile(r"(?i)\b(?:chang|set|reset|rotat|updat|switch)")
BLANK = re.compile(r"\s{1,3}(?=[A-Za-z0-9_\-+/]{20})")
LISTED = re.compile(r"[/\\+][\w.\-]*\Z")
FILE = re.compile(r"\.[a-z0-9]{1,5}\Z")
"""A name that is part of a path, of a file's name or of base64 has no value behind a blank: listings have many."""

RECORD = re.compile(r"(?i)(?:session|routing|storage)[ _\-]?\Z")
"""What qualifies the key of a record as often as it does a secret."""

PROJECT = re.compile(r"(?i)project[ _\-]?\Z")
ANALYTICS = re.compile(r"(?i)mixpanel|posthog|analytics|telemetry")

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

HEX = re.compile(r"(?i)[0-9a-f\-]+")
GROUPS = re.compile(r"\s?[:=]?\s?((?:[A-Z2-7]{4} ){3,15}[A-Z2-7]{4})(?!\w)")
"""A one-time code's secret, as authenticators print it."""


NUMBERED = re.compile(r"(?i)\b(?:ids?|hash|commit|request|trace|digest|sum|checksum|fingerprint)\b")
"""Between a name and digits that belong to something else."""


DIGITS = re.compile(r"\d{6,64}")
NAME_ENDS = ENDINGS | {"", "1", "2", "_1", "_2"}
LOOSE = frozenset(("pass", "creds", "credentials"))
"""Names that mean something else before a number ("tests pass: 120000"), unless they end another name (`DB_PASS`)."""

COUNTED = re.compile(
    r"(?i)\b(?:order|ticket|invoice|case|row|port|issue|build|version|bestellung|auftrag|rechnung|commande|facture|"
    r"pedido|factura|ordine|\w*(?:number|nummer)|n[úu]mero|no|nr|count|length|age|date|time|ids?|hash|commit|request|"
    r"trace)[\"'`.]?(?:\s?[:=]|\s(?:is|was|ist|war|est|es)\b)"
)
"""Words right before a number that mark it as one of another kind."""

UNITS = re.compile(
    r"(?i)[\"'`]?\s?(?:%|(?:times|attempts?|tries|guesses|entries|rows|users|accounts|records|events|failures|requests|"
    r"hashes|days|hours|minutes|seconds|secs?|ms|bits|bytes|characters|chars|digits|iterations|rounds|combinations)\b)"
)


class Value(NamedTuple):
    """What may be a name's value. `loud`: it counts only if it looks like a password by itself."""

    start: int
    end: int
    loud: bool = False
    far: bool = False


def find(window: TextWindow) -> Iterator[Detection]:
    """Values that stand beside a secret's name and look like a secret."""
    text = window.text
    for place in window.places(HEADS):
        match = NAME.match(text, place)
        if match is None or (end := _name_end(text, match)) is None:
            continue
        judged = _is_password if match["password"] is not None else _is_key
        kind = "api-key" if match["password"] is None else "password"
        for value in _values(text, match.start(), end):
            if judged(text, match, value) or (judged is _is_password and _is_all_digits(text, match, end, value)):
                yield Detection(kind, value.start, value.end)
                break


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


JOINED = re.compile(r"[A-Za-z0-9+]{1,12}(?:[_\-.][A-Za-z0-9+]{1,12})+")


def _is_next_line(name: str, gap: str, value: str) -> bool:
    """The next line of a program or of a list of names, rather than the value that a name announces."""
    if not gap.isspace() or "\n" not in gap:
        return False
    return name in LOOSE or JOINED.fullmatch(value) is not None


def _bare(text: str, value: Value) -> str:
    return text[value.start : value.end].strip("\"'`„“«»* ").rstrip(".,;:)]}\\")


def _is_prose(value: str) -> bool:
    return value.count(" ") > 1 and not any(map(str.isdigit, value))


def _is_code(text: str, value: Value) -> bool:
    """A name or an expression: quoted only where a name cannot be a password."""
    bare = _bare(text, value)
    if is_code(bare) or is_reference(bare) or is_identifier(bare):
        return True
    return text[value.start] not in "\"'„«" and is_expression(text[value.start : value.end])


def _is_password(text: str, match: re.Match[str], value: Value) -> bool:
    bare = _bare(text, value)
    if match[0].lower() in ("pin", "puk"):
        return re.fullmatch(r"\d{4,8}", bare) is not None and len(set(bare)) > 1 and bare not in DEFAULT_LOGINS
    if is_placeholder(bare) or _is_code(text, value) or _is_prose(bare):
        return False
    return is_loud(bare) if value.loud else len(bare) >= 6 and is_random(bare)


def _is_all_digits(text: str, match: re.Match[str], end: int, value: Value) -> bool:
    """A password of digits only. The name and the text between them must distinguish it from a count or an order
    number: the name ends there, and nothing that is counted is mentioned.
    """
    bare = _bare(text, value)
    if value.loud or value.start < end or DIGITS.fullmatch(bare) is None or is_counting(bare):
        return False
    if match[0].lower() in LOOSE and text[max(0, match.start() - 1) : match.start()] not in ("_", "-", "."):
        return False
    if text[match.end() : end].rstrip(".-").lower() not in NAME_ENDS:
        return False
    return COUNTED.search(text[end : value.start]) is None and UNITS.match(text, value.end) is None


def _is_published(text: str, match: re.Match[str], before: str) -> bool:
    """The token of a project in web analytics: it only writes events, and every visitor's browser has it."""
    if match[0].lower() != "token" or PROJECT.search(before) is None:
        return False
    return ANALYTICS.search(text, max(0, match.start() - 400), match.end() + 400) is not None


def _names_something(match: re.Match[str], before: str, bare: str) -> bool:
    """An identifier, a path or the key of a record stands where a key could."""
    if is_name(bare):
        return not is_loud(bare)
    records = match[0].lower() == "key" and (RECORD.search(before) or not QUALIFIERS.search(before))
    return bool(records) and is_record_key(bare)


def _is_key(text: str, match: re.Match[str], value: Value) -> bool:  # noqa: PLR0911 — one line a reason
    """A bare `key` before hexadecimal digits is a cache's or a table's, more often than not."""
    bare, before = _bare(text, value), text[max(0, match.start() - 16) : match.start()]
    least = 12 if match[0].lower() in ("token", "secret") and has_all_cases(bare) else 16
    if HARMLESS_BEFORE.search(before) or _is_published(text, match, before):
        return False
    if value.loud:
        return is_loud(bare) and not is_placeholder(bare)
    if " " in bare and GROUPS.match(bare) is None:
        return False
    if len(bare) < least or not is_random(bare) or is_placeholder(bare) or _is_code(text, value):
        return False
    if _names_something(match, before, bare):
        return False
    if HEX.fullmatch(bare) is None:
        return True
    named = match[0].lower() != "key" or before.endswith((".", "_", "-")) or QUALIFIERS.search(before) is not None
    return named and not value.far
