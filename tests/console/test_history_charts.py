"""Charts that fill what a pane has left: they have a scale and times, and never take room from figures."""

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from console.panes.runtime_pane import runtime_body, runtime_rows
from console.present.history_charts import Sampled, below
from console.present.spans import row, span, width
from tests.console.scene import engines, snapshot
from tests.console.scene_exchanges import NOW
from tests.console.test_panes import replace, scene, text

HALF = Sampled("hit", (0.5,) * 60, "cache", 1.0)
FIGURES = [row(span(f"figure {index}")) for index in range(5)]
LOCAL, CLOUD = engines()


@given(st.lists(st.none() | st.floats(0, 1e9), max_size=80), st.integers(0, 5), st.integers(0, 120), st.integers(0, 60))
def test_figures_keep_their_rows_and_charts_have_what_is_left(
    values: list[float | None], number: int, cells: int, room: int
) -> None:
    sampled = [Sampled(f"chart {index}", tuple(values), "text") for index in range(number)]
    drawn = below(FIGURES, scene(), sampled, cells, room)
    assert drawn[: len(FIGURES)] == FIGURES
    assert len(drawn) <= max(room, len(FIGURES))
    assert all(width(line) <= cells for line in drawn[len(FIGURES) :])
    if number and cells >= 32 and room >= 20 and any(value is not None for value in values):
        assert len(drawn) > len(FIGURES)


def test_a_chart_has_a_scale_and_times() -> None:
    drawn = text(below(FIGURES, scene(), [HALF], 60, 12))
    assert "hit         1 ┤" in drawn
    assert "0 ┤" in drawn
    assert "13:55" in drawn or "13:56" in drawn or "14:00" in drawn
    assert text(below(FIGURES, scene(), [Sampled("x", (None,) * 9, "text")], 60, 30)) == text(FIGURES)


def test_the_runtime_has_charts_in_place_of_its_sparklines_where_there_is_room() -> None:
    state = scene()
    tall, low = (text(runtime_body(state, 60, room)) for room in (50, 22))
    assert "gpu 0    100% ┤" in tall
    assert "tok/s      40 ┤" in tall
    assert "  depth " not in tall
    assert "  depth " in low
    assert "┤" not in low
    without_gpu = replace(state, gpu=None, history={"host.cpu": (10.0,) * 60})
    assert "cpu      100% ┤" in text(runtime_body(without_gpu, 60, 50))


def drawn(**changes: Any) -> str:
    return text(runtime_rows(scene(engines=(msgspec.structs.replace(LOCAL, **changes), CLOUD), recent=()), 76))


def test_an_engine_says_how_long_ago_it_gave_its_last_good_answer() -> None:
    assert "last answer" not in drawn(answered_at=NOW - timedelta(seconds=59))
    assert "last answer 5 m ago" in drawn(answered_at=NOW - timedelta(minutes=5))
    since = NOW - timedelta(seconds=67)
    silent = drawn(answered_at=since, health="degraded", detail="1 call is silent", since=since)
    assert "◐ local" in silent
    assert "silent · 1 m" in silent
    assert "last answer 1 m ago" in silent
    late = drawn(waiting=28, will_miss=28, predicted_wait_s=780.0, oldest_wait_s=96.0)
    assert "28 waiting ~13 min" in late
    assert "28 will miss their deadline · the oldest waits for 96 s" in late


def test_an_old_speed_is_dim() -> None:
    def tone(seconds: int) -> str:
        local = msgspec.structs.replace(LOCAL, answered_at=NOW - timedelta(seconds=seconds))
        rows = runtime_rows(scene(engines=(local, CLOUD)), 76)
        return next(each.tone for line in rows for each in line if each.text == "38.1")

    assert (tone(5), tone(300)) == ("strong", "dim")


def test_the_scene_has_the_series_of_every_chart() -> None:
    assert {"gpu.0.utilisation", "queue.local", "tokens_per_s.local", "cache.hit_share", "spend.today"} <= set(
        snapshot().history
    )
