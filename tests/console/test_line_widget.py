"""Of a row that changed the cells that differ are sent, and nothing of it otherwise."""

import gc

from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from textual.strip import Strip

from console.present.header_row import header
from console.present.spans import Row, Tone, fit, row, span
from console.widgets.line_widget import Line, changed
from tests.console.scene_exchanges import NOW
from tests.console.test_panes import replace, scene

TONES: list[Tone] = ["text", "dim", "bad"]
ROWS = st.lists(st.tuples(st.text("ab▌", min_size=1, max_size=4), st.sampled_from(TONES)), max_size=6)


def made(parts: list[tuple[str, Tone]]) -> Row:
    return row(*(span(text, tone) for text, tone in parts))


def test_a_second_of_the_clock_is_its_last_digit() -> None:
    before, after = (header(replace(scene(), now=NOW.replace(second=at)), 120) for at in (12, 13))
    (run,) = changed(before, after, 120)
    assert run[1] - run[0] == 1
    assert changed(before, before, 120) == []


@given(ROWS, ROWS, st.integers(1, 60))
def test_what_lies_outside_is_the_same(old: list[tuple[str, Tone]], new: list[tuple[str, Tone]], cells: int) -> None:
    before, after = painted(fit(made(old), cells)), painted(fit(made(new), cells))
    runs = changed(made(old), made(new), cells)
    edges = [edge for run in runs for edge in run]
    assert edges == sorted(set(edges))
    assert all(0 <= edge <= cells for edge in edges)
    inside = {cell for first, last in runs for cell in range(first, last)}
    assert {cell for cell in range(cells) if before[cell] != after[cell]} <= inside
    assert all(before[first] != after[first] and before[last - 1] != after[last - 1] for first, last in runs)


def test_a_line_that_was_painted_is_freed_without_a_collection() -> None:
    gc.collect()
    gc.disable()
    try:
        others = sum(isinstance(each, Line) for each in gc.get_objects())
        line = Line([Segment("▌local")], 6)
        assert [*line.divide([6])] == [line]
        assert [part.text for part in line.divide([1, 6])] == ["▌", "local"]
        del line
        assert sum(isinstance(each, Line) for each in gc.get_objects()) == others
    finally:
        gc.enable()


WIDE = st.text("a世👩💻", max_size=8)


@given(WIDE, WIDE, st.integers(1, 12))
def test_no_run_begins_or_ends_within_a_wide_character(old: str, new: str, cells: int) -> None:
    line = Strip([Segment(each.text) for each in fit((span(new),), cells)], cells)
    for first, last in changed((span(old),), (span(new),), cells):
        whole = [line.crop(0, first), line.crop(first, last), line.crop(last, cells)]
        assert "".join(part.text for part in whole) == line.text


def painted(line: Row) -> list[tuple[str, Tone]]:
    return [(character, each.tone) for each in line for character in each.text]
