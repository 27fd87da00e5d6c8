"""Passwords in addresses: connection strings and query parameters."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.key_lookalikes import is_public
from backends.privacy.detectors.secret_values import DEFAULT_LOGINS, is_code, is_placeholder, is_random
from backends.privacy.text_window import TextWindow

SCHEME = re.compile(r"(?i)://|%3A%2F%2F|(?<=[\s\"'=(@])//")
LOGIN = re.compile(
    r"(?i)((?:[^\s:/@\"'`<>%]|%(?!3A)[0-9A-F]{2}){0,80})(?::|%3A)([^\s\"'`<>@/]{1,160}|\$\{[^}]{1,60}\}|<[^>]{1,40}>)"
    r"(?:@|%40)[\w.\-\[$]"
)
"""What follows the scheme: user, colon, password, at, the first letter of a host."""

SAMPLE_HOST = re.compile(r"(?i)(?:[\w\-]{1,60}\.){0,3}(?:example|foo|bar)\.(?:com|org|net)\b")
REAL_HOST = re.compile(r"(?i)(?!127\.|0\.|localhost|[\w.\-]{0,60}\bexample\b)[\w\-]{1,60}\.[\w.\-]{2,60}")

ORACLE = re.compile(
    r"(?i)(?:\bsqlplus\s(?:-\w+\s)?|\bthin:|\b(?:expdp|impdp|rman target)\s)[\w$#]{1,40}/([^\s\"'@/]{4,80})@"
)

PARAMETER = re.compile(
    r"(?i)[?&;](?:password|passwd|pwd|pass|sig|accountkey|sharedaccesskey|access_token|api_?key|token|key|auth|secret)="
    r"([^\s&;\"'<>]{6,300})"
)


def find(window: TextWindow) -> Iterator[Detection]:
    """Passwords in URLs and the like, except manuals' (`postgres:postgres@`) and templates (`${PASSWORD}`)."""
    text = window.text
    if "//" in text or "%2" in text:
        for scheme in SCHEME.finditer(text):
            login = LOGIN.match(text, scheme.end())
            if login is not None and not _is_harmless(login[1], login[2], text[login.end() - 1 : login.end() + 60]):
                yield Detection("connection-string", scheme.start(), login.end(2))
    if "@" in text and "/" in text:
        for match in ORACLE.finditer(text):
            if not is_placeholder(match[1]) and not is_code(match[1]):
                yield Detection("connection-string", match.start(1), match.end(1))
    if "=" in text:
        for match in PARAMETER.finditer(text):
            if is_random(match[1]) and not is_placeholder(match[1]) and not is_public(text, *match.span(1)):
                yield Detection("connection-string", match.start(1), match.end(1))


def _is_harmless(user: str, password: str, host: str) -> bool:
    """A manual's login, the same word twice, or a port taken for a password. A password that everybody knows
    (`passw0rd`) is none where a real host follows.
    """
    if user.lower() == password.lower() or (not user and password.isdigit()):
        return True
    if SAMPLE_HOST.match(host) and password.isalpha() and password.islower():
        return True
    known = password.lower() in DEFAULT_LOGINS and not password.isalpha() and REAL_HOST.match(host) is not None
    return is_placeholder(password) and not known
