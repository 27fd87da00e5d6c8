"""Rows and frames: whatever the text, exactly as wide as asked, and only ever safe text."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from backends.text.terminal_safe import SafeText, safe
from console.present.frame import PaneBody, framed
from console.present.spans import Row, clip, dimmed, fit, pad, paragraph, row, span, spread, width
from tests.backends.text.test_terminal_safe import NASTY

TEXT = st.text(max_size=40)
ROWS = st.lists(TEXT, max_size=4).map(lambda texts: row(*texts))


@given(ROWS, st.integers(0, 60))
def test_fit_is_exact(spans: Row, cells: int) -> None:
    assert width(fit(spans, cells)) == cells


@given(ROWS, ROWS, st.integers(0, 60))
def test_spread_is_exact(left: Row, right: Row, cells: int) -> None:
    assert width(spread(left, right, cells)) == cells


@given(TEXT, st.integers(0, 30))
def test_a_paragraph_never_overflows(text: str, cells: int) -> None:
    assert all(width(line) <= cells for line in paragraph(text, cells))


@given(st.lists(ROWS, max_size=8), ROWS, st.integers(0, 40), st.integers(0, 12), st.booleans(), st.integers(0, 20))
def test_a_frame_is_a_box_of_the_size(  # noqa: PLR0917 — Hypothesis gives them by place
    rows: list[Row], summary: Row, across: int, down: int, focused: bool, top: int
) -> None:
    body = PaneBody(rows, selected=0 if rows else None)
    drawn, selected = framed(body, top=top, title="1 Pane", summary=summary, size=(across, down), focused=focused)
    assert all(width(line) == across for line in drawn)
    if across >= 4 and down >= 2:
        assert len(drawn) == down
    assert selected is None or selected < max(1, down)
    assert all(isinstance(each.text, SafeText) for line in drawn for each in line)


def test_the_frame_tells_focus_without_colour() -> None:
    rows, _ = framed(PaneBody(()), top=0, title="x", summary=(), size=(20, 3), focused=True)
    assert rows[0][0].text.startswith("┏")
    rows, _ = framed(PaneBody(()), top=0, title="x", summary=(), size=(20, 3), focused=False)
    assert rows[0][0].text.startswith("╭")


def test_a_thumb_shows_where_the_rows_are() -> None:
    body = PaneBody([row(f"{number}") for number in range(20)])
    drawn, _ = framed(body, top=10, title="x", summary=(), size=(20, 12), focused=False)
    marks = [line[-1].text for line in drawn[1:-1]]
    assert marks[:5] == [" │"] * 5
    assert marks[5:] == [" ┃"] * 5


def test_fixed_rows_stay_when_the_rest_scrolls() -> None:
    body = PaneBody([row("head"), *(row(f"line {number}") for number in range(9))], selected=6, fixed=1)
    drawn, selected = framed(body, top=4, title="x", summary=(), size=(20, 6), focused=True)
    texts = ["".join(each.text for each in line) for line in drawn]
    assert "head" in texts[1]
    assert "line 4" in texts[2]
    assert selected == 3
    assert "line 5" in texts[3]


def test_faded_keeps_the_text() -> None:
    assert dimmed((span("a", "bad"),)) == (span("a", "dim"),)


@given(NASTY, st.integers(-3, 40))
def test_a_clipped_text_fits(text: str, cells: int) -> None:
    whole = safe(text, newlines=True)
    cut = clip(whole, cells)
    assert "\n" not in cut
    assert cell_len(cut) <= max(0, cells)
    assert cut == safe(whole) or not cut or cut.endswith("…")


@given(NASTY, st.integers(0, 40), st.booleans())
def test_a_padded_text_fills_its_cells(text: str, cells: int, right: bool) -> None:
    assert cell_len(pad(safe(text), cells, right=right)) == cells


def test_clip_never_halves_a_wide_character() -> None:
    assert clip(safe("日本語"), 6) == "日本語"
    assert clip(safe("日本語"), 5) == "日本…"
    assert clip(safe("日本語"), 4) == "日…"
    assert pad(safe("日本語"), 4) == "日… "
    assert pad(safe("12"), 5, right=True) == "   12"
