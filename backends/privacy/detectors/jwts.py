"""JSON Web Tokens, recognised by header and payload in base64."""

import base64
import binascii
import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.secret_values import is_documented
from backends.privacy.text_window import TextWindow

JWT = re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_\-]{8,2000}\.(eyJ[A-Za-z0-9_\-]{6,8000})(?:\.[A-Za-z0-9_\-]{0,2000})?")


def find(window: TextWindow) -> Iterator[Detection]:
    """Tokens with a payload, except those that manuals print."""
    text = window.text
    if "eyJ" not in text:
        return
    for match in JWT.finditer(text):
        if is_documented(match[0]) or len(set(match[1])) < 8:
            continue
        if _decodes_to_json(match[1]):
            yield Detection("jwt", match.start(), match.end())


def _decodes_to_json(part: str) -> bool:
    try:
        head = base64.urlsafe_b64decode(part[: len(part) // 4 * 4][:400])
    except (binascii.Error, ValueError):
        return True
    return head.startswith(b"{")
