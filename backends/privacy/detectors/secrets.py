"""Secrets that show by their own shape: vendors' keys, private keys, JWTs.

A prefix is looked for as plain text first, and only where the text has a run as long as a key; the pattern runs only
where the prefix stands, and every repetition in it is bounded, so that hostile text costs linear time.
"""

import base64
import binascii
import re
from collections.abc import Iterator

from backends.privacy.detectors.vendors import UNMISTAKABLE, VENDORS
from backends.privacy.hit import Hit, is_placeholder
from backends.privacy.window import Window

SHAPES = (
    (r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_\-]{30,36}", (":aa",)),  # Telegram
    (r"(?<![\w.])[MNO][A-Za-z0-9_\-]{22,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}", (".",)),  # Discord
    (r"(?<![\w\-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:fx\b", (":fx",)),  # DeepL
    (r"(?<![\w\-])[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![\w\-])", ("-",)),  # Mailgun
    (r"(?<![\w.])[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-]{40,80}", (".atlasv1.",)),  # HCP Terraform
    (r"(?<!\w)(?:AC|SK)[0-9a-f]{32}\b[^\n]{0,12}?\b[A-Za-z0-9]{32}(?!\w)", ("ac", "sk")),  # Twilio's pair
    (r"(?<![\w.\-])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.\-])(?= --discovery)", (" --discovery",)),  # kubeadm
    (r"(?i)\"d\"\s?:\s?\"([A-Za-z0-9_\-]{42,700})\"", ('"d"',)),  # a private JWK
    (r"<D>([A-Za-z0-9+/=]{40,700})</D>", ("<d>",)),  # .NET's RSAKeyValue
    (r"(?i)preshared-key[^\n]{1,24}?([A-Za-z0-9+/]{43}=)", ("preshared-key",)),  # WireGuard on the command line
    (
        r"(?:[Cc]lient|API|Api|SDK|[Aa]uth|[Bb]ot|[Tt]oken|configure|init)\(\s?[\"']([A-Za-z0-9_\-]{30,120})[\"']",
        ("('", '("', "( "),
    ),
    (r"(?i)\b(?:vault|root)\b[^\n]{0,30}\b(s\.[A-Za-z0-9]{24})(?!\w)", ("vault", "root")),  # Vault's older tokens
)
"""Keys without a prefix, each with what stands in any text that has one."""

DER = re.compile(
    r"(?<![A-Za-z0-9+/=])(?:MII[A-Za-z0-9+/]{1,4}IBA(?:AK|DAN)|MHcCAQEE|MIGHAgEAMBMGByqGSM49|MC4CAQAwBQYDK2VwBCIEI)"
    r"[A-Za-z0-9+/]{20,4000}"
)
"""How private keys of RSA, EC and Ed25519 begin in base64 (RFC 8017, 5915, 5208), where no line says so."""

COINED = re.compile(
    r"(?<![A-Za-z0-9+/=_.\-])(?!(?i:sha\d|md5|pk_|file-|org-|key-id|nonce|hash|h1|gclid|fbclid|etag|v\d))"
    r"(?:[a-z]{3,12}|[A-Z]{3,12})\d?(?:[_\-][a-z]{1,8}\d?){0,3}[_\-]([A-Za-z0-9]{32,120})(?![A-Za-z0-9+/=])"
)
"""How vendors that nobody listed mark their keys: a word, a joint, and 32 or more letters and digits."""

NAMED = re.compile(
    r"(?i)\b(?:api|access|auth|integration|secret|bearer|personal|service|client)[ _\-](?:access[ _\-])?"
    r"(?:key|token|secret)\b[^\n]{0,60}?(?<![\w+/=.\-])(?-i:([A-Za-z0-9]{32,64}))(?![\w+/=.\-])"
)
"""A run by chance in the same sentence as a key's full name."""

JWT = re.compile(r"eyJ[A-Za-z0-9_\-]{8,2000}\.(eyJ[A-Za-z0-9_\-]{6,8000})(?:\.[A-Za-z0-9_\-]{0,2000})?")

PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z0-9]{1,12} ){0,3}PRIVATE KEY( BLOCK)?-----")
PRIVATE_END = re.compile(r"-----END ([A-Z0-9]{1,12} ){0,3}PRIVATE KEY( BLOCK)?-----")
ARMOUR = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{30,60}")
"""Base64 of a line that begins with "-----BEGIN "."""

KEY_BODY = re.compile(r"[A-Za-z0-9+/=]{20}")
KEY_LINES = re.compile(r"(?:[A-Za-z0-9+/=]{20,80}(?:\\n|\\r|\s)*){1,120}")
PUTTY = re.compile(r"Private-Lines: ?\d{1,3}(?:(?:\\n|\s)+[A-Za-z0-9+/=]{20,80}){0,40}")

DOCUMENTED = (
    "EXAMPLE",
    "4eC39HqLyjWDarjtT1zdp7dc",
    "eyJzdWIiOiIxMjM0NTY3ODkwIi",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4g",
    "eyJhbGciOiJIUzI1NiJ9.e30",
    "T00000000/B00000000/XXXX",
    "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
)
"""Keys that vendors' own pages print."""


def find(window: Window) -> Iterator[Hit]:
    """Keys, private keys and JWTs."""
    text = window.text
    if window.has_long_run:
        yield from _vendors(text)
        for pattern, stems in _SHAPES:
            for match in pattern.finditer(text) if window.has_any(stems) else ():
                group = match.lastindex or 0
                if _is_key(match[group], match[group]):
                    yield Hit("api-key", *match.span(group))
        for match in COINED.finditer(text):
            if _is_mixed(match[1]) and _is_key(match[0], match[1]):
                yield Hit("api-key", *match.span())
        for match in NAMED.finditer(text) if window.has_any(("key", "token", "secret")) else ():
            if _is_mixed(match[1]) and _is_key(match[0], match[1]):
                yield Hit("api-key", *match.span(1))
        if "eyJ" in text:
            yield from _jwts(text)
        for match in DER.finditer(text):
            yield Hit("private-key", *match.span())
    if "PRIVATE KEY" in text or "LS0tLS1" in text or "Private-Lines" in text:
        yield from _private_keys(text)


_SHAPES = tuple((re.compile(pattern), stems) for pattern, stems in SHAPES)
_VENDORS = {prefix: re.compile(rest) for prefix, rest in VENDORS.items()}


def _vendors(text: str) -> Iterator[Hit]:
    for prefix, rest in _VENDORS.items():
        start = text.find(prefix)
        while start >= 0:
            match = rest.match(text, start + len(prefix))
            if match is not None and not _inside_word(text, start) and _is_key(text[start : match.end()], match[0]):
                yield Hit("aws-key" if prefix in ("AKIA", "ASIA") else "api-key", start, match.end())
            start = text.find(prefix, match.end() if match is not None else start + 1)


RUN_BEFORE = re.compile(r"(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9_\-]{21}")


def _inside_word(text: str, start: int) -> bool:
    """A prefix in the middle of a longer run of letters is chance, as in base64."""
    if text.startswith(UNMISTAKABLE, start):
        return False
    before = text[start - 1 : start]
    if before in ("-", "_") and RUN_BEFORE.fullmatch(text[max(0, start - 21) : start]):
        return True
    return before.isalnum() or (before in ("/", "+") and text[max(0, start - 20) : start].replace("/", "a").isalnum())


def _is_key(whole: str, rest: str) -> bool:
    if any(known in whole for known in DOCUMENTED):
        return False
    return len(set(rest)) >= 8 and not is_placeholder(whole) and _looks_random(rest)


def _looks_random(rest: str) -> bool:
    """Words joined by dashes (`sk-learn-pipeline-for-text`) have neither many digits nor changing case."""
    if any(character.isdigit() for character in rest):
        return rest.count("-") < 4 or sum(map(str.isdigit, rest)) > 3 or rest.lower() != rest
    return rest.lower() != rest and rest.upper() != rest and "-" not in rest


def _is_mixed(tail: str) -> bool:
    """Capitals, small letters and digits in the proportions of chance; identifiers of things are hexadecimal."""
    digits, capitals = sum(map(str.isdigit, tail)), sum(map(str.isupper, tail))
    small = len(tail) - digits - capitals
    return digits >= 1 and capitals >= len(tail) // 6 and small >= len(tail) // 6


def _jwts(text: str) -> Iterator[Hit]:
    for match in JWT.finditer(text):
        if any(known in match[0] for known in DOCUMENTED) or len(set(match[1])) < 8:
            continue
        if _decodes_to_json(match[1]):
            yield Hit("jwt", match.start(), match.end())


def _decodes_to_json(part: str) -> bool:
    try:
        head = base64.urlsafe_b64decode(part[: len(part) // 4 * 4][:400])
    except (binascii.Error, ValueError):
        return True
    return head.startswith(b"{")


def _private_keys(text: str) -> Iterator[Hit]:
    """Also one that lost its head or its end: what counts is a body of base64 beside the line."""
    for match in PRIVATE_KEY.finditer(text):
        body = KEY_BODY.search(text, match.end(), match.end() + 400)
        if body is not None and "-----END" not in text[match.end() : body.start()]:
            lines = KEY_LINES.match(text, body.start())
            yield Hit("private-key", match.start(), lines.end() if lines is not None else body.end())
    for match in PRIVATE_END.finditer(text):
        before = max(0, match.start() - 4_096)
        body = KEY_BODY.search(text, max(before, match.start() - 200), match.start())
        if body is not None:
            yield Hit("private-key", _body_start(text, before, body.start()), match.end())
    for match in ARMOUR.finditer(text):
        if b"PRIVATE KEY" in base64.b64decode(match[0][: len(match[0]) // 4 * 4]):
            lines = KEY_LINES.match(text, match.start())
            yield Hit("private-key", match.start(), lines.end() if lines is not None else match.end())
    for match in PUTTY.finditer(text):
        yield Hit("private-key", match.start(), match.end())


NOT_BODY = re.compile(r"(?s).*(?:[^A-Za-z0-9+/=\s]|(?<![A-Za-z0-9+/=])[A-Za-z0-9+/=]{1,19}\s)")


def _body_start(text: str, least: int, body: int) -> int:
    """Where the lines of base64 begin that lead up to `body`."""
    other = NOT_BODY.match(text, least, body)
    return other.end() if other is not None else least
