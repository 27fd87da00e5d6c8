"""Secrets that a name beside them gives away: `DB_PASSWORD=…`, `"api_key": "…"`, "das Passwort lautet …".

The name is found first, by one pass over the text; what surrounds it is then read with bounded patterns, so that
hostile text costs linear time.
"""

import re
from collections.abc import Iterator

from backends.router.privacy.hit import Hit, has_any, is_code, is_placeholder, is_random, words

STRONG = (
    "pass(?:word|wd|wort|phrase|code)?|pwd|pw|kennwort|mot de passe|mdp|contraseña|contrasena|clave|senha|wachtwoord|"
    "hasło|haslo|пароль|密码|密碼|パスワード|पासवर्ड|requirepass|masterauth|psk|pin"
)
"""Names of passwords, which may be short."""

WEAK = (
    "secret|token|credential|api[ _-]?key|access[ _-]?key|auth[ _-]?key|private[ _-]?key|signing[ _-]?key|"
    "encryption[ _-]?key|master[ _-]?key|account[ _-]?key|license[ _-]?key|schlüssel|client-key-data|bearer|salt|key"
)
"""Names of keys, which are long."""

NAME = re.compile(f"(?i)({STRONG})|{WEAK}")
STEMS = words(
    """pass pwd pw kennwort passe mdp contrase clave senha wachtwoord has пароль 密 パスワード पासवर्ड auth psk pin
    secret token credential key schlüssel bearer salt"""
)
"""One of these is in each name."""

SHORT_NAMES = ("pw", "pin", "psk", "pass", "key", "salt", "clave", "senha")
"""Names that other words end in (monkey, compass)."""

BEFORE = re.compile(r"(?s).*[^\w.\-]")
"""All up to the word that a name ends."""

AFTER = re.compile(r"[\w.\-]{0,20}")

VERB = "is|was|ist|lautet|est|es|é|è|to|are|war|era|c'est|to be|は|是"
GAP = re.compile(
    r"(?i)(?:\\?[\"'`]?\]?\s{0,3}(?::=|=>|==|=|:|：|->|→)\s{0,3}\\?|[\"']\s?,\s{0,3}(?=[\"'])|は|是"
    rf"|(?:\s(?:on|for|of|von|für|vom|der|des|de|del|da|di|du)\s[^\n]{{1,40}}?)?\s(?:{VERB}):?\s{{0,3}})"
)
BLANK = re.compile(r"\s{1,3}(?=[A-Za-z0-9_\-]{20})")
VALUE = re.compile(
    r"\"[^\"\n]{1,200}\"|'[^'\n]{1,200}'|`[^`\n]{1,200}`|„[^“\"\n]{1,100}|«[^»\n]{1,100}|[^\s\"'`,;<>]{1,300}"
)
ELEMENT = re.compile(r">([^<\n]{4,100})</")

HARMLESS = re.compile(
    r"(?i)hash|digest|checksum|public|pub[_\-]?key|_id$|[_\-]id\b|name$|file|path|url|uri|_len|length|count|limit|type|"
    r"field|policy|prompt|budget|usage|per_|max_|min_|_env|ttl|expir|total|num_|tokeni|primary|foreign|sort|partition|"
    r"idempot|cache|keyb|keyw|monkey|turkey|compass|bypass|sample|documented"
)
HARMLESS_BEFORE = re.compile(
    r"(?i)(?:cache|primary|foreign|idempotency|sort|partition|row|object|public|trace)[ _:\-]*\w{0,8}[ _:]*\Z"
)
HEX = re.compile(r"(?i)[0-9a-f\-]+")


def find(text: str) -> Iterator[Hit]:
    """Values that stand where a secret would, and look like one."""
    if not has_any(text.lower(), STEMS):
        return
    for match in NAME.finditer(text):
        value = _value(text, match)
        if value is None:
            continue
        bare = _bare(text[value[0] : value[1]])
        if match[1] is not None and _is_password(bare, match[1]):
            yield Hit("password", *value)
        elif match[1] is None and _is_key(bare, match[0], text[max(0, match.start() - 12) : match.start()]):
            yield Hit("api-key", *value)


def _value(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    """Where the value assigned to a name stands, None where the name assigns nothing."""
    if text[match.end() : match.end() + 1].islower() and match[0][-1:].islower():
        return None
    after = AFTER.match(text, match.end())
    end = after.end() if after is not None else match.end()
    element = ELEMENT.match(text, end)
    gap = GAP.match(text, end) or BLANK.match(text, end)
    value = VALUE.match(text, gap.end()) if gap is not None else None
    if element is None and value is None:
        return None
    before = text[max(0, match.start() - 30) : match.start()]
    head = before[boundary.end() :] if (boundary := BEFORE.match(before)) is not None else before
    if match[0].lower() in SHORT_NAMES and head[-1:].isalpha() and match[0][:1].islower():
        return None
    if HARMLESS.search(f"{head}{text[match.start() : end]}"):
        return None
    return element.span(1) if element is not None else value.span() if value is not None else None


def _bare(value: str) -> str:
    return value.strip("\"'`„“«» ").rstrip(".,;:)]}\\")


def _is_password(value: str, name: str) -> bool:
    if name.lower() == "pin":
        return re.fullmatch(r"\d{4,8}", value) is not None and not is_placeholder(value)
    return len(value) >= 6 and is_random(value) and not is_placeholder(value) and not is_code(value)


def _is_key(value: str, name: str, before: str) -> bool:
    """A bare `key` before hexadecimal digits is a cache's or a table's, more often than not."""
    if (
        len(value) < 16
        or not is_random(value)
        or is_placeholder(value)
        or is_code(value)
        or HARMLESS_BEFORE.search(before)
    ):
        return False
    return not (name.lower() == "key" and not before.endswith((".", "_", "-")) and HEX.fullmatch(value))
