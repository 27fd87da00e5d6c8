"""Private keys: PEM blocks, also cut or wrapped in base64, bare DER, and PuTTY's files."""

import base64
import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

DER = re.compile(
    r"(?<![A-Za-z0-9+/=])(?:MII[A-Za-z0-9+/]{1,4}IBA(?:AK|DAN)|MHcCAQEE|MIGHAgEAMBMGByqGSM49|MC4CAQAwBQYDK2VwBCIEI)"
    r"[A-Za-z0-9+/]{20,4000}"
)
"""How private keys of RSA, EC and Ed25519 begin in base64 (RFC 8017, 5915, 5208), without a PEM line."""

DER_STARTS = ("MII", "MHcCAQEE", "MIGHAgEA", "MC4CAQAw")

PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z0-9]{1,12} ){0,3}PRIVATE KEY( BLOCK)?-----")
PRIVATE_END = re.compile(r"-----END ([A-Z0-9]{1,12} ){0,3}PRIVATE KEY( BLOCK)?-----")
ARMOUR = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{30,60}")
"""Base64 of a line that begins with "-----BEGIN "."""

PRIVATE_JWK = re.compile(r"\"d\"\s?:\s?\"([A-Za-z0-9_\-]{42,700})\"")
"""The private part of a JSON Web Key (RFC 7518)."""

DOTNET = re.compile(r"<D>([A-Za-z0-9+/=]{40,700})</D>")
"""The same in .NET's RSAKeyValue."""

WIREGUARD = re.compile(r"(?i)(?:private|preshared)-?key[^\n]{1,24}?([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)")
"""32 bytes in base64 (wg(8))."""

WITHOUT_ARMOUR = (
    (Stems('"d"'), PRIVATE_JWK),
    (Stems("<d>"), DOTNET),
    (Stems("privatekey", "private-key", "resharedkey", "reshared-key"), WIREGUARD),
)

KEY_BODY = re.compile(r"[A-Za-z0-9+/=]{20}")
KEY_LINES = re.compile(r"(?:[A-Za-z0-9+/=]{20,80}(?:\\n|\\r|\s)*){1,120}")
PUTTY = re.compile(r"Private-Lines: ?\d{1,3}(?:(?:\\n|\s)+[A-Za-z0-9+/=]{20,80}){0,40}")

NOT_BODY = re.compile(r"(?s).*(?:[^A-Za-z0-9+/=\s]|(?<![A-Za-z0-9+/=])[A-Za-z0-9+/=]{1,19}\s)")
"""What stands before the lines of base64 that lead up to a place."""


def find(window: TextWindow) -> Iterator[Detection]:
    """Private keys with a body: one that lost its first or its last line is found, too."""
    text = window.text
    for match in DER.finditer(text) if any(map(text.__contains__, DER_STARTS)) else ():
        yield Detection("private-key", *match.span())
    for stems, pattern in WITHOUT_ARMOUR:
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
