"""The rows of the timeline: charts of one time below each other, as many and as high as there is room."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from backends.types import CLOUD, Alert, Timeline
from console.present.alert_rows import SEVERITIES
from console.present.charts import (
    GUTTER,
    Chart,
    Curve,
    Mark,
    Values,
    chart_rows,
    column,
    dollars,
    duration,
    figure,
    marks_row,
    time_axis,
)
from console.present.empty_states import loading, notice
from console.present.spans import Row, Tone, fit, span
from console.state import ViewState

BELOW = 2
"""Rows below the charts: incidents and times."""


class _Kind(Struct, frozen=True):
    """A chart of the timeline; `curves` are names of series, each with its tone."""

    name: str
    curves: Sequence[tuple[str, Tone]]
    unit: Callable[[float], str] = figure
    per_minute: bool = False


_KINDS = (
    _Kind("req/min", (("requests", "text"),), per_minute=True),
    _Kind("failed", (("failed", "bad"),), per_minute=True),
    _Kind("wait", (("oldest_wait_s.", "warn"),), unit=lambda seconds: duration(seconds * 1000)),
    _Kind("latency", (("latency_p50_ms", "strong"), ("latency_p95_ms", "dim")), unit=duration),
    _Kind("$/min", (("spend_usd", CLOUD),), unit=dollars, per_minute=True),
)
"""The most important first. A name that ends with a dot stands for the highest of all engines."""


def timeline_rows(state: ViewState, timeline: Timeline | None, problem: str, cells: int, rows: int) -> list[Row]:
    if problem:
        return notice("▲ No timeline", problem, cells, bad=True)
    if timeline is None:
        return [loading()]
    kinds = _KINDS[: max(1, min(len(_KINDS), rows - BELOW))]
    heights = _heights(rows - BELOW, len(kinds))
    charts = [
        each
        for kind, height in zip(kinds, heights, strict=True)
        for each in chart_rows(_chart(kind, timeline), cells, height)
    ]
    marks = [
        Mark(each.since, each.ended_at, _tone(each), SEVERITIES[each.severity]) for each in alerts_of(state, timeline)
    ]
    incidents = marks_row(marks, timeline.since, timeline.until, cells, name="alerts")
    axis = time_axis(timeline.since, timeline.until, cells)
    if state.past and state.at is not None and timeline.since <= state.at <= timeline.until and cells > GUTTER:
        axis = _with_cursor(axis, GUTTER + column(state.at, timeline.since, timeline.until, cells - GUTTER), cells)
    return [*charts, incidents, axis][: max(rows, 1)]


def alerts_of(state: ViewState, timeline: Timeline) -> list[Alert]:
    """Those of the timeline, and on the live screen those that came since it was made; silenced ones, too."""
    known = {alert.id: alert for alert in timeline.alerts}
    if not state.past:
        known |= {alert.id: alert for alert in (*state.past_alerts, *state.alerts)}
    return sorted(known.values(), key=lambda alert: (alert.severity == "critical", alert.since))


def _chart(kind: _Kind, timeline: Timeline) -> Chart:
    minutes = timeline.step_s / 60 if kind.per_minute else 1.0
    return Chart(
        kind.name, tuple(Curve(_values(timeline, name, minutes), tone) for name, tone in kind.curves), unit=kind.unit
    )


def _values(timeline: Timeline, name: str, minutes: float) -> Values:
    if not name.endswith("."):
        series: Iterable[float | None] = timeline.series.get(name, ())
    else:
        engines = [values for key, values in timeline.series.items() if key.startswith(name)]
        series = [
            max((value for value in step if value is not None), default=None) for step in zip(*engines, strict=True)
        ]
    return tuple(None if value is None else value / minutes for value in series)


def _heights(rows: int, charts: int) -> list[int]:
    """Rows of each chart; what is left over goes to the first ones."""
    each, more = divmod(max(charts, rows), charts)
    return [each + (index < more) for index in range(charts)]


def _tone(alert: Alert) -> Tone:
    return "bad" if alert.severity == "critical" else "warn"


def _with_cursor(axis: Row, at: int, cells: int) -> Row:
    """The axis with the moment on screen marked, in place of the time that stands there."""
    text = "".join(each.text for each in axis)
    before, after = text[:at], text[at + 1 :]
    if text[at] != " ":
        before = before.rstrip("0123456789:")
        after = after.lstrip("0123456789:")
    blanks = " " * (cells - len(after) - 1 - at)
    return fit((span(f"{before:<{at}}", "dim"), span("◆", "flag"), span(f"{blanks}{after}", "dim")), cells)
