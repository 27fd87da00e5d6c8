"""Sparklines, bars and meters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.present.charts import bar, meter, sparkline
from console.present.spans import Tone, width


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
