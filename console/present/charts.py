"""Small charts of one line: sparklines, bars and meters."""

from collections.abc import Sequence

from console.present.spans import Row, Tone, span

_SPARKS = "▁▂▃▄▅▆▇█"


def sparkline(series: Sequence[float | None], cells: int, *, top: float | None = None) -> str:
    """The newest `cells` points, newest at the right; an unknown one is `·`. `top` is the value of a full block."""
    points = list(series[-cells:]) if cells > 0 else []
    known = [point for point in points if point is not None]
    if not known:
        return "·" * len(points)
    ceiling = max(top if top is not None else 0.0, *known) or 1.0
    last = len(_SPARKS) - 1
    return "".join(
        "·" if point is None else _SPARKS[max(0, min(last, round(point / ceiling * last)))] for point in points
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
