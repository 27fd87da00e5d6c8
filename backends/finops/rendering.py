"""A report as a table for people, as JSON for scripts, as CSV for spreadsheets."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from backends.finops.compare import Change, Comparison
from backends.finops.spend_report import ReportLine, SpendReport
from backends.ledger.request_rows import stamp
from backends.text.terminal_safe import harmless
from backends.types import BreakEven, PriceMonth, Recommendation, Review

Table = list[tuple[str, ...]]
"""Cells as text, the head first; of each row the first cell is a name, which may be foreign."""

PARTS = ("routing", "exact_cache", "semantic_cache", "provider_cache", "optimisation")


def as_json(report: SpendReport) -> str:
    """One object, in ASCII with escapes, so that it is safe wherever it lands."""
    return json.dumps(
        {
            "since": stamp(report.since),
            "until": stamp(report.until),
            "total": _object(report.total),
            "rows": [_object(line) for line in report.rows],
        }
    )


def as_csv(report: SpendReport) -> str:
    """A header, then a record for each row; the total is left to the reader's own sum."""
    flat = [
        {name: value for name, value in _object(line).items() if name != "saved_by"} | _parts(line)
        for line in report.rows
    ]
    money, tokens = ("cost_usd", "baseline_usd", "saved_usd"), ("input_tokens", "output_tokens")
    names = (report.by, "requests", *money, *PARTS, *tokens, "own_cost_usd")
    return csv_text(names, ([record.get(name, record["key"]) for name in names] for record in flat))


def csv_text(names: Sequence[str], records: Iterable[Sequence[Any]]) -> str:
    """CSV whose text cells no spreadsheet takes for a formula; figures stay figures."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for record in records:
        writer.writerow([_cell(value) for value in record])
    return out.getvalue()


def as_table(report: SpendReport) -> str:
    """Aligned columns, the total last, then where the savings come from."""
    header = (report.by, "requests", "cost", "all-cloud", "saved", "", "input", "output")
    lines = [_columns(line) for line in (*report.rows, report.total)]
    table = columns((header, *lines))
    parts = report.total.saved_by
    saved = ", ".join(
        f"{name.replace('_', ' ')} {dollars(amount)}"
        for name in PARTS
        if (amount := getattr(parts, name)) or name == "routing"
    )
    span = f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC"
    own = report.total.own_cost_usd
    machine = f"own machine, billed by nobody: {dollars(own)}\n" if own else ""
    return f"{span}\n\n{table}\n\nsaved by: {saved}\n{machine}"


def as_comparison(found: Comparison) -> str:
    """Aligned columns: what each key cost in the span before and in this one, and the change."""
    header = (found.after.by, "before", "now", "change", "")
    table = columns((header, *map(_change, (*found.rows, found.total))))
    spans = [f"{one.since:%Y-%m-%d %H:%M} to {one.until:%Y-%m-%d %H:%M}" for one in (found.before, found.after)]
    return f"{spans[0]}, then {spans[1]} UTC\n\n{table}\n"


def _change(row: Change) -> tuple[str, ...]:
    share = "" if row.share is None else f"{row.share:+.0%}"
    money = dollars(row.before.cost_usd), dollars(row.after.cost_usd), dollars(row.cost_usd)
    return harmless(row.key), *money, share


def as_review(found: Review) -> str:
    """What would save most, where the own machine breaks even, and the price of tokens, for people."""
    return "\n\n".join(
        (_recommended(found.recommendations), _break_even(found.break_even), columns(price_table(found.months)))
    )


def _recommended(found: Sequence[Recommendation]) -> str:
    """Two lines each: what it is and what it is worth a month, then the evidence and the command to try."""
    if not found:
        return "nothing was found that is worth a cent a month"
    lines = []
    for one in found:
        worth = about(one.usd_month)
        lines += [f"{worth:>10} a month  {harmless(one.title)}", f"{'':>10}          {harmless(one.evidence)}"]
        lines.append(f"{'':>10}          try: {harmless(one.command)}")
    return "what would save most\n" + "\n".join(lines)


def _break_even(found: BreakEven) -> str:
    if not found.curve:
        return f"break-even of the own machine: –, {found.note}"
    at = "never" if found.at_requests is None else f"from {found.at_requests:,} requests a month"
    head = f"break-even of the own machine: {at} (now {found.requests_month:,}); {found.note}"
    rows = [(f"{one.requests:,}", dollars(one.local_usd), dollars(one.cloud_usd)) for one in found.curve[::4]]
    return f"{head}\n" + columns((("requests", "own machine", "cloud"), *rows))


def spend_table(report: SpendReport) -> Table:
    """Its lines and their total."""
    lines = (
        (line.key, f"{line.requests:,}", dollars(line.cost_usd), dollars(line.baseline_usd), dollars(line.saved_usd))
        for line in (*report.rows, report.total)
    )
    return [(report.by, "requests", "cost", "all-cloud", "saved"), *lines]


def price_table(months: Iterable[PriceMonth]) -> Table:
    """What a token cost and how many a request took, by month."""
    lines = (
        (
            one.month,
            "–" if one.usd_per_mtok is None else dollars(one.usd_per_mtok),
            "–" if one.tokens_per_request is None else f"{one.tokens_per_request:,.0f}",
            f"{one.requests:,}",
            dollars(one.cost_usd),
        )
        for one in months
    )
    return [("month", "a million tokens", "tokens a request", "paid requests", "total"), *lines]


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def dollars(usd: Decimal) -> str:
    """For reading: to the cent from a dollar on, else to a millionth ("$12.34", "$0.000123", "-$0.010000")."""
    amount = abs(usd)
    shown = f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.6f}"
    return f"{'-' if usd < 0 else ''}${shown}"


def about(usd: Decimal | None) -> str:
    """An estimate, to the cent ("$0.42", "$1,200.00"); "–" for one that is not known."""
    return "–" if usd is None else f"${usd:,.2f}"


def _columns(line: ReportLine) -> tuple[str, ...]:
    share = f"{line.saved_usd / line.baseline_usd:.0%}" if line.baseline_usd else "–"
    return (
        harmless(line.key),
        f"{line.requests:,}",
        dollars(line.cost_usd),
        dollars(line.baseline_usd),
        dollars(line.saved_usd),
        share,
        f"{line.input_tokens:,}",
        f"{line.output_tokens:,}",
    )


def _object(line: ReportLine) -> dict[str, Any]:
    return {
        "key": line.key,
        "requests": line.requests,
        "cost_usd": f"{line.cost_usd:f}",
        "baseline_usd": f"{line.baseline_usd:f}",
        "saved_usd": f"{line.saved_usd:f}",
        "saved_by": _parts(line),
        "input_tokens": line.input_tokens,
        "output_tokens": line.output_tokens,
        "own_cost_usd": f"{line.own_cost_usd:f}",
    }


def _parts(line: ReportLine) -> dict[str, str]:
    return {name: f"{amount:f}" for name, amount in msgspec.structs.asdict(line.saved_by).items()}


def _cell(value: Any) -> Any:
    """A leading quote keeps a spreadsheet from running what a stranger named their agent."""
    if not isinstance(value, str) or not value.lstrip().startswith(("=", "+", "-", "@")):
        return value
    return value if _is_figure(value) else f"'{value}"


def _is_figure(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal()
