"""What the detectors of passwords in commands, calls and files share: a form, and what is judged of its value."""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from backends.privacy.detection import Detection
from backends.privacy.detectors.code_names import is_expression, is_identifier, is_reference
from backends.privacy.detectors.secret_values import LOUD, has_all_cases, is_code, is_loud, is_placeholder, is_random
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

ARGUMENT = r"(?:'[^'\n]{1,200}'|\"[^\"\n]{1,200}\"|[^\s\"'`,;<>]{4,300})"
"""A word of a command line, quoted or not."""


HOST = re.compile(
    r"(?i)[a-z]{1,7}\d{1,2}|[a-z0-9\-]+(?:\.[a-z][a-z0-9\-]*)+|[a-z]+(?:[-_.][a-z]*)+\d{1,2}|"
    r"[a-z]*(?:server|host|node|worker|backend|frontend|cluster|database|postgres|version|python|windows)\d{1,2}"
)
"""`web01`, `vps-03`, `db1.internal`, `Windows11`: more often a machine than a password."""

TICKET = re.compile(r"[a-z]{1,10}:?#\d+|[_#].*")
"""`lp:#1965180`, and names of symbols."""

PROBABLE, LONG = 3, 8
"""Digits that a weak password has, and a machine's name has not; one less will do in a longer one."""


class LoginForm(NamedTuple):
    """`stems`: every text with the form has one. `before`: how many characters before a stem a match begins at most;
    None where a stem may stand anywhere.
    """

    pattern: re.Pattern[str]
    judged: Callable[[str], bool]
    stems: Stems
    before: int | None = None

    def matches(self, window: TextWindow) -> Iterator[re.Match[str]]:
        """All matches in a text with a stem, one after the other. Most of it lies around none."""
        if self.before is None:
            yield from self.pattern.finditer(window.text)
            return
        end = 0
        for place in sorted(window.places(self.stems)):
            for start in range(max(end, place - self.before), place + 1):
                match = self.pattern.match(window.text, start)
                if match is not None:
                    yield match
                    end = match.end()
                    break


def find_forms(window: TextWindow, forms: Iterable[LoginForm]) -> Iterator[Detection]:
    """The last group of each match, where it is judged to be a password."""
    for form in filter(lambda form: window.has_any(form.stems), forms):
        for match in form.matches(window):
            group = match.lastindex or 0
            if form.judged(match[group]):
                yield Detection("password", *match.span(group))


def is_secret(value: str) -> bool:
    """Letters and digits that name nothing."""
    bare = value.strip("\"'").rstrip(".,;:)]}\\")
    if len(bare) < 6 or not is_random(bare) or is_placeholder(bare):
        return False
    return not (is_code(bare) or is_reference(bare) or is_identifier(bare) or is_expression(bare))


def is_probable(value: str) -> bool:
    """More likely a password than the name of a machine or a version: it has three digits, all cases or loud marks."""
    if HOST.fullmatch(value) or TICKET.fullmatch(value):
        return False
    digits = sum(map(str.isdigit, value))
    if digits >= PROBABLE or (digits == PROBABLE - 1 and len(value) > LONG):
        return True
    return has_all_cases(value) or any(sign in LOUD for sign in value)


def is_loud_value(value: str) -> bool:
    """Looks like a password by itself."""
    bare = value.strip("\"'").rstrip(".,;:)]}\\")
    return is_loud(bare) and TICKET.fullmatch(bare) is None and not is_placeholder(bare)


def is_real(value: str) -> bool:
    """No template and no manual's default."""
    return not is_placeholder(value.strip("\"'"))


def is_argument(value: str) -> bool:
    """A value where a command or a file takes a password: it may be short, but is no flag, path or variable."""
    bare = value.strip("\"'")
    return not is_placeholder(bare) and bare[:1] not in "-/$<" and any(not sign.isalpha() for sign in bare)


def names_a_login(encoded: str) -> bool:
    """Does Basic authentication's text decode to `user:password`?"""
    try:
        login = base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return False
    user, colon, password = login.partition(":")
    return bool(colon) and user.isprintable() and password.isprintable() and not is_placeholder(password)
