"""Values that may leave the machine although they are private: the owner's own, as the settings or an action name them.

They are compared in a normal form: in any case, with any blanks, numbers with any separators, and phone numbers by
their last digits, since `+49 170 …` and `0170 …` are one number.
"""

import re
from collections.abc import Iterable

NUMBERS = frozenset({"card", "iban", "national-id", "passport"})

PHONE_DIGITS = 9
"""The digits of a phone number that are the same with and without the country's code."""

LEAST_DIGITS = 6
"""A literal with fewer is no number."""

AROUND = " \t\r\n\"'`.,;:?<>()[]"


class AllowedValues:
    def __init__(self, literals: Iterable[str]) -> None:
        self._forms = {form for literal in literals for form in _forms_of_literal(literal)}

    def __contains__(self, found: tuple[str, str]) -> bool:
        """May this value, of this kind of finding, pass? `found` is (kind, value)."""
        return bool(self._forms) and normal_form(*found) in self._forms


def normal_form(kind: str, value: str) -> str:
    """The value as it is compared."""
    if kind == "phone":
        return f"phone {_digits(value)[-PHONE_DIGITS:]}"
    if kind in NUMBERS:
        return f"number {''.join(filter(str.isalnum, value)).casefold()}"
    return f"text {' '.join(value.casefold().split()).strip(AROUND)}"


def _forms_of_literal(literal: str) -> Iterable[str]:
    if literal.strip():
        yield normal_form("", literal)
    if len(_digits(literal)) >= LEAST_DIGITS:
        yield normal_form("card", literal)
        if re.fullmatch(r"[\d\s+()/.\-]+", literal):
            yield normal_form("phone", literal)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))
