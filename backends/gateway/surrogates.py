r"""Halves of surrogate pairs in a JSON text: `"\ud83d"` alone is no character, and no decoder here takes it.

JavaScript cuts texts in the middle of an emoji, and its JSON encoder writes the half as an escape. Such a half becomes
U+FFFD, as browsers read it. Each search ends at the next escape of a half, so that none holds Python's lock for long.
"""

import re

_HALF = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_SECOND = re.compile(rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_FIRSTS = b"89abAB"
_SLASHES = re.compile(rb"\\*\Z")
_BACK = 64  # bytes looked back over at a time for the beginning of a run of backslashes

ESCAPE = 6  # bytes of one


def mended(body: bytes) -> bytes:
    """`body` with each lone half replaced; where there is none it is not copied."""
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    parts: list[bytes] = []
    done = at = 0
    while (half := _HALF.search(body, at)) is not None:
        start, at = half.start(), half.end()
        if _is_escaped(body, start):
            at = start + 2
        elif body[start + 3] in _FIRSTS and _SECOND.match(body, at) is not None:
            at += ESCAPE
        else:
            parts += (body[done:start], b"\\ufffd")
            done = at
    return b"".join((*parts, body[done:])) if parts else body


def _is_escaped(body: bytes, place: int) -> bool:
    """Does the backslash at `place` end a pair of backslashes, so that it begins no escape?"""
    first = place
    while first > 0 and (run := _SLASHES.search(body, max(0, first - _BACK), first)) is not None and run[0]:
        first = run.start()
    return (place - first) % 2 == 1
