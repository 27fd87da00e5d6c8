"""Charts of the core's samples that fill what a pane has left, with a scale and the times below them."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from msgspec import Struct

from console.present.charts import Chart, Curve, Values, chart_rows, figure, time_axis
from console.present.spans import BLANK, Row, Tone
from console.state import ViewState

LEAST = 4
"""Rows below which charts are not worth their axis."""
HIGHEST = 6
"""Rows of one chart; more of them tell no more."""
NARROWEST = 32
"""Cells below which the scale leaves too little for the curve."""


class Sampled(Struct, frozen=True):
    """One chart: values of a series of the core, one a step, the oldest first. `top` is the scale's end where fixed."""

    name: str
    values: Values
    tone: Tone
    top: float | None = None
    unit: Callable[[float], str] = figure


def has_charts(cells: int, room: int) -> bool:
    """Whether a pane with `room` rows left has charts."""
    return room > LEAST and cells >= NARROWEST


def below(rows: Sequence[Row], state: ViewState, sampled: Sequence[Sampled], cells: int, room: int) -> list[Row]:
    """The pane's rows, and below them as many of the charts as its `room` rows have place for; series that nobody has
    sampled have none.
    """
    known = [each for each in sampled if any(value is not None for value in each.values)]
    left = room - len(rows) - 1
    if not known or state.now is None or not has_charts(cells, left):
        return list(rows)
    known = known[: max(1, (left - 1) // 2)]
    height = max(1, min(HIGHEST, (left - 1) // len(known)))
    points = max(len(each.values) for each in known)
    step = timedelta(seconds=state.history_step_s)
    charts = [line for each in known for line in chart_rows(_chart(each, points), cells, height)]
    return [*rows, BLANK, *charts, time_axis(state.now - points * step, state.now, cells)]


def _chart(sampled: Sampled, points: int) -> Chart:
    return Chart(
        sampled.name, (Curve(sampled.values, sampled.tone),), points=points, top=sampled.top, unit=sampled.unit
    )
