"""What a detector finds, and when a text found beside a telling name is no secret at all."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Hit(NamedTuple):
    """Something private at `start:end` of a text."""

    kind: str
    start: int
    end: int


Detector = Callable[[str], Iterable[Hit]]


def is_placeholder(value: str) -> bool:
    """Stands for a secret without being one: a template, a mask, a manual's default."""
    if len(set(value)) < 4 or value.lower() in DEFAULT_LOGINS or value in DOCUMENTED:
        return True
    return PLACEHOLDER.search(value) is not None


def is_code(value: str) -> bool:
    """Names where the secret is kept, rather than being it."""
    return CODE.search(value) is not None


def is_random(value: str) -> bool:
    """Letters with digits, or with marks, or with a change of case inside, as words of prose have not."""
    letters = any(map(str.isalpha, value))
    digits = any(map(str.isdigit, value))
    if digits and (letters or any(character in MARKS for character in value[:-1])):
        return True
    mixed = value not in (value.lower(), value.upper(), value.capitalize())
    return mixed and (len(value) >= 10 or any(character in LOUD for character in value))


def has_any(lowered: str, stems: Iterable[str]) -> bool:
    """A plain search for each stem: a hundredth of a pattern's cost, so most texts never meet the pattern."""
    return any(stem in lowered for stem in stems)


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LOUD = "!@#$%^&*+?~"
MARKS = LOUD + "|=_-."

PLACEHOLDER = re.compile(
    r"""(?xi)
    \$\{ | \{\{ | \$\( | %\( | ^%\w+%$ | ^\$ | ^< | >$ | \*\*\* | x{4} | •{3} | \.\.\. | … | ^_+$ | ^\[.{0,40}\]$ | ^\(
    | your | change[_-]?me | example | placeholder | redacted | masked | hidden | dummy | sample | replace | insert
    | paste | \bhere\b | todo | fixme | lorem | ^test(ing)?$ | foobar | abcdef | 1234567 | deadbeef | not[_-]?set
    """
)

CODE = re.compile(
    r"""(?xi)
    ^(os|process|env|config|settings|self|this|request|req|args|options|opts|ctx|data|props|params|app|user|secrets?
      |vault|import\.meta|builder|configuration|cfg|values|var|local|each|module|std|getpass|flask|django)[.\[:]
    | ^[a-z_][\w.]*[(\[] | ^(?-i:[A-Z][A-Z_]+)$
    | ^(str|string|int|bool|none|null|nil|true|false|undefined|optional|any|bytes)\b
    """
)

DOCUMENTED = words(
    """123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw
    sk_test_4eC39HqLyjWDarjtT1zdp7dc wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"""
)
"""Keys that vendors' own pages print."""

DEFAULT_LOGINS = words(
    """admin root guest user test password passwd pass secret postgres mysql redis mongo rabbit rabbitmq minio demo toor
    minioadmin default changeme changeit letmein pi raspberry ubuntu vagrant elastic kibana grafana sa public private
    key token apikey api_key pwd pw foo bar baz none null true false undefined admin123 password123 test123 secret123
    p@ssw0rd mypassword mysecret postgres123 root123 123456 12345678 password1 hunter2 supersecret s3cr3t s3cret 1234
    passw0rd pa55word correcthorsebatterystaple qwerty xxx yyy zzz abc123 abc"""
)
"""What manuals print: harmless, as everybody knows them."""
