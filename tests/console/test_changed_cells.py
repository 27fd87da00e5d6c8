"""What a change costs on the wire, and that a terminal which is sent only that shows what it should."""

from itertools import pairwise

import pyte
from hypothesis import given
from hypothesis import strategies as st
from pyte.screens import Char
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.changed_cells import ChangedCells
from console.present.spans import Span, Tone, fit, span
from console.widgets.line_widget import changed

CELLS = 20
CONSOLE = Console(color_system="truecolor", force_terminal=True)
PLAIN, STRONG = Style(color="#d5dbe3", bgcolor="#0e1116"), Style(color="#f4f7fb", bgcolor="#0e1116", bold=True)


def strip(*parts: tuple[str, Style]) -> Strip:
    return Strip([Segment(text, style) for text, style in parts], CELLS)


def sent(update: ChangedCells) -> str:
    return update.render_segments(CONSOLE)


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


STYLES = [
    PLAIN,
    STRONG,
    Style(color="#a3a3a3", bgcolor="#0e1116", italic=True, dim=True),
    Style(color="#0e1116", bgcolor="#5fafff", bold=True, reverse=True),
    Style(color="#d5dbe3", bgcolor="#30363d"),
    Style(underline=True, strike=True),
    Style(),
]
PARTS = st.lists(st.tuples(st.text("ab ▌", min_size=1, max_size=5), st.sampled_from(STYLES)), min_size=1, max_size=6)


@given(st.lists(PARTS, min_size=1, max_size=3))
def test_each_cell_has_its_own_style(rows: list[list[tuple[str, Style]]]) -> None:
    lines = [Strip([Segment(text, style) for text, style in parts]) for parts in rows]
    shown, wanted = pyte.Screen(40, 3), pyte.Screen(40, 3)
    update = ChangedCells(
        [{0: line} for line in lines],
        [(y, 0, line.cell_length) for y, line in enumerate(lines)],
        [[line.cell_length] for line in lines],
    )
    pyte.Stream(shown).feed(sent(update))
    pyte.Stream(wanted).feed("\r\n".join(line.render(CONSOLE) for line in lines))
    for y, line in enumerate(lines):
        for x in range(line.cell_length):
            assert seen(shown.buffer[y][x]) == seen(wanted.buffer[y][x])
    assert shown.cursor.attrs == wanted.cursor.attrs


TONES: dict[Tone, Style] = {"text": PLAIN, "strong": STRONG, "flag": STYLES[3], "dim": STYLES[2]}
ROWS = st.lists(
    st.builds(span, st.text("ab ▌世", min_size=1, max_size=6), st.sampled_from([*TONES])), min_size=1, max_size=6
)


@given(st.lists(ROWS, min_size=2, max_size=5))
def test_a_row_that_changed_again_and_again_is_as_if_painted_anew(rows: list[list[Span]]) -> None:
    shown = pyte.Screen(CELLS, 1)
    stream = pyte.Stream(shown)
    stream.feed(sent(ChangedCells([{0: painted(rows[0])}], [(0, 0, CELLS)], [[CELLS]])))
    for before, after in pairwise(rows):
        runs = changed(tuple(before), tuple(after), CELLS)
        stream.feed(sent(ChangedCells([{0: painted(after)}], [(0, *run) for run in runs], [[CELLS]])))
        wanted = pyte.Screen(CELLS, 1)
        pyte.Stream(wanted).feed(painted(after).render(CONSOLE))
        assert [seen(shown.buffer[0][x]) for x in range(CELLS)] == [seen(wanted.buffer[0][x]) for x in range(CELLS)]


def painted(spans: list[Span]) -> Strip:
    return Strip([Segment(each.text, TONES[each.tone]) for each in fit(tuple(spans), CELLS)], CELLS)


def seen(cell: Char) -> Char:
    """A blank's ink, weight and slant are not."""
    unseen = cell.data == " " and not (cell.reverse or cell.underscore or cell.strikethrough)
    return cell._replace(fg="default", bold=False, italics=False) if unseen else cell


def test_a_row_of_many_tones_costs_a_few_bytes_for_each() -> None:
    line = strip(("scout", STRONG), (" ", PLAIN), ("12 s", PLAIN), (" ", STRONG), ("local", STRONG), ("   ", PLAIN))
    data = sent(ChangedCells([{0: line}], [(0, 0, 19)], [[CELLS]]))
    assert len(data.encode()) < len(line.render(CONSOLE).encode()) / 1.5


def test_a_link_keeps_its_address() -> None:
    line = strip(("see ", PLAIN), ("docs", PLAIN + Style(link="https://example.org")), (" below      ", PLAIN))
    assert "https://example.org" in sent(ChangedCells([{0: line}], [(0, 0, CELLS)], [[CELLS]]))
