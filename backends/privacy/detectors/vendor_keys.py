"""How vendors' keys are written, read from the table `vendor_keys.tsv`, and vendors' names.

A form of the table is literal text with fields: `ghp_{a36}` is "ghp_" and 36 letters or digits, `{h32-40}` are 32 to
40 hexadecimal digits. A pattern is tried only where its literal text stands, and every repetition in it is bounded, so
that hostile text costs linear time.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from importlib.resources import files
from typing import NamedTuple

from msgspec import Struct

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

TRIED, MOST_TRIED = 8, 4_000
"""Characters that forms may read of a run for each of its characters, and besides: a run of nothing but beginnings of
keys would otherwise cost its length squared.
"""


class Form(Struct, frozen=True, dict=True):
    """`literal` stands behind `before` characters of the `expression`, fewest and most, which matches `most` in all.
    Without any literal, the expression is a run's whole form.
    """

    vendor: str
    literal: str
    expression: str
    before: tuple[int, int]
    most: int

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when the literal text is first met: a process meets few of the table's, and all take 30 ms."""
        return re.compile(self.expression)


def form(vendor: str, template: str) -> Form:
    """A form of the table. Raises KeyError for a field that does not exist."""
    parts: list[tuple[str, str]] = []
    at = 0
    for field in FIELD.finditer(template):
        parts += [("", template[at : field.start()]), (field[1], field[0])]
        at = field.end()
    parts.append(("", template[at:]))
    literals = [text for kind, text in parts if not kind]
    literal = literals[0] if len(literals[0]) >= LEAST else max(literals, key=len)
    pattern = "" if literals[0] else r"(?<![0-9A-Za-z])"
    least = most = 0
    before = (0, 0)
    for place, (kind, text) in enumerate(parts):
        if text == literal and not kind:
            before = (least, most)
        if not kind:
            few, many, said = len(text), len(text), re.escape(text)
        elif kind == "g":
            few, many, said = 36, 36, UUID
        else:
            few, many, said = _field(kind, text, ends=place == len(parts) - 2 and not literals[-1])
        least, most, pattern = least + few, most + many, pattern + said
    return Form(vendor, literal if len(literal) >= LEAST else "", pattern, before, most)


def _field(kind: str, text: str, *, ends: bool) -> tuple[int, int, str]:
    """Fewest and most characters of a field, and its pattern. One that ends a form gives nothing back, and no more of
    its characters follow.
    """
    sizes = FIELD.fullmatch(text)
    few = int(sizes[2] or 1) if sizes is not None else 1
    many = int(sizes[3] or few) if sizes is not None else few
    return few, many, f"[{SETS[kind]}]{{{few},{many}}}" + (f"+(?![{SETS[kind]}])" if ends else "")


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


Match = tuple[Form, re.Match[str]]


class VendorForms:
    """The forms, kept by what finds them: the first letters of a run or of a part of it, literal text inside of a run,
    and literal text with signs that runs do not have.
    """

    def __init__(self, forms: Iterable[Form]) -> None:
        self._at_start: dict[str, list[Form]] = defaultdict(list)
        self._whole: list[Form] = []
        self._inside: list[Form] = []
        self._signed: list[Form] = []
        for each in forms:
            if KEY_CHARACTERS.fullmatch(each.literal) is None:
                (self._signed if each.literal else self._whole).append(each)
            elif each.before == (0, 0):
                self._at_start[each.literal[:LEAST]].append(each)
            else:
                self._inside.append(each)

    def in_run(self, text: str, start: int, end: int) -> Iterator[Match]:
        """Forms in a run of key characters: they begin with it, behind a joint, or with what no word ends in."""
        run = text[start:end]
        allowed = TRIED * len(run) + MOST_TRIED
        for place in (start, *(start + joint.end() for joint in JOINT.finditer(run))):
            for each in self._at_start.get(text[place : place + LEAST], ()):
                if allowed > 0 and text.startswith(each.literal, place):
                    allowed -= min(each.most, end - place)
                    if (match := each.pattern.match(text, place)) is not None:
                        yield each, match
        for literal in UNMISTAKABLE:
            at = run.find(literal, 1)
            if at > 0 and run[at - 1].isalnum():
                for each in self._at_start[literal[:LEAST]]:
                    if (match := each.pattern.match(text, start + at)) is not None:
                        yield each, match
        for each in self._whole:
            if (match := each.pattern.match(text, start)) is not None and match.end() == end:
                yield each, match
        for each in self._inside:
            if each.literal in run and (match := each.pattern.match(text, start)) is not None:
                yield each, match

    def with_signs(self, text: str) -> Iterator[Match]:
        """Forms whose literal text has signs that runs do not have."""
        for each in self._signed:
            at = text.find(each.literal)
            while at >= 0:
                least, most = each.before
                starts = range(max(0, at - most), at - least + 1)
                match = next(filter(None, (each.pattern.match(text, start) for start in starts)), None)
                if match is not None:
                    yield each, match
                at = text.find(each.literal, at + 1 if match is None else max(at + 1, match.end()))


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
