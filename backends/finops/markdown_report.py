"""A full report as Markdown: readable as it is, and in any viewer; charts are bars of characters."""

from collections.abc import Sequence
from decimal import Decimal

from backends.finops.full_report import FullReport
from backends.finops.rendering import PARTS, Table, about, dollars, price_table, spend_table
from backends.finops.spend_report import ReportLine
from backends.text.terminal_safe import harmless
from backends.types import BreakEven, Recommendation

BAR = 30  # characters of the longest bar
SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_[]<>|#"})


def as_markdown(found: FullReport) -> str:
    report = found.by_agent
    parts = [
        f"# Spend, {report.since:%Y-%m-%d} to {report.until:%Y-%m-%d} (UTC)",
        _summary(found),
        "## What would save most",
        _recommendations(found.review.recommendations),
        "## By agent",
        _table(spend_table(report)),
        "## By model",
        _table(spend_table(found.by_model)),
        "## By intent",
        _table(spend_table(found.by_intent)),
        *(() if found.by_tag is None else ("## By tag", _table(spend_table(found.by_tag)))),
        "## By day",
        _bars(found.by_day.rows),
        "## Break-even of the own machine",
        _break_even(found.review.break_even),
        "## Price of a token, tokens of a request",
        _table(price_table(found.review.months)),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(found: FullReport) -> str:
    total = found.by_agent.total
    share = f" ({total.saved_usd / total.baseline_usd:.0%} of all-cloud)" if total.baseline_usd else ""
    lines = [
        f"- {total.requests:,} requests cost **{dollars(total.cost_usd)}**; all-cloud {dollars(total.baseline_usd)}",
        f"- saved {dollars(total.saved_usd)}{share}: "
        + ", ".join(f"{name.replace('_', ' ')} {dollars(getattr(total.saved_by, name))}" for name in PARTS),
    ]
    if said := found.forecast:
        ends = f"{about(said.low_usd)} to {about(said.high_usd)}"
        lines.append(f"- the month ends at about {about(said.month_end_usd)} ({ends} nine times in ten)")
    return "\n".join(lines)


def _recommendations(found: Sequence[Recommendation]) -> str:
    if not found:
        return "Nothing was found that is worth a cent a month."
    return "\n".join(
        f"{place}. **{_text(one.title)}**: {about(one.usd_month)} a month. "
        f"{_text(one.evidence)}. Try `{_code(one.command)}`"
        for place, one in enumerate(found, start=1)
    )


def _table(table: Table) -> str:
    head, *rows = table
    return "\n".join(
        [
            f"| {' | '.join(head)} |",
            f"| --- |{' --: |' * (len(head) - 1)}",
            *(f"| {' | '.join((_text(name), *cells))} |" for name, *cells in rows),
        ]
    )


def _bars(lines: Sequence[ReportLine]) -> str:
    if not lines:
        return "No requests."
    most = max(line.cost_usd for line in lines) or Decimal(1)
    rows = [f"{line.key}  {'█' * round(line.cost_usd / most * BAR):<{BAR}}  {dollars(line.cost_usd)}" for line in lines]
    return "\n".join(["```", *rows, "```"])


def _break_even(found: BreakEven) -> str:
    if not found.curve:
        return f"{found.note[:1].upper()}{found.note[1:]}."
    at = "never" if found.at_requests is None else f"from {found.at_requests:,} requests a month"
    rows = [
        f"| {point.requests:,} | {about(point.local_usd)} | {about(point.cloud_usd)} |" for point in found.curve[::4]
    ]
    head = ["| requests a month | own machine | cloud |", "| --: | --: | --: |"]
    return "\n".join([f"Cheaper {at}; now {found.requests_month:,}. {found.note}.", "", *head, *rows])


def _text(foreign: str) -> str:
    """Names are foreign: no markup of theirs, no control character."""
    return harmless(foreign).translate(SPECIAL)


def _code(command: str) -> str:
    """Inside backticks, which it cannot leave."""
    return harmless(command).replace("`", "'")
