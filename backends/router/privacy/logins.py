"""Passwords on command lines, in calls, headers and login files."""

import base64
import binascii
import re
from collections.abc import Iterator

from backends.router.privacy.hit import Hit, is_code, is_placeholder, is_random

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
    for pattern in (FLAG, REFUSED):
        for match in pattern.finditer(text):
            value = match[1].strip("\"'").rstrip(".,;:)]}\\")
            if len(value) >= 6 and is_random(value) and not is_placeholder(value) and not is_code(value):
                yield Hit("password", match.start(1), match.end(1))
    for pattern in (CALL, COMMAND, PGPASS, NETRC, PIN):
        for match in pattern.finditer(text):
            group = match.lastindex or 1
            if not is_placeholder(match[group]):
                yield Hit("password", match.start(group), match.end(group))
    for match in BASIC.finditer(text):
        if _names_a_login(match[1]):
            yield Hit("password", match.start(1), match.end(1))


def _names_a_login(encoded: str) -> bool:
    """Does Basic authentication's text decode to `user:password`?"""
    try:
        login = base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return False
    user, colon, password = login.partition(":")
    return bool(colon) and user.isprintable() and not is_placeholder(password)
