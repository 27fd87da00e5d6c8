"""A row that changed is sent from its first to its last span that differs, and nothing of it otherwise."""

from hypothesis import given
from hypothesis import strategies as st

from console.present.header_row import header
from console.present.spans import Row, Tone, fit, row, span
from console.widgets.line_widget import changed
from tests.console.scene_exchanges import NOW
from tests.console.test_panes import replace, scene

TONES: list[Tone] = ["text", "dim", "bad"]
ROWS = st.lists(st.tuples(st.text("ab▌", min_size=1, max_size=4), st.sampled_from(TONES)), max_size=6)


def made(parts: list[tuple[str, Tone]]) -> Row:
    return row(*(span(text, tone) for text, tone in parts))


def test_a_second_of_the_clock_is_the_clock_alone() -> None:
    before, after = (header(replace(scene(), now=NOW.replace(second=at)), 120) for at in (12, 13))
    first, last = changed(before, after, 120)
    assert last - first == len("14:03:12")
    assert changed(before, before, 120) == (0, 0)


@given(ROWS, ROWS, st.integers(1, 60))
def test_what_lies_outside_is_the_same(old: list[tuple[str, Tone]], new: list[tuple[str, Tone]], cells: int) -> None:
    before, after = fit(made(old), cells), fit(made(new), cells)
    first, last = changed(before, after, cells)
    assert 0 <= first <= last <= cells
    assert (first == last) == (before == after)
    for old_cell, new_cell in [*zip(painted(before), painted(after), strict=True)][:first]:
        assert old_cell == new_cell
    for old_cell, new_cell in [*zip(painted(before), painted(after), strict=True)][last:]:
        assert old_cell == new_cell


def painted(line: Row) -> list[tuple[str, Tone]]:
    return [(character, each.tone) for each in line for character in each.text]
