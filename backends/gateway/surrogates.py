r"""Halves of surrogate pairs in a JSON text: `"\ud83d"` alone is no character, and no decoder here takes it.

JavaScript cuts texts in the middle of an emoji, and its JSON encoder writes the half as an escape. Such a half becomes
U+FFFD, as browsers read it.
"""

import re

_HALF = re.compile(
    rb"(?<!\\)(\\++)u(?:[dD][89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})?|[dD][c-fC-F][0-9a-fA-F]{2})"
)
"""A run of backslashes, of which the last begins an escape where their number is odd."""


def mended(body: bytes) -> bytes:
    """`body` with each lone half replaced; where there is none it is not copied."""
    return _HALF.sub(_whole, body) if b"\\ud" in body or b"\\uD" in body else body


def _whole(found: re.Match[bytes]) -> bytes:
    slashes, pair = found[1], found[2]
    return found[0] if pair or len(slashes) % 2 == 0 else slashes + b"ufffd"
