"""E-mail addresses of people; roles (noreply@) and reserved domains (example.com) are harmless."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.text_window import TextWindow

EMAIL = re.compile(
    r"(?<![\w.+\-])([A-Za-z0-9_][\w.+\-]{0,63})(?:@|%40)((?:[A-Za-z0-9\-]{1,63}\.){1,5}[A-Za-z]{2,24})(?![\w@])"
)
SPELLED = re.compile(
    r"(?i)(?<![\w.+\-])([a-z0-9][\w.+\-]{1,63})\s{0,2}[\[({]\s?(?:at|ät|arroba|chez)\s?[\])}]\s{0,2}([a-z0-9][\w\-]{0,62}"
    r"(?:\s{0,2}(?:\.|[\[({]\s?(?:dot|punkt|punto|point)\s?[\])}])\s{0,2}[a-z0-9\-]{2,24}){1,3})"
)
"""`lena [at] webmail [dot] net`."""

RESERVED = re.compile(
    r"(?i)(^|\.)(example|invalid|test|local|localhost|internal|lan|corp|home)(\.[a-z]{2,6})?$|"
    r"^(domain|host|server|mail|company|yourdomain|acme)\.(com|org|net|tld)$"
)
ROLE = re.compile(
    r"(?i)^(git|noreply|no-reply|donotreply|root|postgres|svn|hg|user|username|name|you|your.?name|me|someone|foo|bar|"
    r"test|nobody)$"
)
AUTHORITY = re.compile(r"://[^\s/@]{0,80}\Z")
"""What stands before the user of a URL, or before its password."""


def find(window: TextWindow) -> Iterator[Detection]:
    """Addresses as they are written, and spelled out: `lena [at] webmail [dot] net`."""
    text = window.text
    if "@" in text or "%40" in text:
        for match in EMAIL.finditer(text):
            if _is_persons(match) and AUTHORITY.search(text, max(0, match.start() - 90), match.start()) is None:
                yield Detection("email", match.start(), match.end())
    if ("[" in text or "(" in text or "{" in text) and window.has_any(
        ("[at", "(at", "[ at", "( at", "{at", "[ät", "(ät", "(arroba", "[arroba", "(chez")
    ):
        for match in SPELLED.finditer(text):
            if _is_persons(match):
                yield Detection("email", match.start(), match.end())


def _is_persons(match: re.Match[str]) -> bool:
    return not RESERVED.search(match[2]) and not ROLE.match(match[1])
