"""E-mail addresses of people. Roles (noreply@), mailing lists, reserved domains (example.com) and what is only written
like an address (a service, a cipher, a package at a version) are harmless.
"""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

EMAIL = re.compile(
    r"(?<![\w.+\-])(?<!\\(?=[nrt]))(\w(?:[\w.+\-]|'(?=\w)){0,63})(?:@|%40)"
    r"((?:[^\W_](?:[^\W_]|-){0,62}\.){1,5}(?:xn--[a-z0-9\-]{2,59}|[^\W\d_]{2,24}))(?![\w@])"
)
AT = Stems("@", "%40")
LOCAL_PART, DOMAINS = 70, 420
"""Characters of an address before and behind its sign."""

SPELLED = re.compile(
    r"(?i)(?<![\w.+\-])([a-z0-9][\w.+\-]{1,63})\s{0,2}[\[({]\s?(?:at|ät|arroba|chez)\s?[\])}]\s{0,2}([a-z0-9][\w\-]{0,62}"
    r"(?:\s{0,2}(?:\.|[\[({]\s?(?:dot|punkt|punto|point)\s?[\])}])\s{0,2}[a-z0-9\-]{2,24}){1,3})"
)
"""`lena [at] webmail [dot] net`."""

SPELLED_STEMS = Stems("[at", "(at", "[ at", "( at", "{at", "[ät", "(ät", "(arroba", "[arroba", "(chez")

RESERVED = re.compile(
    r"(?i)(^|\.)(example|invalid|test|local|localhost|internal|lan|corp|home)(\.[a-z]{2,6})?$|"
    r"^(domain|host|server|mail|company|yourdomain|acme|foo|bar|baz|foobar|[a-z])\.(com|org|net|tld|io|co|[a-z])$|"
    r"(^|\.)example\.domain\.|^host\.domain\.|\.ts\.net$|^g\.us$|\.gserviceaccount\.com$|^lists\.|\.lists\.|^openssh\.com$"
)
"""Nobody's domains; those of groups, machines and services; and the one that OpenSSH's protocol extensions carry."""

FILE = re.compile(
    r"(?i)\.(?:service|socket|timer|mount|automount|target|slice|scope|swap|device|path|tar|t?gz|xz|bz2|zip|png|jpe?g|gif|"
    r"svg|webp|css|js|mjs|cjs|json|ya?ml|toml|xml|html?|txt|md|conf|cfg|ini|log|patch|deb|rpm|whl|so|py)$"
)
"""A unit of systemd (`getty@tty1.service`), a picture (`icon@2x.png`), a package at a version."""

DOMAIN = re.compile(r"\.[^\W\d_]{2,24}\Z")
"""What is left of `lena@webmail.net.txt` ends as a domain does."""

ALGORITHM = re.compile(
    r"(?i)(?:^|-)(?:[hu]mac|sha[12]?|aes\d{3}|chacha20|poly1305|curve25519|ecdsa|ed25519|rsa|dss|rijndael|zlib|"
    r"sntrup\w+|mlkem\w+|cert-v\d\d)(?:-|$)"
)
"""SSH names a cipher, a MAC or a kind of key as `name@domain` (RFC 4251, section 6)."""

SHELL = re.compile(
    r"(?:\A|[\s`\"'(;&|])(?:ssh|scp|sftp|rsync|mosh|ssh-copy-id)\s(?:-\S{1,40}\s(?:[^\s@]{1,60}\s)?){0,6}\"?\Z"
)
REMOTE_PATH = re.compile(r":[/~.]")
"""Around the login of a command: before it, and behind it in `user@host:/srv`."""

ROLE = re.compile(
    r"(?i)^(git|noreply|no-reply|donotreply|root|postgres|svn|hg|user|username|name|you|your.?name|me|someone|foo|bar|"
    r"test|nobody|security|abuse|postmaster|hostmaster|mailer-daemon|bug-[\w\-]+|[\w\-]+-(?:devel|users|announce|"
    r"maintainers|discuss|sig)|test-?user\d*|user\d+)$"
)
AUTHORITY = re.compile(r"://[^\s/@]{0,80}\Z")
"""What stands before the user of a URL, or before its password."""


def find(window: TextWindow) -> Iterator[Detection]:
    """Addresses as they are written, and spelled out: `lena [at] webmail [dot] net`."""
    text = window.text
    for start, end in window.around(AT, LOCAL_PART, DOMAINS):
        for match in EMAIL.finditer(text, start, end):
            if _is_persons(match) and not _is_login(text, match):
                yield Detection("email", match.start(), match.end())
    if ("[" in text or "(" in text or "{" in text) and window.has_any(SPELLED_STEMS):
        for match in SPELLED.finditer(text):
            if _is_persons(match):
                yield Detection("email", match.start(), match.end())


def _is_persons(match: re.Match[str]) -> bool:
    if RESERVED.search(match[2]) or ROLE.match(match[1]) or ALGORITHM.search(match[1]):
        return False
    ending = FILE.search(match[2])
    return ending is None or DOMAIN.search(match[2], 0, ending.start()) is not None


def _is_login(text: str, match: re.Match[str]) -> bool:
    """A user on a machine, in a URL or a command, rather than a mailbox."""
    before = max(0, match.start() - 90)
    if AUTHORITY.search(text, before, match.start()) or SHELL.search(text, before, match.start()):
        return True
    return REMOTE_PATH.match(text, match.end()) is not None
