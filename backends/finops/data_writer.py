"""A spend report for programs: JSON for scripts, CSV for spreadsheets."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from backends.finops.spend_report import SAVING_PARTS, ReportLine, SpendReport
from backends.ledger.request_rows import stamp


def as_json(report: SpendReport) -> str:
    """One object on a line, in ASCII with escapes, so that it is safe wherever it lands."""
    found = json.dumps(
        {
            "since": stamp(report.since),
            "until": stamp(report.until),
            "total": _object(report.total),
            "rows": [_object(line) for line in report.rows],
        }
    )
    return f"{found}\n"


def as_csv(report: SpendReport) -> str:
    """A header, then a record for each row; the total is left to the reader's own sum."""
    flat = [
        {name: value for name, value in _object(line).items() if name != "saved_by"} | _parts(line)
        for line in report.rows
    ]
    money, tokens = ("cost_usd", "baseline_usd", "saved_usd"), ("input_tokens", "output_tokens")
    new = ("failed", "refused", "cached_input_tokens", "cached_baseline_usd")
    names = (report.by, "requests", *money, *SAVING_PARTS, *tokens, "own_cost_usd", *new)
    return csv_text(names, ([record.get(name, record["key"]) for name in names] for record in flat))


def csv_text(names: Sequence[str], records: Iterable[Sequence[Any]]) -> str:
    """CSV whose text cells no spreadsheet takes for a formula; figures stay figures."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for record in records:
        writer.writerow([_cell(value) for value in record])
    return out.getvalue()


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
        "failed": line.failed,
        "refused": line.refused,
        "cached_input_tokens": line.cached_input_tokens,
        "cached_baseline_usd": f"{line.cached_baseline_usd:f}",
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
