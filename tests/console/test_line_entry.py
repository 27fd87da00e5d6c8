"""One line under a keyboard: whatever is typed or pasted, its row fits and cannot drive the terminal."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.widgets.line_entry import LONGEST, LineEntry
from tests.backends.text.test_terminal_safe import ANY, assert_drawable

KEYS = ("left", "right", "home", "end", "backspace", "delete", "ctrl+w", "ctrl+u", "ctrl+k", "ctrl+left", "ctrl+right")


def typed(*keys: str, text: str = "") -> LineEntry:
    entry = LineEntry(text)
    for key in keys:
        entry.key(key, key if len(key) == 1 else None)
    return entry


def test_a_line_is_edited_at_its_cursor() -> None:
    assert typed("a", "b", "left", "c").text == "acb"
    assert typed("home", "x", "end", "y", "backspace", text="one two").text == "xone two"
    assert typed("ctrl+w", text="one two").text == "one "
    assert not LineEntry().key("f5", None)
    assert not LineEntry().key("enter", "\r")


def test_line_breaks_stay_and_show() -> None:
    entry = LineEntry()
    entry.paste("one\r\ntwo")
    assert entry.text == "one\ntwo"
    assert "".join(each.text for each in entry.row(40, focused=True)).rstrip() == "one⏎two"


def test_it_is_bounded() -> None:
    entry = LineEntry("x" * (LONGEST + 5))
    entry.paste("y")
    assert len(entry.text) == LONGEST


@given(ANY, st.lists(st.sampled_from(KEYS), max_size=8), st.integers(4, 60))
def test_any_text_is_drawable_and_its_cursor_in_view(text: str, keys: list[str], cells: int) -> None:
    entry = typed(*keys, text=text)
    row = entry.row(cells, focused=True)
    assert_drawable("".join(each.text for each in row))
    (cursor,) = [index for index, each in enumerate(row) if each.tone == "cursor"]
    assert sum(cell_len(each.text) for each in row[:cursor]) <= max(0, cells - 2)
    assert entry.row(cells, focused=False)[0].text == "".join(each.text for each in entry.row(cells, focused=False))
