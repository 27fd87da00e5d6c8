"""A document as one HTML page that loads nothing: no script, style sheet, font or picture."""

from collections.abc import Sequence
from html import escape
from math import log10

from backends.finops.document import (
    Block,
    BreakEvenCurve,
    Bullets,
    DailySpend,
    DataTable,
    Document,
    Inline,
    Recommendations,
    SectionHeading,
    Strong,
    TextParagraph,
    TimeChart,
)
from backends.text.terminal_safe import safe
from backends.text.usd import usd_cents, usd_fine
from backends.types import Recommendation

WIDTH, HEIGHT = 720, 180
LOW = 72  # the height of a chart over time, of which a page has several
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:760px;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%}td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #e3e6ea}
td:first-child,th:first-child{text-align:left}tr:last-child td{font-weight:600}code{background:#f2f4f6;padding:0 .3rem}
svg{width:100%;height:auto}.cloud{fill:#3b6fd4}.saved{fill:#c9d6ee}.axis{stroke:#8a929c}.incident{fill:#f3d9d4}
figure{margin:1rem 0}.unknown{fill:#8a929c;fill-opacity:.15}text{font-size:11px;fill:#59626d}
@media(prefers-color-scheme:dark){body{color:#d7dce2;background:#15181c}td,th{border-color:#2b3138}code{background:#22272d}
.saved{fill:#2b3a57}.incident{fill:#4a2a28}text{fill:#9aa4af}}
"""


def as_html(document: Document) -> str:
    title = _text(document.title)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    body = "".join((f"<h1>{title}</h1>", *map(_block, document.blocks)))
    page = f"<head>{head}{policy}<style>{STYLE}</style></head><body>{body}</body>"
    return f"<!doctype html>\n<html lang=en>{page}</html>\n"


def _block(block: Block) -> str:  # noqa: PLR0911 — one arm for each block
    match block:
        case SectionHeading(text=text):
            return f"<h2>{_text(text)}</h2>"
        case TextParagraph(parts=parts):
            return f"<p>{_inline(parts)}</p>"
        case Bullets(items=items):
            return f"<ul>{''.join(f'<li>{_inline(item)}</li>' for item in items)}</ul>"
        case DataTable():
            return _table(block)
        case Recommendations(items=items):
            return f"<ol>{''.join(f'<li>{_recommended(one)}</li>' for one in items)}</ol>"
        case DailySpend():
            return _daily_bars(block)
        case BreakEvenCurve():
            return _curve(block)
        case TimeChart():
            return _time_chart(block)


def _table(table: DataTable) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in cells) + "</tr>"

    return f"<table>{line(table.head, 'th')}{''.join(line(row, 'td') for row in table.rows)}</table>"


def _recommended(one: Recommendation) -> str:
    head = f"<b>{_text(one.title)}</b>: {usd_cents(one.usd_month)} a month"
    return f"{head}; {_text(one.evidence)}. Try <code>{_text(one.command)}</code>"


def _daily_bars(found: DailySpend) -> str:
    """What was paid, and above it what all-cloud would have added."""
    days = found.days
    most = float(max(max(day.baseline_usd, day.cost_usd) for day in days)) or 1.0
    step = WIDTH / len(days)
    bars = []
    for place, day in enumerate(days):
        cost, whole = (float(usd) / most * HEIGHT for usd in (day.cost_usd, max(day.baseline_usd, day.cost_usd)))
        tip = f"<title>{_text(day.key)}: {usd_fine(day.cost_usd)}, all-cloud {usd_fine(day.baseline_usd)}</title>"
        box = f'x="{place * step + 1:.1f}" width="{max(1.0, step - 2):.1f}"'
        bars.append(
            f'<g>{tip}<rect class="saved" {box} y="{HEIGHT - whole:.1f}" height="{whole - cost:.1f}"/>'
            f'<rect class="cloud" {box} y="{HEIGHT - cost:.1f}" height="{cost:.1f}"/></g>'
        )
    last = f"{days[-1].key}, at most {usd_fine(max(day.cost_usd for day in days))} a day"
    return _chart("".join(bars), days[0].key, last)


def _curve(found: BreakEvenCurve) -> str:
    """Both axes are logarithmic."""
    points = found.points
    top = float(max(max(point.local_usd, point.cloud_usd) for point in points)) or 1.0
    first, last = log10(points[0].requests), log10(points[-1].requests)

    def line(which: str, style: str) -> str:
        spots = " ".join(
            f"{(log10(point.requests) - first) / (last - first) * WIDTH:.1f},"
            f"{HEIGHT - log10(1 + float(getattr(point, which))) / log10(1 + top) * HEIGHT:.1f}"
            for point in points
        )
        return f'<polyline points="{spots}" fill="none" stroke="{style}" stroke-width="2"/>'

    lines = line("local_usd", "#2f9e62") + line("cloud_usd", "#3b6fd4")
    return _chart(
        lines,
        f"{points[0].requests:,} requests a month; own machine green, cloud blue",
        f"{points[-1].requests:,}; both axes are logarithmic",
    )


def _time_chart(found: TimeChart) -> str:
    """A bar for each step on a scale from 0; steps with an incident, and those of which nothing is on record, have a
    ground of their own.
    """
    steps = max(1, len(found.values))
    wide = WIDTH / steps
    top = max((value for value in found.values if value is not None), default=0.0) or 1.0
    bars = [
        f'<rect class="incident" x="{place * wide:.1f}" y="0" width="{wide:.1f}" height="{LOW}"/>'
        for place, marked in enumerate(found.marks)
        if marked
    ]
    for place, value in enumerate(found.values):
        if value is None:
            bars.append(f'<rect class="unknown" x="{place * wide:.1f}" y="0" width="{wide:.1f}" height="{LOW}"/>')
        elif value:
            tall = max(1.0, value / top * LOW)
            box = f'x="{place * wide:.1f}" y="{LOW - tall:.1f}" width="{max(0.5, wide - 0.5):.1f}"'
            bars.append(f'<rect class="cloud" {box} height="{tall:.1f}"/>')
    bars.append(f'<line class="axis" x1="0" x2="{WIDTH}" y1="{LOW}" y2="{LOW}"/>')
    for share, text in found.ticks:
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        bars.append(f'<text x="{share * WIDTH:.1f}" y="{LOW + 14}" text-anchor="{anchor}">{_text(text)}</text>')
    known = any(value is not None for value in found.values)
    scale = f"{found.title}: 0 to {found.figure}" + ("" if known else "; nothing is on record")
    drawing = "".join(bars)
    return (
        f"<figure><figcaption>{_text(scale)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {LOW + 20}" role="img" aria-label="{_text(scale)}">{drawing}</svg></figure>'
    )


def _chart(drawing: str, left: str, right: str) -> str:
    """A drawing with words under its two ends."""
    y = HEIGHT + 14
    words = f'<text x="0" y="{y}">{_text(left)}</text><text x="{WIDTH}" y="{y}" text-anchor="end">{_text(right)}</text>'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 20}" role="img">{drawing}{words}</svg>'


def _inline(parts: Sequence[Inline]) -> str:
    return "".join(f"<b>{_text(part.text)}</b>" if isinstance(part, Strong) else _text(part) for part in parts)


def _text(foreign: str) -> str:
    return escape(safe(foreign))
