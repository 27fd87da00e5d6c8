"""How vendors' keys are written, read from the table `vendor_keys.tsv`, and vendors' names.

A form of the table is literal text with fields: `ghp_{a36}` is "ghp_" and 36 letters or digits, `{h32-40}` are 32 to
40 hexadecimal digits. A pattern is tried only where its literal text stands, and every repetition in it is bounded, so
that hostile text costs linear time.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import NamedTuple

FIELD = re.compile(r"\{([a-zA-Z])(\d*)(?:-(\d+))?\}")
SETS = {
    "d": "0-9",
    "h": "0-9a-f",
    "H": "0-9a-fA-F",
    "l": "0-9a-z",
    "u": "0-9A-Z",
    "a": "0-9A-Za-z",
    "w": r"0-9A-Za-z_\-",
    "y": r"0-9A-Za-z_\-.~",
    "b": r"0-9A-Za-z+/=_\-",
    "x": r"0-9A-Za-z+/=_\-.~%",
}
"""What a field may hold; `g` is a UUID."""

UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

LEAST = 3
"""Characters of literal text that are looked up."""

MOST_BEFORE = 100
"""Characters that a form may have before its literal text."""


class Form(NamedTuple):
    """`literal` stands at `pattern`'s beginning, or inside of it. Without any, the pattern is a run's whole form."""

    vendor: str
    literal: str
    pattern: re.Pattern[str]


def form(vendor: str, template: str) -> Form:
    """A form of the table. Raises KeyError for a field that does not exist."""
    pattern, literals, at, last = "", [], 0, ""
    for field in FIELD.finditer(template):
        literals.append(template[at : field.start()])
        pattern += re.escape(literals[-1])
        at, kind = field.end(), field[1]
        last = "" if kind == "g" else SETS[kind]
        pattern += UUID if kind == "g" else f"[{last}]{{{field[2] or 1}{',' + field[3] if field[3] else ''}}}"
    literals.append(template[at:])
    pattern += re.escape(literals[-1])
    ending = f"(?![{last}])" if last and not literals[-1] else ""
    literal = literals[0] if len(literals[0]) >= LEAST else max(literals, key=len)
    start = "" if literals[0] else r"(?<![0-9A-Za-z])"
    return Form(vendor, literal if len(literal) >= LEAST else "", re.compile(start + pattern + ending))


class VendorRow(NamedTuple):
    """A row of the table: forms of one vendor's keys, and the site whose pages describe them."""

    vendor: str
    forms: tuple[str, ...]
    source: str


def _table() -> Iterator[VendorRow]:
    for line in files(__package__).joinpath("vendor_keys.tsv").read_text().splitlines()[1:]:
        vendor, templates, source = line.split("\t")
        yield VendorRow(vendor, tuple(templates.split(" ")), source)


TABLE = tuple(_table())


class VendorForms:
    """The forms, kept by what finds them: the first letters of a run or of a part of it, or literal text anywhere."""

    def __init__(self, forms: Iterable[Form]) -> None:
        self._at_start: dict[str, list[Form]] = defaultdict(list)
        self._whole: list[Form] = []
        self._inside: list[Form] = []
        for each in forms:
            if not each.literal:
                self._whole.append(each)
            elif each.pattern.pattern.startswith(re.escape(each.literal)) and KEY_CHARACTERS.fullmatch(each.literal):
                self._at_start[each.literal[:LEAST]].append(each)
            else:
                self._inside.append(each)

    def in_run(self, text: str, start: int, end: int) -> Iterator[tuple[Form, re.Match[str]]]:
        """Forms that begin in a run of key characters: with it, behind a joint, or with what no word ends in."""
        run = text[start:end]
        for place in (start, *(start + joint.end() for joint in JOINT.finditer(run))):
            for each in self._at_start.get(text[place : place + LEAST], ()):
                if text.startswith(each.literal, place) and (match := each.pattern.match(text, place)) is not None:
                    yield each, match
        for literal in UNMISTAKABLE:
            at = run.find(literal, 1)
            if at > 0 and run[at - 1].isalnum():
                for each in self._at_start[literal[:LEAST]]:
                    if (match := each.pattern.match(text, start + at)) is not None:
                        yield each, match
        for each in self._whole:
            if (match := each.pattern.match(run)) is not None and match.end() == len(run):
                yield each, each.pattern.match(text, start, end) or match

    def anywhere(self, text: str) -> Iterator[tuple[Form, re.Match[str]]]:
        """Forms whose literal text stands inside of them, or has characters that runs do not have."""
        for each in self._inside:
            at = text.find(each.literal)
            while at >= 0:
                match = each.pattern.search(text, max(0, at - MOST_BEFORE), at + len(each.literal) + 400)
                if match is not None:
                    yield each, match
                at = text.find(each.literal, max(at + 1, match.end() if match is not None else 0))


KEY_CHARACTERS = re.compile(r"[A-Za-z0-9_\-+/.~]+")
JOINT = re.compile(r"[_\-+/.~](?=[A-Za-z0-9])")

UNMISTAKABLE = (
    "hf_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "npm_",
    "gsk_",
    "tskey-",
    "AIza",
    "fio-u-",
)
"""Prefixes that count even behind a letter: what follows is long and has no dash."""

_TEMPLATES = {template: row.vendor for row in TABLE for template in row.forms}

VENDOR_FORMS = VendorForms(form(vendor, template) for template, vendor in _TEMPLATES.items())


def _names() -> Iterator[frozenset[str]]:
    for part in files(__package__).joinpath("vendor_names.txt").read_text().split("\n\n"):
        yield frozenset(word for line in part.splitlines() if not line.startswith("#") for word in line.split())


VENDOR_NAMES, COMMON_NAMES = _names()
"""Names in small letters without blanks, and those that are words of a language or stand in every project."""
