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
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from urllib.parse import unquote

from backends.privacy.text_window import TextWindow
from backends.text.terminal_safe import SHAPELESS

LONGEST_RUN = 1 << 14
"""Characters of base64 that are decoded in one piece."""

JOINED = r"(?<=[\w\-])[\"'](?:\s{0,3}(?:\+|\.{1,2}|&|\|\|)\s{0,24}|\s{0,3}\n\s{0,24}(?:\+\s{0,3})?)[\"'](?=[\w\-])"
"""Between two halves of a word in quotes, which a program joins."""

CODED = re.compile(
    r"((?:%[0-9A-Fa-f]{2})+)|\\u([0-9A-Fa-f]{4})|\\u\{([0-9A-Fa-f]{1,5})\}|\\x([0-9A-Fa-f]{2})|\\([nrt\"'/])|(&#?\w{1,8};)|"
    rf"=\r?\n|\\\r?\n|=([0-9A-F]{{2}})(?![0-9A-F])|\\([01][0-7]{{2}})|{JOINED}"
)
MAYBE_CODED = re.compile(r"%[0-9A-Fa-f]{2}|\\[01ux\"nt/\r\n]|&#?\w{1,8};|=\r?\n|=3D|=40")
MAYBE_JOINED = re.compile(r"[\"']\s{0,3}[+.&|\n]\s{0,24}[\"'+.|]")
FIRST_SIGN = re.compile(r"[%\\&=\"']")
"""What each code begins with: to look for the codes from there on takes a tenth of the time."""

CONTROLS = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "/": "/"}

LEAST = 20
BASE64 = re.compile(rf"[A-Za-z0-9+/_\-]{{{LEAST},}}={{0,2}}")
HEX = re.compile(r"(?:[0-9a-f]{2}){10,}|(?:[0-9A-F]{2}){10,}")
LINE_END = re.compile(r"[ \t]*\r?\n[ \t]*")
LAST_LINE = re.compile(r"[ \t]*\r?\n[ \t]*([A-Za-z0-9+/]{1,9}={0,2})(?![A-Za-z0-9+/=])")
APART = "\n\0\n"
"""Between two decoded texts: no pattern reads over it."""

NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
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
    """The text as it is read, then each stretch with codes in it, decoded, then what base64 and hexadecimal say."""
    plain = _plain(text)
    yield plain
    if MAYBE_CODED.search(plain.text) is not None or MAYBE_JOINED.search(plain.text) is not None:
        codes = list(_codes(plain.text))
        for start, end in _coded(plain.text, codes):
            inside = (code for code in codes if start <= code.start() < end)
            yield _substituted(plain.text, inside, _decoded, start, end).within(plain)
    inner = list(_inner_texts(plain))
    if inner:
        yield _joined(inner).within(plain)


def _plain(text: str) -> TextView:
    if text.isascii():
        return TextView(text, [0, len(text)], [0, len(text)])
    text = NOT_ASCII.sub(lambda run: run[0].translate(LOOKALIKES), text)
    if FOREIGN.search(text) is not None:
        text = MIXED_WORD.sub(_in_one_script, text)
    return _substituted(text, HIDING.finditer(text), _composed, 0, len(text))


def _in_one_script(word: re.Match[str]) -> str:
    """A word of Latin letters with Greek or Cyrillic ones among them that look like Latin ones."""
    latin = word[0].translate(HOMOGLYPHS)
    return latin if latin.isascii() else word[0]


def _composed(match: re.Match[str]) -> str:
    """A letter with its marks as one sign; marks that no letter has, and signs without a shape, are left out."""
    if match["marked"] is None:
        return ""
    sign = unicodedata.normalize("NFC", match[0])
    return sign if len(sign) == 1 else match[0][0]


def _codes(text: str) -> Iterator[re.Match[str]]:
    end = 0
    for sign in FIRST_SIGN.finditer(text):
        code = CODED.match(text, sign.start()) if sign.start() >= end else None
        if code is not None:
            end = code.end()
            yield code


def _coded(text: str, codes: Iterable[re.Match[str]]) -> list[tuple[int, int]]:
    """Stretches around all codes, of whole lines or at least whole words. What lies outside of them reads the same when
    codes are decoded.
    """
    found: list[tuple[int, int]] = []
    for code in codes:
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


def _substituted(text: str, matches: Iterable[re.Match[str]], replace: Replace, start: int, end: int) -> TextView:
    """`start:end` of a text with each of the matches in it replaced."""
    out: list[str] = []
    made, source = [0], [start]
    for match in matches:
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
    percent, four, more, two, control, entity, quoted, octal = match.groups()
    if percent:
        return unquote(percent)
    if control:
        return CONTROLS[control]
    if entity:
        return html.unescape(entity)
    if octal:
        return chr(int(octal, 8))
    code = four or more or two or quoted
    return chr(int(code, 16)) if code else ""


def _inner_texts(plain: TextView) -> Iterator[tuple[str, int, int]]:
    """What runs of base64 and hexadecimal digits decode to, with their places. Lines that follow each other are tried
    as one run first, as mail and PEM wrap them.
    """
    block: list[tuple[int, int]] = []
    for start, end in plain.window.runs:
        if block and LINE_END.fullmatch(plain.text, block[-1][1], start) is None:
            yield from _of_block(plain.text, block)
            block = []
        if block or end - start >= LEAST:
            block.append((start, end))
    yield from _of_block(plain.text, block)


def _of_block(text: str, block: list[tuple[int, int]]) -> Iterator[tuple[str, int, int]]:
    if len(block) > 1:
        last = LAST_LINE.match(text, block[-1][1])
        for lines in ([*block, last.span(1)], block) if last is not None else (block,):
            whole = _readable("".join(text[start:end] for start, end in lines))
            if whole is not None:
                yield whole, lines[0][0], lines[-1][1]
                return
    for run in chain.from_iterable(BASE64.finditer(text, *line) for line in block):
        said = _readable(run[0])
        if said is not None:
            yield said, *run.span()
        elif "/" in run[0]:
            yield from _of_segments(run)


def _of_segments(run: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    """A path may have base64 in it, and base64 slashes."""
    start = run.start()
    for segment in run[0].split("/"):
        said = _readable(segment) if len(segment) >= LEAST else None
        if said is not None:
            yield said, start, start + len(segment)
        start += len(segment) + 1


def _readable(run: str) -> str | None:
    """What a run decodes to, where that is text. Prose, hashes and keys decode to noise."""
    if len(run) > LONGEST_RUN:
        return None
    if HEX.fullmatch(run) is not None:
        said = _as_text(bytes.fromhex(run))
    elif run.lower() == run and "=" not in run:
        return None
    else:
        bare = run.rstrip("=").replace("-", "+").replace("_", "/")
        try:
            said = _as_text(base64.b64decode(bare + "=" * (-len(bare) % 4)))
        except (binascii.Error, ValueError):
            return None
    return said if said is not None and READABLE.fullmatch(said) else None


def _as_text(coded: bytes) -> str | None:
    """UTF-8, or UTF-16 as PowerShell has it."""
    try:
        return coded.decode("utf-16-le" if coded[1:2] == b"\0" else "utf-8")
    except UnicodeDecodeError:
        return None


def _joined(texts: list[tuple[str, int, int]]) -> TextView:
    """One view of several decoded texts."""
    made, source, length = [0], [texts[0][1]], 0
    for said, start, end in texts:
        if start > source[-1] or length:
            length += len(APART)
            made.append(length)
            source.append(start)
        length += len(said)
        made.append(length)
        source.append(end)
    return TextView(APART.join(said for said, _, _ in texts), made, source)


class _LookAlikes(dict[int, str]):
    """Full-width forms, other scripts' digits, mathematical and circled letters, typesetting's blanks and dashes, as
    ASCII; computed when first met.
    """

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        if code > 127:
            if (digit := unicodedata.decimal(sign, None)) is not None:
                sign = str(digit)
            elif 0xFF01 <= code <= 0xFF5E:
                sign = chr(code - 0xFEE0)
            elif 0x1D400 <= code <= 0x1D7FF or 0x24B6 <= code <= 0x24E9:
                sign = unicodedata.normalize("NFKC", sign)
            elif (category := unicodedata.category(sign)) == "Zs":
                sign = " "
            elif category == "Pd":
                sign = "-"
        if code < 1 << 16:
            self[code] = sign
        return sign


LOOKALIKES = _LookAlikes()

FOREIGN = re.compile(r"[A-Za-z0-9_\-][\u0370-\u04ff]|[\u0370-\u04ff][A-Za-z0-9_\-]")
MIXED_WORD = re.compile(
    r"(?=[\u0370-\u04ff_\-]*[A-Za-z0-9])[A-Za-z0-9_\-\u0370-\u04ff]*[\u0370-\u04ff][A-Za-z0-9_\-\u0370-\u04ff]*"
)
HOMOGLYPHS = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухԁһӏԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧαονυρικτϲϳ",
    "ABESIJKMHOPCTYXaesijopcyxdhlqwABEZHIKMNOPTYXaovupiktcj",
)
HIDING = re.compile(rf"(?P<marked>[^\W\d_][\u0300-\u036f]+)|{SHAPELESS.pattern}")
