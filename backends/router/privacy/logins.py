"""Passwords on command lines, in calls, headers and login files."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from backends.router.privacy.hit import Hit, has_any, is_code, is_placeholder, is_random

QUOTED = r"'[^'\n]{1,200}'|\"[^\"\n]{1,200}\""

FLAG = re.compile(
    r"(?:(?<!\S)--?(?:p|pw|pass|password|passwd|secret|token|api-?key|authkey|access-token|auth-token)[ =]|"
    r"\brequirepass |\bmasterauth |\bIDENTIFIED BY |\bPASSWORD |\bpassword |\bsshpass -p ?|\bAUTH |"
    r"(?<!\S)-u [\w.@\-]{1,40}[:,]|(?<!\S)--user [\w.@\-]{1,40}:|\b_authToken=|\b[Bb]earer )"
    rf"({QUOTED}|[^\s\"'`,;<>]{{6,300}})"
)
CALL = re.compile(
    r"(?i)\b(?:login|authenticate|auth|connect|basicauth|credentials?)\s?[=:]?\s?[(\[]\s?[\"'][^\"'\n]{1,60}[\"'],\s{0,2}"
    r"[\"']([^\"'\n]{4,100})[\"']"
)
COMMAND = re.compile(
    r"\b(?:mysql|mysqldump|mariadb|mysqladmin|mariadb-dump)\b[^\n]{0,80}?\s-p['\"]?([^\s\"'`$]{4,100})|"
    r"\bopenssl\b[^\n]{0,120}?\s-(?:k|pass|passin|passout)\s(?:pass:)?([^\s\"'`$\-][^\s\"'`$]{3,100})"
)
PGPASS = re.compile(r"(?m)^[\w.*\-]{1,80}:(?:\d{2,5}|\*):[\w*\-]{1,60}:[\w.*\-]{1,60}:(\S{4,100})$")
NETRC = re.compile(r"\blogin\s{1,4}\S{1,80}\s{1,8}password\s{1,4}(\S{4,100})")
REFUSED = re.compile(r"(?i)\blog(?:in|on|ged in)\b[^\n]{0,80}?\bwith ([^\s\"',;]{10,100})")
PIN = re.compile(r"\bPIN:? {0,2}(\d{4,6})\b")
BASIC = re.compile(r"(?i)\bbasic ([A-Za-z0-9+/]{8,200}={0,2})")


def find(text: str) -> Iterator[Hit]:
    """Passwords in `text` that a command, a call or a file's form gives away."""
    lowered = text.lower()
    for pattern, judged, stems in FORMS:
        for match in pattern.finditer(text) if has_any(lowered, stems) else ():
            group = match.lastindex or 1
            if judged(match[group]):
                yield Hit("password", match.start(group), match.end(group))


def _is_secret(value: str) -> bool:
    bare = value.strip("\"'").rstrip(".,;:)]}\\")
    return len(bare) >= 6 and is_random(bare) and not is_placeholder(bare) and not is_code(bare)


def _is_real(value: str) -> bool:
    return not is_placeholder(value)


def _names_a_login(encoded: str) -> bool:
    """Does Basic authentication's text decode to `user:password`?"""
    try:
        login = base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return False
    user, colon, password = login.partition(":")
    return bool(colon) and user.isprintable() and not is_placeholder(password)


FORMS: tuple[tuple[re.Pattern[str], Callable[[str], bool], tuple[str, ...]], ...] = (
    (FLAG, _is_secret, ("-p", "pass", "secret", "token", "auth", "identified", "-u ", "--user", "bearer", "api")),
    (REFUSED, _is_secret, ("login", "logon", "logged")),
    (CALL, _is_real, ("login", "auth", "connect", "credential")),
    (COMMAND, _is_real, ("mysql", "mariadb", "openssl")),
    (PGPASS, _is_real, (":",)),
    (NETRC, _is_real, ("login",)),
    (PIN, _is_real, ("pin",)),
    (BASIC, _names_a_login, ("basic ",)),
)
"""Each form, when its value counts, and what stands in any text that has it."""
