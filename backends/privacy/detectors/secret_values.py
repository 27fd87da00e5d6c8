"""Is a value beside a telling name a secret, or a placeholder, a default from a manual, code or prose?"""

import re

from backends.privacy.detection import word_set


def is_placeholder(value: str) -> bool:
    """Stands for a secret without being one: a template, a mask, a manual's default."""
    if len(set(value)) < 4 or value.lower() in DEFAULT_LOGINS or value in DOCUMENTED:
        return True
    return PLACEHOLDER.search(value) is not None


def is_masked(value: str) -> bool:
    """A key's place that says so: `sk-your-key-here`, `ghp_xxxx`. What counts upwards may be a key."""
    return MASKED.search(value) is not None


def is_documented(text: str) -> bool:
    """Holds a key, or a part of one, that vendors' own pages print."""
    return any(part in text for part in DOCUMENTED_PARTS)


def is_counting(digits: str) -> bool:
    """Digits that people type where they have no password: 111111, 123456, 87654321. Manuals print them."""
    return len(set(digits)) < 2 or digits in UPWARDS or digits in UPWARDS[::-1] or digits in DEFAULT_LOGINS


def is_code(value: str) -> bool:
    """An expression that names where the secret is kept."""
    return CODE.search(value) is not None


def is_random(value: str) -> bool:
    """Letters with digits or marks, or with a change of case inside; words of prose have none of these."""
    letters = any(map(str.isalpha, value))
    digits = any(map(str.isdigit, value))
    if digits and (letters or any(character in MARKS for character in value[:-1])):
        return True
    mixed = value not in (value.lower(), value.upper(), value.capitalize())
    return mixed and (len(value) >= 10 or any(character in LOUD for character in value))


def is_loud(value: str) -> bool:
    """Looks like a password even where nothing assigns it: `Harbour!Fog42`, `violet-Winter-canoe85`.

    Names of things (`node-22.example`, `PBKDF2-HMAC`, `Qwen2.5-7B`, `user@host1`) do not.
    """
    if not 8 <= len(value) <= 64 or NAMED_THING.search(value) or not is_random(value):
        return False
    return LOUD_FORM.search(value) is not None


def has_all_cases(value: str) -> bool:
    """Capitals, small letters and digits."""
    return value not in (value.lower(), value.upper()) and any(map(str.isdigit, value))


UPWARDS = "01234567890123456789"
LOUD = "!@#$%^&*+?~"
MARKS = LOUD + "|=_-."

NAMED_THING = re.compile(
    r"""(?x)
    ^[A-Z0-9_\-.:/]+$ | :// | ^[./~$@#\-] | [()\[\]{}<>=|\\"'`;,] | ^[\w.\-]+@[a-z0-9\-]+(?:\.[a-z0-9\-]+)*$
    | ^\d[\d.,:/\-]*\w{0,3}$ | \.[A-Za-z]{2,5}\d?$ | \d\.\d | ^[0-9a-fA-F\-]+$
    | ^(?i:sha|md|aes|rsa|utf|iso|rfc|cve)[\-_]?\d | / | ^&|&\w+; | \$\w{1,10}\$ | ^[A-Za-z0-9+/=]{24,}$
    | %[0-9A-F]{2} | ^[\w.\-]+@[\w.\-]+:\d{2,5}$ | ^[a-z0-9.\-]+\+[a-z]{3,8}$ | [a-z]\+\+ | ^[A-Z_]+[+*]\d$ | :!\d$
    | \?\? | &\#\d | ^\w+\$[12]$ | ^\w+\$[A-Za-z]{6,}$ | ^(?:self|this|cls)\. | ^v?\d+(?:\.\d+)*[~+]
    | ^(?:[A-Z]{2,8}|(?i:bug|issue|closes|debian|ubuntu|rhbz|gh|pr|mr|cve))[#!]\d+$
    | ^[A-Z][a-z]+[A-Z]\w*\#[a-z]\w*$ | ^\d{3,5}\#[a-z]
    """
)
LOUD_FORM = re.compile(
    r"(?=.*[A-Za-z])(?=.*\d)(?=.{2,}[!@#$%^&*+?~])|^[A-Z][a-z]{2,}[_.\-][A-Z][a-z]{2,}\d{2,4}$|"
    r"^(?:[A-Za-z]{3,}[_.\-]){2,}[A-Za-z]{3,}\d{1,4}$"
)

PLACEHOLDER = re.compile(
    r"""(?xi)
    \$\{ | \{\{ | \$\( | %\( | ^%\w+%$ | ^%s | ^\$ | ^< | >$ | \*\*\* | x{4} | •{3} | \.\.\. | … | ^_+$
    | ^\[.{0,40}\]$ | ^\( | \[\[[A-Z_]+_\d
    | \bEXAMPLE | EXAMPLE(?:KEY)?\b | ^example | your | change[_-]?me | placeholder | redacted | masked | hidden | dummy
    | sample | replace | insert | paste | \bhere\b | todo | fixme | lorem | ^test(ing)?$ | foobar | abcdef | 1234567
    | deadbeef | (?:^|_)fedcba98 | not[_-]?set | ^value_?\d | \babc-?(?:def|xyz)
    | ^\{[a-z_][\w.]*(?:\[\w+\]|\(\))?\}$ | ^my[_-]?(?:token|key|secret|pass(?:word)?)\d?$
    """
)

MASKING = word_set(
    """your example changeme change_me placeholder redacted masked hidden dummy sample replace insert paste todo fixme
    foobar notset not_set"""
)
MASKED = re.compile(
    r"[xX]{4}|\*{3}|•{3}|\.{3}|…|[hH]ere\Z|HERE\Z|0{8}|([A-Za-z])\1{5}|"
    + "|".join(sorted(form for word in MASKING for form in (word, word.upper(), word.capitalize())))
)
"""Words in one case: in random letters they stand by chance (`zwyOuR6`)."""

CODE = re.compile(
    r"""(?xi)
    ^(os|process|env|config|settings|self|this|request|req|args|options|opts|ctx|data|props|params|app|user|secrets?
      |vault|import\.meta|builder|configuration|cfg|values|var|local|each|module|std|getpass|flask|django)[.\[:]
    | ^[a-z_][\w.:]*[(\[] | ^(?-i:[A-Z][A-Z_]+)$ | ^(?-i:[A-Z]{2,6}-[a-z]+)$ | ^(?-i:[A-Z][a-z]+(?:[A-Z][a-z]+)+)$ | ^::
    | ^(str|string|int|bool|none|null|nil|true|false|undefined|optional|any|bytes)\b
    | ^[a-z_][a-z_]*=\d+$ | ^-----BEGIN
    """
)

DOCUMENTED_PARTS = (
    "EXAMPLE",
    "4eC39HqLyjWDarjtT1zdp7dc",
    "eyJzdWIiOiIxMjM0NTY3ODkwIi",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4g",
    "eyJhbGciOiJIUzI1NiJ9.e30",
    "T00000000/B00000000/XXXX",
    "ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
)
"""Parts of such keys."""

DOCUMENTED = word_set(
    """123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw
    sk_test_4eC39HqLyjWDarjtT1zdp7dc wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY JBSWY3DPEHPK3PXP
    2b7e151628aed2a6abf7158809cf4f3c 0123456789abcdef0123456789abcdef 000102030405060708090a0b0c0d0e0f"""
)
"""Keys that vendors' own pages and test vectors print."""

DEFAULT_LOGINS = word_set(
    """admin root guest user test password passwd pass secret postgres mysql redis mongo rabbit rabbitmq minio demo
    toor minioadmin default changeme changeit letmein pi raspberry ubuntu vagrant elastic kibana grafana sa public
    private key token apikey api_key pwd pw foo bar baz none null true false undefined admin123 password123
    test123 secret123 p@ssw0rd mypassword mysecret postgres123 root123 123456 12345678 password1 hunter2
    supersecret s3cr3t s3cret 1234 passw0rd pa55word correcthorsebatterystaple qwerty xxx yyy zzz abc123 abc
    calvin guest123 admin1234 welcome1 anoncvs anonymous pass1 pass2"""
)
"""Logins that manuals print: harmless, as they are public."""
