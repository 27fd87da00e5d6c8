"""A long text cut into overlapping pieces, at places that its own content chooses.

Where a text is changed or grows, the pieces around stay as they are, so what is known of them still holds.
"""

import re
from collections.abc import Iterator
from itertools import islice
from zlib import crc32

LEAST, MOST, OVERLAP = 6 << 10, 10 << 10, 1 << 11
"""Characters of a piece without the overlap with the next one. Nothing that is detected is longer than the overlap and
known only by its end. A pattern holds Python's lock while it runs over a piece, and a thread that waits for the lock
waits no longer than that.
"""

UNBROKEN = 1 << 14
"""Characters without a blank after which a piece ends anywhere; runs of base64 are decoded up to this length."""

BLANK = re.compile(r"\s")

SIDES = 16
"""Characters on either side of a line's end that choose it."""

MOST_LINES = 256
"""Lines' ends that are compared: a text of nothing else costs no more."""


def windows(text: str) -> Iterator[tuple[int, str]]:
    """The pieces, each with its offset."""
    start = 0
    while len(text) - start > MOST + OVERLAP:
        end = _cut(text, start)
        yield start, text[start : end + OVERLAP]
        start = end
    yield start, text[start:]


def _cut(text: str, start: int) -> int:
    """Where the piece ends that begins at `start`: of the ends of lines in reach the one whose surroundings have the
    least checksum, else the first blank; before a long run without any, so that the run is in one piece.
    """
    least, most = start + LEAST, start + MOST
    ends = list(islice(_line_ends(text, least, most), MOST_LINES))
    if ends:
        return min(ends, key=lambda end: crc32(text[end - SIDES : end + SIDES].encode("utf-8", "surrogatepass")))
    gap = BLANK.search(text, least, start + UNBROKEN)
    if gap is not None:
        return gap.start()
    before = max(text.rfind(blank, start + 1, least) for blank in " \n\t")
    return before if before > 0 else start + UNBROKEN


def _line_ends(text: str, start: int, stop: int) -> Iterator[int]:
    at = text.find("\n", start, stop)
    while at >= 0:
        yield at
        at = text.find("\n", at + 1, stop)
