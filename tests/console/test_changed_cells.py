"""What a change costs on the wire, and that a terminal which is sent only that shows what it should."""

import pyte
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.changed_cells import ChangedCells

CELLS = 20
PLAIN, STRONG = Style(color="#d5dbe3", bgcolor="#0e1116"), Style(color="#f4f7fb", bgcolor="#0e1116", bold=True)


def strip(*parts: tuple[str, Style]) -> Strip:
    return Strip([Segment(text, style) for text, style in parts], CELLS)


def sent(update: ChangedCells) -> str:
    return update.render_segments(Console(color_system="truecolor", force_terminal=True))


def test_one_cell_that_changes_costs_its_own_bytes() -> None:
    line = strip(("▌local", PLAIN), ("  3 waiting   ", STRONG))
    data = sent(ChangedCells([{0: line}], [(0, 8, 9)], [[CELLS]]))
    assert len(data.encode()) <= 120
    assert "3" in data
    assert "local" not in data
    assert "waiting" not in data


def test_a_terminal_shows_the_whole_row_after_parts_of_it() -> None:
    screen = pyte.Screen(CELLS, 2)
    stream = pyte.Stream(screen)
    before = [
        strip(("▌local", PLAIN), ("  3 waiting   ", STRONG)),
        strip(("=cache", PLAIN), (" 11 %         ", STRONG)),
    ]
    after = [strip(("▌local", PLAIN), ("  4 waiting   ", STRONG)), strip(("=cache", PLAIN), (" 12 %", STRONG))]
    ends = [[CELLS], [CELLS]]
    stream.feed(sent(ChangedCells([{0: before[0]}, {0: before[1]}], [(0, 0, CELLS), (1, 0, CELLS)], ends)))
    assert [line.rstrip() for line in screen.display] == ["▌local  3 waiting", "=cache 11 %"]
    stream.feed(sent(ChangedCells([{0: after[0]}, {0: after[1]}], [(0, 8, 9), (1, 7, 9)], ends)))
    assert [line.rstrip() for line in screen.display] == ["▌local  4 waiting", "=cache 12 %"]


def test_parts_of_several_widgets_in_a_row_are_cut_apart() -> None:
    left, right = Strip([Segment("aaaaaaaaaa", PLAIN)], 10), Strip([Segment("bbbbbbbbbb", PLAIN)], 10)
    screen = pyte.Screen(CELLS, 1)
    update = ChangedCells([{0: left, 10: right}], [(0, 8, 12)], [[10, CELLS]])
    pyte.Stream(screen).feed(sent(update))
    assert screen.display == ["        aabb        "]
    nothing = ChangedCells([{0: None, 10: right}], [(0, 2, 5)], [[10, CELLS]])
    assert sent(nothing) == ""
