"""Passwords that the name beside them reveals: `DB_PASSWORD=…`, `"pwd": "…"`, "das Passwort lautet …"."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.named_values import LOOSE, Value, bare_value, named_values, names_code
from backends.privacy.detectors.plain_passwords import is_plain_password
from backends.privacy.detectors.secret_names import ENDINGS, PASSWORD_HEADS
from backends.privacy.detectors.secret_values import DEFAULT_LOGINS, is_counting, is_loud, is_placeholder, is_random
from backends.privacy.text_window import TextWindow

DIGITS = re.compile(r"\d{6,64}")

NAME_ENDS = ENDINGS | {"", "1", "2", "_1", "_2"}
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


LEAST = 6
"""Characters of a password."""

SIGNED = re.compile(r"[A-Za-z]{2,}[!#$^][A-Za-z]{2,}|[A-Z][a-z]{4,}[!#$]")
"""Words that a sign joins or ends: nothing else is written so beside a password's name."""


def find(window: TextWindow) -> Iterator[Detection]:
    """Values that stand beside a password's name and look like one."""
    text = window.text
    for name, end, values in named_values(window, PASSWORD_HEADS):
        if name["password"] is None:
            continue
        for value in values:
            if _is_password(text, name, value) or _is_weak(text, name, end, value):
                yield Detection("password", value.start, value.end)
                break


def _is_password(text: str, match: re.Match[str], value: Value) -> bool:
    bare = bare_value(text, value)
    if match[0].lower() in ("pin", "puk"):
        return re.fullmatch(r"\d{4,8}", bare) is not None and len(set(bare)) > 1 and bare not in DEFAULT_LOGINS
    if is_placeholder(bare) or names_code(text, value) or _is_prose(bare):
        return False
    if value.loud:
        return is_loud(bare)
    return len(bare) >= LEAST and (is_random(bare) or SIGNED.fullmatch(bare) is not None)


def _is_weak(text: str, match: re.Match[str], end: int, value: Value) -> bool:
    """Nothing but digits, or a word."""
    if value.loud or value.start < end:
        return False
    return _is_all_digits(text, match, end, value) or is_plain_password(text, end, value.start, value.end)


def _is_all_digits(text: str, match: re.Match[str], end: int, value: Value) -> bool:
    """A password of digits only. The name and the text between them must distinguish it from a count or an order
    number: the name ends there, and nothing that is counted is mentioned.
    """
    bare = bare_value(text, value)
    if DIGITS.fullmatch(bare) is None or is_counting(bare):
        return False
    if match[0].lower() in LOOSE and text[max(0, match.start() - 1) : match.start()] not in ("_", "-", "."):
        return False
    if text[match.end() : end].rstrip(".-").lower() not in NAME_ENDS:
        return False
    return COUNTED.search(text[end : value.start]) is None and UNITS.match(text, value.end) is None


def _is_prose(value: str) -> bool:
    return value.count(" ") > 1 and not any(map(str.isdigit, value))
