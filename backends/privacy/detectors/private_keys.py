"""Private keys: PEM blocks, also cut or wrapped in base64, bodies without a first line, and PuTTY's files."""

import base64
import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

BODY = re.compile(
    r"(?<![A-Za-z0-9+/=])(?:MII[A-Za-z0-9+/]{1,4}IBA(?:AK|DAN)|MHcCAQEE|MHQCAQEE|MIGkAgEBBD|MIHcAgEBBE|MIGHAgEAMB|"
    r"MIG2AgEAMB|MIHuAgEAMB|MIGEAgEAMB|MC4CAQAwBQYDK2V[wu]BCIE|MEcCAQAwBQYDK2V[xv]BDsE|"
    r"MII[A-Za-z0-9+/]{2}[jzTDHP][A-Za-z0-9+/]{1,4}gkqhkiG9w0BBQ|MIG[A-Za-z0-9+/]{1,2}M[A-Za-z0-9+/]{2}GCSqGSIb3DQEFD|"
    r"b3BlbnNzaC1rZXktdjEA|lQ[HIOPVWXcd][A-Za-z0-9+/]{2}[A-Za-z0-9+/]{48,72}[\s\\]|lF[gk]E[A-Za-z0-9+/]{48,72}[\s\\])"
    r"[A-Za-z0-9+/n\s]{20}"
)
"""How private keys begin in base64 without a PEM line: RSA, EC, Ed25519, X25519 (RFC 8017, 5915, 5208, 8410), encrypted
ones (RFC 8018), OpenSSH's, and OpenPGP's secret key packets (RFC 9580).
"""

STARTS = ("MII", "MIG", "MIH", "MHcCAQEE", "MHQCAQEE", "MC4CAQAw", "MEcCAQAw", "b3BlbnNzaC1r", "lQ", "lF")

PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z0-9]{1,12} ){0,3}PRIVATE KEY( BLOCK)?-----")
PRIVATE_END = re.compile(r"-----END ([A-Z0-9]{1,12} ){0,3}PRIVATE KEY( BLOCK)?-----")
ARMOUR = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{30,60}")
"""Base64 of a line that begins with "-----BEGIN "."""

FIELDS = {
    Stems('"d"'): re.compile(r"\"d\"\s?:\s?\"([A-Za-z0-9_\-]{42,700})\""),
    Stems("<d>"): re.compile(r"<D>([A-Za-z0-9+/=]{40,700})</D>"),
    Stems("privatekey", "private-key", "presharedkey", "preshared-key"): re.compile(
        r"(?i)(?:private|preshared)-?key[^\n]{1,24}?(?<![A-Za-z0-9+/])([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)"
    ),
}
"""The private part of a JSON Web Key (RFC 7518), of .NET's RSAKeyValue, and WireGuard's 32 bytes, each with what stands
before it.
"""

KEY_BODY = re.compile(r"[A-Za-z0-9+/=]{20}")
KEY_LINES = re.compile(
    r"(?:[A-Za-z0-9+/=]{20,80}(?:\\n|\\r|\s)*){1,120}(?:[A-Za-z0-9+/]{1,19}={1,2}|(?=[A-Za-z+/]{0,18}\d)[A-Za-z0-9+/]{1,19})?"
)
PUTTY = re.compile(r"Private-Lines: ?\d{1,3}(?:(?:\\n|\s)+[A-Za-z0-9+/=]{20,80}){0,40}")

NOT_BODY = re.compile(r"(?s).*(?:[^A-Za-z0-9+/=\s]|(?<![A-Za-z0-9+/=])[A-Za-z0-9+/=]{1,19}\s)")
"""What stands before the lines of base64 that lead up to a place."""


def find(window: TextWindow) -> Iterator[Detection]:
    """Private keys with a body: one that lost its first or its last line is found, too."""
    text = window.text
    match = BODY.search(text) if any(map(text.__contains__, STARTS)) else None
    while match is not None:
        lines = KEY_LINES.match(text, match.start())
        end = max(match.end(), lines.end() if lines is not None else 0)
        yield Detection("private-key", match.start(), end)
        match = BODY.search(text, end)
    for stems, pattern in FIELDS.items():
        for match in pattern.finditer(text) if window.has_any(stems) else ():
            yield Detection("private-key", *match.span(1))
    if "PRIVATE KEY" in text or "LS0tLS1" in text or "Private-Lines" in text:
        yield from _armoured(text)


def _armoured(text: str) -> Iterator[Detection]:
    for match in PRIVATE_KEY.finditer(text):
        body = KEY_BODY.search(text, match.end(), match.end() + 400)
        if body is not None and "-----END" not in text[match.end() : body.start()]:
            lines = KEY_LINES.match(text, body.start())
            yield Detection("private-key", match.start(), lines.end() if lines is not None else body.end())
    for match in PRIVATE_END.finditer(text):
        before = max(0, match.start() - 4_096)
        body = KEY_BODY.search(text, max(before, match.start() - 200), match.start())
        if body is not None:
            yield Detection("private-key", _body_start(text, before, body.start()), match.end())
    for match in ARMOUR.finditer(text):
        if b"PRIVATE KEY" in base64.b64decode(match[0][: len(match[0]) // 4 * 4]):
            lines = KEY_LINES.match(text, match.start())
            yield Detection("private-key", match.start(), lines.end() if lines is not None else match.end())
    for match in PUTTY.finditer(text):
        yield Detection("private-key", match.start(), match.end())


def _body_start(text: str, least: int, body: int) -> int:
    """Where the lines of base64 begin that lead up to `body`."""
    other = NOT_BODY.match(text, least, body)
    return other.end() if other is not None else least
