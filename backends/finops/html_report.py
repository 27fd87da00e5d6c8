"""A full report as one HTML page that loads nothing: no script, style sheet, font or picture."""

from collections.abc import Sequence
from html import escape
from math import log10

from backends.finops.full_report import FullReport
from backends.finops.rendering import PARTS, Table, about, dollars, price_table, spend_table
from backends.finops.spend_report import ReportLine
from backends.text.terminal_safe import harmless
from backends.types import BreakEven, Recommendation

WIDTH, HEIGHT = 720, 180
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:760px;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%}td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #e3e6ea}
td:first-child,th:first-child{text-align:left}tr:last-child td{font-weight:600}code{background:#f2f4f6;padding:0 .3rem}
svg{width:100%;height:auto}.cloud{fill:#3b6fd4}.saved{fill:#c9d6ee}.axis{stroke:#8a929c}text{font-size:11px;fill:#59626d}
@media(prefers-color-scheme:dark){body{color:#d7dce2;background:#15181c}td,th{border-color:#2b3138}code{background:#22272d}
.saved{fill:#2b3a57}text{fill:#9aa4af}}
"""


def as_html(found: FullReport) -> str:
    report = found.by_agent
    tables = [one for one in (report, found.by_model, found.by_intent, found.by_tag) if one is not None]
    title = f"Spend, {report.since:%Y-%m-%d} to {report.until:%Y-%m-%d} (UTC)"
    body = [
        f"<h1>{title}</h1>",
        _summary(found),
        "<h2>What would save most</h2>",
        _recommendations(found.review.recommendations),
        "<h2>By day</h2>",
        _days(found.by_day.rows),
        *(part for one in tables for part in (f"<h2>By {one.by}</h2>", _table(spend_table(one)))),
        "<h2>Break-even of the own machine</h2>",
        _break_even(found.review.break_even),
        "<h2>Price of a token, tokens of a request</h2>",
        _table(price_table(found.review.months)),
    ]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    page = f"<head>{head}{policy}<style>{STYLE}</style></head><body>{''.join(body)}</body>"
    return f"<!doctype html>\n<html lang=en>{page}</html>\n"


def _summary(found: FullReport) -> str:
    total = found.by_agent.total
    share = f" ({total.saved_usd / total.baseline_usd:.0%} of all-cloud)" if total.baseline_usd else ""
    parts = ", ".join(f"{name.replace('_', ' ')} {dollars(getattr(total.saved_by, name))}" for name in PARTS)
    text = (
        f"<p>{total.requests:,} requests cost <b>{dollars(total.cost_usd)}</b>; all-cloud"
        f" {dollars(total.baseline_usd)}. Saved {dollars(total.saved_usd)}{share}: {parts}.</p>"
    )
    if said := found.forecast:
        text += (
            f"<p>The month ends at about <b>{about(said.month_end_usd)}</b> ({about(said.low_usd)} to"
            f" {about(said.high_usd)} nine times in ten).</p>"
        )
    return text


def _recommendations(found: Sequence[Recommendation]) -> str:
    if not found:
        return "<p>Nothing was found that is worth a cent a month.</p>"
    items = (
        f"<li><b>{_text(one.title)}</b>: {about(one.usd_month)} a month."
        f" {_text(one.evidence)}. Try <code>{_text(one.command)}</code></li>"
        for one in found
    )
    return f"<ol>{''.join(items)}</ol>"


def _table(table: Table) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in cells) + "</tr>"

    head, *rows = table
    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


def _days(lines: Sequence[ReportLine]) -> str:
    """A bar a day: what was paid, and above it what all-cloud would have added."""
    if not lines:
        return "<p>No requests.</p>"
    most = float(max(max(line.baseline_usd, line.cost_usd) for line in lines)) or 1.0
    step = WIDTH / len(lines)
    bars = []
    for place, line in enumerate(lines):
        cost, whole = (float(usd) / most * HEIGHT for usd in (line.cost_usd, max(line.baseline_usd, line.cost_usd)))
        tip = f"<title>{_text(line.key)}: {dollars(line.cost_usd)}, all-cloud {dollars(line.baseline_usd)}</title>"
        box = f'x="{place * step + 1:.1f}" width="{max(1.0, step - 2):.1f}"'
        bars.append(
            f'<g>{tip}<rect class="saved" {box} y="{HEIGHT - whole:.1f}" height="{whole - cost:.1f}"/>'
            f'<rect class="cloud" {box} y="{HEIGHT - cost:.1f}" height="{cost:.1f}"/></g>'
        )
    top = f"{lines[-1].key}, at most {dollars(max(line.cost_usd for line in lines))} a day"
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 20}" role="img">{"".join(bars)}{_ends(lines[0].key, top)}</svg>'


def _break_even(found: BreakEven) -> str:
    if not found.curve:
        return f"<p>{_text(found.note)}.</p>"
    at = "never" if found.at_requests is None else f"from {found.at_requests:,} requests a month"
    top = float(max(max(point.local_usd, point.cloud_usd) for point in found.curve)) or 1.0
    first, last = log10(found.curve[0].requests), log10(found.curve[-1].requests)

    def line(which: str, style: str) -> str:
        spots = " ".join(
            f"{(log10(point.requests) - first) / (last - first) * WIDTH:.1f},"
            f"{HEIGHT - log10(1 + float(getattr(point, which))) / log10(1 + top) * HEIGHT:.1f}"
            for point in found.curve
        )
        return f'<polyline points="{spots}" fill="none" stroke="{style}" stroke-width="2"/>'

    labels = _ends("1,000 requests a month", "10 million; both axes are logarithmic")
    chart = line("local_usd", "#2f9e62") + line("cloud_usd", "#3b6fd4") + labels
    return (
        f"<p>The own machine (green) is cheaper than the cloud (blue) {at}; now {found.requests_month:,}."
        f' {_text(found.note)}.</p><svg viewBox="0 0 {WIDTH} {HEIGHT + 20}" role="img">{chart}</svg>'
    )


def _ends(left: str, right: str) -> str:
    """Words under both ends of a chart."""
    y = HEIGHT + 14
    return f'<text x="0" y="{y}">{_text(left)}</text><text x="{WIDTH}" y="{y}" text-anchor="end">{_text(right)}</text>'


def _text(foreign: str) -> str:
    return escape(harmless(foreign))
