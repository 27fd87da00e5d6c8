"""A text as a person or a machine would read it: without invisible characters, and with its codes decoded.

What hides a secret from a pattern (a soft hyphen in a key, full-width digits, `%40`, `\\u0041`, base64) hides it from
neither the model nor its provider. Each code is decoded once.
"""

import base64
import binascii
import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import islice
from urllib.parse import unquote

from backends.privacy.text_window import TextWindow
from backends.text.terminal_safe import SHAPELESS

MOST_RUNS = 64
"""Runs of base64 that are decoded in one text."""

SHORTEST_RUN, LONGEST_RUN = 20, 1 << 14

CODED = re.compile(
    r"((?:%[0-9A-Fa-f]{2})+)|\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|\\([nrt\"'/])|(&#?\w{1,8};)|=\n|\\\n|=([0-9A-F]{2})(?![0-9A-F])"
)
MAYBE_CODED = re.compile(r"%[0-9A-Fa-f]{2}|\\[ux\"nt/\n]|&#?\w{1,8};|=\n|=3D|=40")
CONTROLS = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "/": "/"}

BASE64 = re.compile(r"(?<![A-Za-z0-9+/_=\-])[A-Za-z0-9+/_\-]{20,16384}={0,2}(?![A-Za-z0-9+/_=\-])")
BLANK = re.compile(r"\s")
READABLE = re.compile(r"[^\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd]*")


REACH = 500
"""Characters on either side of a code that are read again with it, up to the next blank. No pattern looks farther."""

Replace = Callable[[re.Match[str]], str]


class TextView:
    """A text made from another one; `span` maps its characters back."""

    def __init__(self, text: str, made: list[int], source: list[int]) -> None:
        """`text[made[i]:made[i+1]]` stands for `source[i]:source[i+1]` of the other text, one to one where both are as
        long; the last entries are the ends of both.
        """
        self.text = text
        self.window = TextWindow(text)
        self._made = made
        self._source = source

    def span(self, start: int, end: int) -> tuple[int, int]:
        """`start:end` of the view, in the source: the shortest stretch that holds them all."""
        first, last = self._piece(start), self._piece(max(start, end - 1))
        begin = self._source[first] + (start - self._made[first] if self._one_to_one(first) else 0)
        if self._one_to_one(last):
            return begin, self._source[last] + max(start, end - 1) - self._made[last] + (end > start)
        return begin, self._source[last + 1]

    def within(self, outer: "TextView") -> "TextView":
        """This view of `outer`'s text as one of `outer`'s source."""
        ends = [outer.span(place, place)[0] for place in self._source[:-1]]
        last = self._source[-1]
        end = outer._source[-1] if last == len(outer.text) else outer.span(last - 1, last)[1]
        return TextView(self.text, self._made, [*ends, end])

    def _piece(self, position: int) -> int:
        return min(bisect_right(self._made, position), len(self._made) - 1) - 1

    def _one_to_one(self, piece: int) -> bool:
        made, source = self._made, self._source
        return made[piece + 1] - made[piece] == source[piece + 1] - source[piece]


def views(text: str) -> Iterator[TextView]:
    """The text as it is read, then each stretch with codes in it, decoded, then each readable run of base64."""
    plain = _plain(text)
    yield plain
    if MAYBE_CODED.search(plain.text) is not None:
        for start, end in _coded(plain.text):
            yield _substituted(plain.text, CODED, _decoded, start, end).within(plain)
    for run in islice(_base64_runs(plain), MOST_RUNS):
        inner = _from_base64(run[0])
        if inner is not None:
            start, end = plain.span(run.start(), run.end())
            yield TextView(inner, [0, len(inner)], [start, end])


def _base64_runs(view: TextView) -> Iterator[re.Match[str]]:
    for start, end in view.window.runs:
        if end - start >= SHORTEST_RUN:
            yield from BASE64.finditer(view.text, start, end)


def _plain(text: str) -> TextView:
    if text.isascii():
        return TextView(text, [0, len(text)], [0, len(text)])
    return _substituted(text.translate(LOOKALIKES), SHAPELESS, lambda _: "", 0, len(text))


def _coded(text: str) -> list[tuple[int, int]]:
    """Stretches around all codes, of whole lines or at least whole words. What lies outside of them reads the same when
    codes are decoded.
    """
    found: list[tuple[int, int]] = []
    for code in CODED.finditer(text):
        if found and code.end() + REACH <= found[-1][1]:
            continue
        start = _line_start(text, max(0, code.start() - REACH))
        if found and start <= found[-1][1]:
            start = found.pop()[0]
        blank = BLANK.search(text, code.end() + REACH)
        found.append((start, len(text) if blank is None else blank.start()))
    return found


def _line_start(text: str, place: int) -> int:
    line = text.rfind("\n", max(0, place - REACH), place)
    return (line if line >= 0 else max(text.rfind(" ", 0, place), text.rfind("\n", 0, place))) + 1


def _substituted(text: str, pattern: re.Pattern[str], replace: Replace, start: int, end: int) -> TextView:
    """`start:end` of a text with each match of the pattern replaced."""
    out: list[str] = []
    made, source = [0], [start]
    for match in pattern.finditer(text, start, end):
        for piece, stop in ((text[source[-1] : match.start()], match.start()), (replace(match), match.end())):
            if stop > source[-1]:
                out.append(piece)
                made.append(made[-1] + len(piece))
                source.append(stop)
    if end > source[-1] or len(source) == 1:
        out.append(text[source[-1] : end])
        made.append(made[-1] + len(out[-1]))
        source.append(end)
    return TextView("".join(out), made, source)


def _decoded(match: re.Match[str]) -> str:
    percent, four, two, control, entity, quoted = match.groups()
    if percent:
        return unquote(percent)
    if four or two:
        return chr(int(four or two, 16))
    if control:
        return CONTROLS[control]
    if entity:
        return html.unescape(entity)
    return chr(int(quoted, 16)) if quoted else ""


def _from_base64(run: str) -> str | None:
    """What a run of base64 decodes to, where that is text. Prose, hashes and keys decode to noise."""
    if len(run) > LONGEST_RUN or (run.lower() == run and "=" not in run):
        return None
    bare = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        said = base64.b64decode(bare + "=" * (-len(bare) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return said if READABLE.fullmatch(said) else None


class _LookAlikes(dict[int, str]):
    """Full-width forms, other scripts' digits, typesetting's blanks and dashes, as ASCII; computed when first met."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        if code > 127:
            if (digit := unicodedata.decimal(sign, None)) is not None:
                sign = str(digit)
            elif 0xFF01 <= code <= 0xFF5E:
                sign = chr(code - 0xFEE0)
            elif (category := unicodedata.category(sign)) == "Zs":
                sign = " "
            elif category == "Pd":
                sign = "-"
        if code < 1 << 16:
            self[code] = sign
        return sign


LOOKALIKES = _LookAlikes()
