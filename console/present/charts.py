"""Small charts: sparklines, bars and meters of one line, and charts of several rows with a scale and a time axis.

Charts draw values over time, the oldest first and the newest at the right. All functions here are pure; what the same
chart looks like is remembered, so that a pane may draw it again at no cost.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby
from math import floor, log10
from typing import NamedTuple

from msgspec import Struct

from backends.text.times import clock
from console.present.spans import Row, Span, Tone, cell, fit, row, span

_SPARKS = "▁▂▃▄▅▆▇█"
_UNKNOWN = "·"
_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The dots of a Braille character, by row and column."""

GUTTER = 15
"""Cells left of a chart: its name, the highest value with its unit, and the line of the scale."""
_SCALE = 8  # cells of the value and the line
_STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)
"""Minutes between two times on an axis."""
_TICK_CELLS = 10  # the least room for one of them
_REMEMBERED = 128
"""Drawn charts that are kept, each of a few hundred values and a few kilobytes."""

Values = tuple[float | None, ...]


def sparkline(series: Sequence[float | None], cells: int, *, top: float | None = None) -> str:
    """The newest `cells` points, newest at the right; an unknown one is `·`. `top` is the value of a full block."""
    points = list(series[-cells:]) if cells > 0 else []
    known = [point for point in points if point is not None]
    if not known:
        return _UNKNOWN * len(points)
    ceiling = max(top if top is not None else 0.0, *known) or 1.0
    last = len(_SPARKS) - 1
    return "".join(
        _UNKNOWN if point is None else _SPARKS[max(0, min(last, round(point / ceiling * last)))] for point in points
    )


def bar(*parts: tuple[float, Tone, str], cells: int) -> Row:
    """Shares of 1 as adjacent parts of a line of exactly `cells` cells, the rest a thin line.

    Each part is (share, tone, character). A share above zero is always visible while there is room.
    """
    spans = []
    room = max(0, cells)
    for portion, tone, character in parts:
        wanted = max(0, round(portion * cells)) or (1 if portion > 0 else 0)
        length = min(room, wanted)
        if length:
            spans.append(span(character * length, tone))
        room -= length
    if room:
        spans.append(span("─" * room, "border"))
    return tuple(spans)


def meter(used: float | None, cells: int) -> Row:
    """How full something is, 0..1: green, yellow from 85 %, red from 95 %."""
    if used is None:
        return (span("─" * max(0, cells), "border"),)
    tone: Tone = "bad" if used >= 0.95 else "warn" if used >= 0.85 else "good"
    return bar((used, tone, "━"), cells=cells)


# ---- charts with a scale


def figure(value: float) -> str:
    """A value of a scale in at most five cells: `.05`, `2.5`, `60`, `1.5k`, `12M`."""
    for limit, divisor, name in ((1e6, 1e6, "M"), (1e3, 1e3, "k")):
        if value >= limit:
            return f"{value / divisor:.3g}{name}"
    return f"{value:.2g}".removeprefix("0") if 0 < value < 1 else f"{value:.3g}"


def duration(milliseconds: float) -> str:
    """Milliseconds as a value of a scale: `800ms`, `2.5s`, `15m`, `3h`."""
    if milliseconds < 1000:
        return f"{figure(milliseconds)}ms"
    for limit, divisor, name in ((120e3, 1e3, "s"), (7200e3, 60e3, "m")):
        if milliseconds < limit:
            return f"{milliseconds / divisor:.3g}{name}"
    return f"{milliseconds / 3600e3:.3g}h"


def dollars(value: float) -> str:
    """US dollars as a value of a scale: `$.0025`, `$1.5`, `$200`."""
    return f"${value:.4f}".replace("$0.", "$.") if 0.0001 <= value < 0.01 else f"${figure(value)}"


def percentage(value: float) -> str:
    """A share of 1 as a value of a scale: `100%`."""
    return f"{value * 100:.3g}%"


class Curve(NamedTuple):
    """Values at equal distances in time, the oldest first; None is unknown."""

    values: Values
    tone: Tone = "text"


class Chart(Struct, frozen=True):
    """One curve is drawn as a filled area of blocks, several as lines of Braille dots; the first lies on top.

    The chart's width stands for the newest `points` values, by default for as many as there are; where there are fewer,
    the older ones are unknown. `top` is the value at the upper end, by default a round one above all values. `unit`
    writes it in at most 6 cells.
    """

    name: str
    curves: tuple[Curve, ...]
    points: int | None = None
    top: float | None = None
    unit: Callable[[float], str] = figure


class Mark(NamedTuple):
    """A stretch of time that is marked below a chart; `end` is None where it lasts."""

    start: datetime
    end: datetime | None
    tone: Tone = "warn"
    symbol: str = "△"


@lru_cache(maxsize=_REMEMBERED)
def chart_rows(chart: Chart, cells: int, rows: int = 1, gutter: int = GUTTER) -> tuple[Row, ...]:
    """The chart in `rows` rows of exactly `cells` cells; an area in one row is a sparkline with a scale.

    Where values share a column the highest is drawn, so that no peak is lost. Zero is an empty column of an area and
    the lowest dot of a line, anything above zero shows, and what is unknown is `·`. The first `gutter` cells are the
    name, the scale and its line; with less than 8 there is none of them.
    """
    upper = chart.top or ceiling([value for curve in chart.curves for value in curve.values])
    across = max(0, cells - _gutter(gutter))
    draw = _blocks if len(chart.curves) == 1 else _dots
    plots = draw(chart, upper, across, rows)
    return tuple(
        fit(row(*_scale(chart, upper, gutter, top=index == 0, bottom=index == rows - 1 > 0), *plot), cells)
        for index, plot in enumerate(plots)
    )


def time_axis(since: datetime, until: datetime, cells: int, gutter: int = GUTTER) -> Row:
    """Local times below charts of the same width and gutter that reach from `since` to `until`; each begins at its
    moment.
    """
    across, margin = max(0, cells - _gutter(gutter)), " " * min(cells, _gutter(gutter))
    span_min = (until - since).total_seconds() / 60
    if across < _TICK_CELLS or span_min <= 0:
        return fit((span(margin),), cells)
    step = next((tick for tick in _TICKS if tick * across / span_min >= _TICK_CELLS), _TICKS[-1])
    local = since.astimezone()
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = -(-(local - midnight).total_seconds() // (step * 60))
    line = ""
    moment = midnight + timedelta(minutes=passed * step)
    while moment <= until:
        x = column(moment, since, until, across)
        if (not line or len(line) < x) and x <= across - 5:
            line = f"{line:<{x}}{clock(moment, minutes=True)}"
        moment += timedelta(minutes=step)
    return fit(row(span(margin), span(line, "dim")), cells)


def marks_row(
    marks: Sequence[Mark], since: datetime, until: datetime, cells: int, *, name: str = "", gutter: int = GUTTER
) -> Row:
    """Its symbol at the onset of each mark that touches the time from `since` to `until`, and a bar for its length.

    One that began before has its bar alone. Where several share a cell the later ones of the sequence are drawn.
    """
    across = max(0, cells - _gutter(gutter))
    line: list[Span] = [span(" ")] * across
    for mark in marks:
        if across == 0 or mark.start > until or (mark.end is not None and mark.end < since):
            continue
        first, last = (column(each, since, until, across) for each in (max(since, mark.start), mark.end or until))
        line[first : last + 1] = [span("━", mark.tone)] * (last + 1 - first)
        if mark.start >= since:
            line[first] = span(mark.symbol, mark.tone)
    label = (cell(name, gutter - _SCALE, "dim"), span(" " * _SCALE)) if gutter >= _SCALE else ()
    return fit(row(*label, *_joined(line)), cells)


def column(moment: datetime, since: datetime, until: datetime, across: int) -> int:
    """Where a moment lies in a chart of `across` columns; those outside are at its ends."""
    portion = (moment - since) / (until - since) if until > since else 0.0
    return max(0, min(across - 1, int(portion * across)))


def ceiling(values: Sequence[float | None]) -> float:
    """The lowest round value that none of `values` exceeds: a scale that stays when they change a little."""
    highest = max((value for value in values if value is not None), default=0.0)
    if highest <= 0:
        return 1.0
    power = 10.0 ** floor(log10(highest))
    return next((step * power for step in _STEPS if highest <= step * power), highest)


def _blocks(chart: Chart, upper: float, across: int, rows: int) -> list[Row]:
    [curve] = chart.curves
    eighths = [
        None if value is None else _height(value, upper, rows * 8)
        for value in _columns(curve.values, across, chart.points)
    ]
    return [
        (span("".join(_block(height, below) for height in eighths), curve.tone),)
        for below in range((rows - 1) * 8, -1, -8)
    ]


def _height(value: float, upper: float, most: int) -> int:
    return max(1, min(most, round(value / upper * most))) if value > 0 else 0


def _block(height: int | None, below: int) -> str:
    if height is None:
        return " " if below else _UNKNOWN
    return _SPARKS[min(8, height - below) - 1] if height > below else " "


def _dots(chart: Chart, upper: float, across: int, rows: int) -> list[Row]:
    """Each character holds two columns and four rows of dots."""
    bits = [[0] * across for _ in range(rows)]
    tones: list[list[Tone]] = [["dim"] * across for _ in range(rows)]
    highest = rows * 4 - 1
    for curve in reversed(chart.curves):
        before: int | None = None
        for x, value in enumerate(_columns(curve.values, across * 2, chart.points)):
            height = None if value is None else max(0, min(highest, round(value / upper * highest)))
            for y in () if height is None else _dots_between(before, height):
                at, column = rows - 1 - y // 4, x // 2
                bits[at][column] |= _BRAILLE[3 - y % 4][x % 2]
                tones[at][column] = curve.tone
            before = height
    known = [any(line[column] for line in bits) for column in range(across)]
    return [
        _joined(
            [
                span(chr(0x2800 + each), tones[at][x]) if each else span(" " if known[x] or at < rows - 1 else _UNKNOWN)
                for x, each in enumerate(line)
            ]
        )
        for at, line in enumerate(bits)
    ]


def _dots_between(before: int | None, height: int) -> range:
    """The dots of a column that join it to the one before."""
    if before is None or before == height:
        return range(height, height + 1)
    return range(before + 1, height + 1) if height > before else range(height, before)


def _joined(spans: Sequence[Span]) -> Row:
    """Neighbours of one tone as one span."""
    return tuple(span("".join(each.text for each in group), tone) for tone, group in groupby(spans, lambda s: s.tone))


def _columns(values: Values, across: int, points: int | None) -> list[float | None]:
    """A value for each column, the newest in the last, and the highest known one where several share a column."""
    count = points or len(values)
    shown = (None,) * (count - len(values)) + values[max(0, len(values) - count) :]
    if not shown:
        return [None] * across
    columns: list[float | None] = []
    for x in range(across):
        first = x * count // across
        shared = shown[first : max(first + 1, (x + 1) * count // across)]
        columns.append(max((value for value in shared if value is not None), default=None))
    return columns


def _gutter(gutter: int) -> int:
    return gutter if gutter >= _SCALE else 0


def _scale(chart: Chart, upper: float, gutter: int, *, top: bool, bottom: bool) -> Row:
    if gutter < _SCALE:
        return ()
    value = chart.unit(upper) if top else "0" if bottom else ""
    return row(
        cell(chart.name if top else "", gutter - _SCALE, "dim"),
        cell(value, _SCALE - 2, "dim", right=True),
        span(" ┤" if value else " │", "border"),
    )
