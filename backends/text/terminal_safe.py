"""Foreign text made safe for a terminal: the one function that does it, and the one type that is drawn.

Whatever comes from a model, a caller, an engine or a file is hostile until it passed `safe`. What passed carries no
control code, no bidi control, no tag or invisible character and no lone surrogate.
"""

import re
import unicodedata

MARKS_IN_A_ROW = 4
"""Characters without a width of their own that one base character may carry; living scripts need no more."""


class SafeText(str):
    """Text that passed `safe`, or was made from such text without adding to it."""

    __slots__ = ()


def safe(text: str, *, newlines: bool = False) -> SafeText:
    """`text` without anything that could drive, reorder or hide on a terminal. Total and idempotent.

    Line breaks of every kind become `\\n`, or a blank unless `newlines`; a tab becomes blanks. Control codes show as
    their pictures (`␛`), bidi overrides and other harmful codes as `�`, and characters without a shape go.
    """
    if isinstance(text, SafeText) and text.isprintable():
        return text
    if text.isascii() and text.isprintable():
        return SafeText(text)
    line_break, tab = ("\n", "    ") if newlines else (" ", " ")

    def instead(found: re.Match[str]) -> str:
        code = found[0]
        if code in _BREAKS:
            return line_break
        if code == "\t":
            return tab
        if code < "\x20":
            return chr(0x2400 + ord(code))
        if code == "\x7f":
            return "␡"
        return "" if SHAPELESS.match(code) else "�"

    plain = _UNSAFE.sub(instead, text)
    return SafeText(_bounded_marks(plain) if _MANY_MARKS.search(plain) else plain)


def _bounded_marks(text: str) -> str:
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if character > "\x7f" and _may_lack_width(character) else 0
        if run <= MARKS_IN_A_ROW:
            kept.append(character)
    return "".join(kept)


def _may_lack_width(character: str) -> bool:
    """Marks, code points that a newer Unicode may have made marks, and the vowels and finals of Hangul."""
    category = unicodedata.category(character)
    return (
        category[0] == "M" or category == "Cn" or "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7fb"
    )


def _characters(*ranges: tuple[int, int]) -> str:
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


_BREAKS = frozenset(("\r\n", "\r", "\n", "\u2028", "\u2029"))

_SHAPELESS_RANGES = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),  # Mongolian selectors
    (0x200B, 0x200F),  # zero-width blank, joiners and direction marks
    (0x2060, 0x2065),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),  # variation selectors: terminals disagree on the width they give
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0x1F3FB, 0x1F3FF),  # skin tones: two cells or none, as the terminal likes
    (0xE0000, 0xE0FFF),  # tags and more selectors
)
_HARMFUL_RANGES = (
    (0x00, 0x1F),
    (0x7F, 0x9F),
    (0x0600, 0x0605),  # format codes that span what follows
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x2028, 0x2029),
    (0x202A, 0x202E),  # bidi embeddings and overrides
    (0x2066, 0x206F),  # bidi isolates, deprecated shaping codes
    (0xD800, 0xDFFF),  # surrogates
    (0xFDD0, 0xFDEF),
    (0xFFF0, 0xFFFB),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    *((plane + 0xFFFE, plane + 0xFFFF) for plane in range(0, 0x110000, 0x10000)),  # never characters
)
_WITH_WIDTH_RANGES = (
    (0x00, 0x7F),
    (0xA1, 0x2FF),  # Latin
    (0x2010, 0x2027),  # punctuation
    (0x2190, 0x23FF),  # arrows, mathematics, technical
    (0x2500, 0x28FF),  # frames, blocks, shapes, dots
    (0x4E00, 0x9FFF),  # Chinese characters
)
_MANY_MARKS = re.compile(f"[^{_characters(*_WITH_WIDTH_RANGES)}]{{{MARKS_IN_A_ROW + 1}}}")
"""As many in a row that may be marks as are too many. Most text has none, and is not read character by character."""

SHAPELESS = re.compile(f"[{_characters(*_SHAPELESS_RANGES)}]")
_UNSAFE = re.compile(f"\r\n|[{_characters(*_SHAPELESS_RANGES, *_HARMFUL_RANGES)}]")
