"""Foreign text made safe for a terminal: known attacks, and any text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len, get_character_cell_size

from backends.text.terminal_safe import MARKS_IN_A_ROW, SafeText, safe
from tests.console.hostile_text import HOSTILE

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)
"""Any str at all, lone surrogates included."""
NASTY = st.lists(st.sampled_from(HOSTILE) | ANY, max_size=4).map("".join)
BAD_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def assert_drawable(text: str, *, allowed: str = "") -> None:
    for character in text:
        if character in allowed:
            continue
        assert unicodedata.category(character) not in BAD_CATEGORIES, hex(ord(character))
        assert not 0xE0000 <= ord(character) < 0xE1000
        assert not 0xFE00 <= ord(character) <= 0xFE0F
    assert cell_len(text) == sum(get_character_cell_size(character) for character in text if character != "\n")


def longest_run_of_marks(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if character != "\n" and get_character_cell_size(character) == 0 else 0
        longest = max(longest, run)
    return longest


def test_the_corpus_is_large_and_has_no_twins() -> None:
    assert len(set(HOSTILE)) >= 500


@pytest.mark.parametrize("newlines", [False, True])
@pytest.mark.proves("S30")
def test_nothing_of_the_corpus_reaches_a_terminal(newlines: bool) -> None:
    for text in HOSTILE:
        result = safe(text, newlines=newlines)
        assert_drawable(result, allowed="\n" if newlines else "")
        assert longest_run_of_marks(result) <= MARKS_IN_A_ROW


@given(NASTY, st.booleans())
@pytest.mark.proves("S30")
def test_any_text_becomes_drawable_and_stays_as_it_is(text: str, newlines: bool) -> None:
    once = safe(text, newlines=newlines)
    assert type(once) is SafeText
    assert_drawable(once, allowed="\n" if newlines else "")
    assert longest_run_of_marks(once) <= MARKS_IN_A_ROW
    assert safe(once, newlines=newlines) == once
    once.encode("utf-8")


@given(NASTY, st.data())
@pytest.mark.proves("S30")
def test_a_split_smuggles_nothing(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    assert_drawable(safe(text[:cut]) + safe(text[cut:]))


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_plain_text_is_untouched(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "line", "lines"),
    [
        ("a\r\nb\rc\nd", "a b c d", "a\nb\nc\nd"),
        ("a\u2028b\u2029c", "a b c", "a\nb\nc"),
        ("if x:\n\tpass", "if x:  pass", "if x:\n    pass"),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇", "␛]52;c;aGk=␇"),
        ("\x9b31mred\x7f", "�31mred␡", "�31mred␡"),
        ("photo_\u202egnp.exe", "photo_�gnp.exe", "photo_�gnp.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth", "zerowidth"),
        ("日本語 é e\u0301 👍\U0001f3fd", "日本語 é e\u0301 👍", "日本語 é e\u0301 👍"),
        ("\ud83d", "�", "�"),
        ("[/][@click=app.quit]", "[/][@click=app.quit]", "[/][@click=app.quit]"),
    ],
)
@pytest.mark.proves("S30")
def test_what_becomes_of_known_text(text: str, line: str, lines: str) -> None:
    assert safe(text) == line
    assert safe(text, newlines=True) == lines


def test_marks_are_bounded_and_a_line_break_is_none() -> None:
    assert safe("a" + "\u0301" * 500) == "a" + "\u0301" * MARKS_IN_A_ROW
    assert safe("é" + "\n" * 9, newlines=True) == "é" + "\n" * 9


def test_characters_with_a_width_may_stand_in_any_number() -> None:
    framing = [
        chr(code) for code in (*range(0xA1, 0x300), *range(0x2190, 0x2400), *range(0x2500, 0x2900), 0x4E00, 0x9FFF)
    ]
    widths = [character for character in framing if unicodedata.category(character) not in ("Mn", "Me", "Mc", "Cn")]
    for character in widths:
        if character != "\u00ad":
            assert safe(character * 9) == character * 9
    assert len(widths) == len(framing), "one of them may lack a width, and any number of it would pass"


def test_marks_between_frames_are_bounded_too() -> None:
    assert safe("─" * 50 + "\u0301" * 9 + "─") == "─" * 50 + "\u0301" * MARKS_IN_A_ROW + "─"


def test_safe_text_with_a_tab_is_made_fit_for_a_line() -> None:
    assert safe(SafeText("a\tb\nc")) == "a b c"
