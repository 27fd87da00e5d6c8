"""Sparklines, bars and meters; charts with a scale, their time axis and the marks below them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.present.charts import (
    GUTTER,
    Chart,
    Curve,
    Mark,
    bar,
    ceiling,
    chart_rows,
    column,
    dollars,
    duration,
    figure,
    marks_row,
    meter,
    percentage,
    sparkline,
    time_axis,
)
from console.present.spans import Row, Tone, width

SINCE = datetime(2026, 11, 30, 11, 25, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=1)
POINTS = st.lists(st.none() | st.floats(0, 1e6), max_size=80).map(tuple)


def text(row: Row) -> str:
    return "".join(span.text for span in row)


def test_a_sparkline_shows_the_newest_points_and_what_is_unknown() -> None:
    assert sparkline((0.0, 50.0, None, 100.0), 3, top=100.0) == "▅·█"
    assert sparkline((None, None), 5) == "··"
    assert sparkline((1.0,), 0) == ""
    assert sparkline((0.0, 0.0), 4) == "▁▁"


@given(st.lists(st.tuples(st.floats(0, 2), st.just("good"), st.just("━")), max_size=3), st.integers(0, 80))
def test_a_bar_is_exactly_as_wide_as_asked(parts: list[tuple[float, Tone, str]], cells: int) -> None:
    assert width(bar(*parts, cells=cells)) == cells


def test_a_bar_never_hides_a_small_share() -> None:
    assert bar((0.001, "bad", "━"), cells=10)[0].text == "━"


@pytest.mark.parametrize(("used", "tone"), [(0.5, "good"), (0.9, "warn"), (0.99, "bad"), (None, "border")])
def test_a_meter_warns_when_nearly_full(used: float | None, tone: str) -> None:
    assert meter(used, 10)[0].tone == tone


@given(st.lists(POINTS, min_size=1, max_size=3), st.integers(0, 120), st.integers(1, 5), st.integers(0, 20))
def test_a_chart_is_exactly_as_large_as_asked(
    curves: list[tuple[float | None, ...]], cells: int, rows: int, gutter: int
) -> None:
    drawn = chart_rows(Chart("requests a minute", tuple(map(Curve, curves))), cells, rows, gutter)
    assert [width(row) for row in drawn] == [cells] * rows


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60))
def test_a_higher_value_never_stands_lower(values: list[int]) -> None:
    rows = chart_rows(Chart("n", (Curve(tuple(map(float, values))),)), len(values), 3, 0)
    heights = [sum(" ▁▂▃▄▅▆▇█".index(text(row)[x]) for row in rows) for x in range(len(values))]
    for one, its in zip(values, heights, strict=True):
        assert (one > 0) == (its > 0), "zero is empty, and whatever is above it shows"
        for other, theirs in zip(values, heights, strict=True):
            assert its <= theirs or one > other


@given(POINTS, st.integers(2, 4))
def test_what_is_unknown_is_seen_and_is_not_zero(values: tuple[float | None, ...], rows: int) -> None:
    for curves in ((Curve(values),), (Curve(values), Curve(values))):
        lowest = text(chart_rows(Chart("n", curves), len(values), rows, 0)[-1])
        for value, character in zip(values, lowest, strict=True):
            assert (character == "·") == (value is None)


def test_values_that_share_a_column_show_the_highest() -> None:
    values = [0.0] * 600
    values[333] = 9.0
    assert "█" in text(chart_rows(Chart("failed", (Curve(tuple(values)),), top=9.0), 60)[0])


def test_a_short_series_is_unknown_at_its_left_and_ends_at_the_right() -> None:
    assert text(chart_rows(Chart("n", (Curve((1.0, 2.0)),), points=4, top=2.0), 4, 1, 0)[0]) == "··▄█"


def test_a_chart_has_its_name_the_highest_value_and_zero() -> None:
    first, *_, last = chart_rows(Chart("spend", (Curve((0.4, 1.3)),), unit=dollars), 30, 3)
    assert text(first).startswith("spend    $1.5 ┤")
    assert text(last).startswith("            0 ┤")


def test_curves_in_one_chart_keep_their_tones() -> None:
    curves = (Curve((1.0,) * 8, "local"), Curve((9.0,) * 8, "cloud"))
    tones = [{span.tone for span in row} for row in chart_rows(Chart("ms", curves), 8, 2, 0)]
    assert "cloud" in tones[0]
    assert "local" in tones[1]


@given(st.lists(st.floats(0, 1e9), min_size=1))
def test_a_scale_reaches_its_values_and_is_not_far_above_them(values: list[float]) -> None:
    assert max(values) <= ceiling(values)
    assert ceiling(values) <= max(2 * max(values), 1.0)


@given(st.just(0.0) | st.floats(0.01, 99_999_999))
def test_a_value_of_a_scale_is_short(value: float) -> None:
    assert all(len(write(ceiling([value]))) <= 6 for write in (figure, duration, dollars))
    assert percentage(0.25) == "25%"


@pytest.mark.parametrize("cells", [0, 10, 40, 76, 80, 200])
@pytest.mark.parametrize("hours", [0, 1, 24])
def test_a_time_axis_shows_each_time_at_its_moment(cells: int, hours: int) -> None:
    until = SINCE + timedelta(hours=hours)
    line = text(time_axis(SINCE, until, cells))
    assert len(line) == cells
    assert "…" not in line
    shown = line[GUTTER:].split()
    assert len(shown) >= (2 if hours and cells >= 80 else 0)
    for time in shown:
        hour, minute = map(int, time.split(":"))
        moment = SINCE.astimezone().replace(hour=hour, minute=minute)
        moment += timedelta(days=moment < SINCE)
        assert line.index(time) == GUTTER + column(moment, SINCE, until, cells - GUTTER)


def test_a_mark_has_its_onset_and_its_length() -> None:
    def minute(number: int) -> datetime:
        return SINCE + timedelta(minutes=number)

    marks = [
        Mark(minute(-30), minute(5)),
        Mark(minute(10), minute(15)),
        Mark(minute(40), minute(40)),
        Mark(minute(50), None, "bad"),
        Mark(minute(70), None),
    ]
    line = marks_row(marks, SINCE, UNTIL, 60, gutter=0)
    assert text(line) == "━━━━━━    △━━━━━                        △         △━━━━━━━━━"
    assert line[-1].tone == "bad"


@given(
    st.lists(st.tuples(st.integers(-90, 90), st.none() | st.integers(0, 90)), max_size=5),
    st.integers(0, 120),
    st.integers(0, 20),
)
def test_a_row_of_marks_is_exactly_as_wide_as_asked(
    stretches: list[tuple[int, int | None]], cells: int, gutter: int
) -> None:
    marks = [
        Mark(start := SINCE + timedelta(minutes=first), None if long is None else start + timedelta(minutes=long))
        for first, long in stretches
    ]
    assert width(marks_row(marks, SINCE, UNTIL, cells, name="alerts", gutter=gutter)) == cells
