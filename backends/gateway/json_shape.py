"""The shape of a large JSON text: how many values it has, and the same text with its long strings emptied.

Counted by numpy over a megabyte at a time, which lets Python's lock go meanwhile: 16 MB take some 100 ms, in which no
single step holds anybody up. What is no JSON has some shape too; the parser refuses it afterwards.
"""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MARKS = 400_000
"""Brackets that open, commas and colons of one body: what parsing it allocates. The longest sessions seen have 8 a
message, so 20,000 messages are less than half of it; parsing so many takes some 40 ms.
"""

NAME_BYTES = 1024
"""Of one object's key."""

SHORT = 8
"""Bytes of a string that is kept as it is."""

STEP = 1 << 20

QUOTE, BACKSLASH, COLON = 0x22, 0x5C, 0x3A
BLANKS = b" \t\r\n"
RUN = re.compile(rb"\\*")

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]

_is_mark = np.zeros(256, np.bool_)
_is_mark[list(b"[{,:")] = True


class TooMuch(ValueError):
    """Says which bound the text passes, in a phrase."""


def outline(body: bytes) -> bytes:
    """`body` with every string emptied that is long and no key. Raises TooMuch past MARKS or NAME_BYTES."""
    data = np.frombuffer(body, np.uint8)
    found: list[Places] = []
    marks = strings = 0
    inside = False
    for start, end in _steps(body):
        part = data[start:end]
        quotes = _quotes(part)
        within = np.bitwise_xor.accumulate(quotes.view(np.uint8))
        marks += int(np.count_nonzero(_is_mark[part] & (within == inside)))
        places = np.flatnonzero(quotes)
        strings += len(places)
        if marks > MARKS or strings > 2 * MARKS + 2:
            raise TooMuch(f"the body holds more than {MARKS:,} JSON values and keys")
        found.append(places + start)
        inside ^= bool(len(places) % 2)
    return _emptied(body, data, np.concatenate(found) if found else np.zeros(0, np.int64))


def _steps(body: bytes) -> Iterator[tuple[int, int]]:
    """Stretches that end behind no backslash, so that each can be read by itself."""
    start = 0
    while start < len(body):
        end = min(start + STEP, len(body))
        if body[end - 1] == BACKSLASH and (run := RUN.match(body, end)) is not None:
            end = min(run.end() + 1, len(body))
        yield start, end
        start = end


def _quotes(part: Bytes) -> NDArray[np.bool_]:
    """Where strings begin and end: quotes that no backslash takes the meaning from."""
    quotes: NDArray[np.bool_] = np.equal(part, QUOTE)
    slashes = np.flatnonzero(part == BACKSLASH)
    if len(slashes):
        breaks = np.flatnonzero(np.diff(slashes) != 1)
        first = slashes[np.concatenate(([0], breaks + 1))]
        last = slashes[np.concatenate((breaks, [len(slashes) - 1]))]
        escaped = last[(last - first) % 2 == 0] + 1
        quotes[escaped[escaped < len(part)]] = False
    return quotes


def _emptied(body: bytes, data: Bytes, quotes: Places) -> bytes:
    pairs = len(quotes) // 2
    opening, closing = quotes[: 2 * pairs : 2], quotes[1 : 2 * pairs : 2]
    long = closing - opening > SHORT + 1
    view, kept, done = memoryview(body), list[memoryview](), 0
    for begin, end in zip(opening[long].tolist(), closing[long].tolist(), strict=True):
        if _is_key(body, data, end + 1):
            if end - begin > NAME_BYTES:
                raise TooMuch(f"the body has a key longer than {NAME_BYTES:,} bytes")
            continue
        kept.append(view[done : begin + 1])
        done = end
    return b"".join((*kept, view[done:]))


def _is_key(body: bytes, data: Bytes, place: int) -> bool:
    while place < len(body) and body[place] in BLANKS:
        place += 1
    return place < len(body) and int(data[place]) == COLON
