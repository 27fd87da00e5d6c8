"""The same report for people, scripts and spreadsheets."""

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from backends.finops.data_writer import as_csv, as_json
from backends.finops.report_documents import MOST_ROWS, totals_document
from backends.finops.spend_report import ReportLine, SpendReport
from backends.finops.text_writer import as_text, columns
from backends.text.usd import usd_fine
from backends.types import SavedBy
from tests.backends.ledger.samples import AT

D = Decimal


def of(*rows: ReportLine) -> SpendReport:
    return SpendReport(
        since=AT - timedelta(days=30), until=AT, by="agent", total=sum(rows, ReportLine(key="total")), rows=rows
    )


def line(key: str, cost: str = "0.5", baseline: str = "2", **parts: Decimal) -> ReportLine:
    saved_by = SavedBy(**parts) if parts else SavedBy(routing=D(baseline) - D(cost))
    return ReportLine(
        key=key,
        requests=3,
        cost_usd=D(cost),
        baseline_usd=D(baseline),
        cached_baseline_usd=D(baseline),
        saved_by=saved_by,
        input_tokens=1200,
        output_tokens=34,
    )


def test_json_has_the_contracts_shape() -> None:
    found = json.loads(as_json(of(line("ada", "0.0000001"))))
    assert list(found) == ["since", "until", "total", "rows"]
    assert found["until"] == "2026-01-15T12:00:00.000000Z"
    assert found["rows"] == [
        {
            "key": "ada",
            "requests": 3,
            "cost_usd": "0.0000001",
            "baseline_usd": "2",
            "saved_usd": "1.9999999",
            "saved_by": {
                "routing": "1.9999999",
                "exact_cache": "0",
                "semantic_cache": "0",
                "provider_cache": "0",
                "optimisation": "0",
            },
            "input_tokens": 1200,
            "output_tokens": 34,
            "own_cost_usd": "0",
            "failed": 0,
            "refused": 0,
            "cached_input_tokens": 0,
            "cached_baseline_usd": "2",
        }
    ]
    assert found["total"]["key"] == "total"


@pytest.mark.proves("S34")
def test_json_is_ascii_whatever_an_agent_is_called() -> None:
    assert as_json(of(line("\x1b[2J\x9b\u202eäda"))).isascii()
    assert "\x1b" not in as_json(of(line("\x1b[2J")))


@pytest.mark.parametrize("name", ["=1+1", "+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", " =1"])
@pytest.mark.proves("S34")
def test_no_cell_is_a_formula(name: str) -> None:
    record = next(csv.DictReader(io.StringIO(as_csv(of(line(name))))))
    assert record["agent"] == f"'{name}"


def test_figures_in_csv_stay_figures() -> None:
    records = list(csv.DictReader(io.StringIO(as_csv(of(line("ada", "2", "0.5"), line("-7"))))))
    assert records[0]["saved_usd"] == "-1.5" == records[0]["routing"]
    assert records[0]["cost_usd"] == "2"
    assert list(records[0])[:2] == ["agent", "requests"]


@pytest.mark.proves("S34")
def test_the_table_is_aligned_and_harmless() -> None:
    table = as_text(totals_document(of(line("ada"), line("sc\x1b[31mout\n", "0", "0", exact_cache=D(0)))))
    assert "\x1b" not in table
    rows = table.splitlines()
    assert rows[0] == "2025-12-16 12:00 to 2026-01-15 12:00 UTC"
    assert rows[2].split()[:7] == ["agent", "requests", "failed", "refused", "cost", "all-cloud", "saved"]
    assert rows[2].split()[7:] == ["input", "cached", "output"]
    assert rows[3].split() == ["ada", "3", "0", "0", "$0.500000", "$2.00", "$1.50", "75%", "1,200", "0%", "34"]
    assert rows[4].split()[-4] == "–"
    assert len({len(row) for row in rows[2:6]}) == 1
    assert rows[-1] == "saved by: routing $1.50"


def test_what_the_own_machine_costs_is_told_apart() -> None:
    own = replace(line("ada"), own_cost_usd=D("0.25"))
    assert as_text(totals_document(of(own))).splitlines()[-1] == "own machine, not billed: $0.250000"
    record = next(csv.DictReader(io.StringIO(as_csv(of(own)))))
    assert (record["own_cost_usd"], record["cost_usd"]) == ("0.25", "0.5")


@pytest.mark.parametrize(
    ("usd", "shown"),
    [("0", "$0.00"), ("1234.567", "$1,234.57"), ("0.000123", "$0.000123"), ("-0.5", "-$0.500000"), ("-2", "-$2.00")],
)
def test_usd_fine(usd: str, shown: str) -> None:
    assert usd_fine(D(usd)) == shown


def test_columns() -> None:
    assert columns([("a", "1"), ("long", "234")]) == "a       1\nlong  234"


def test_a_table_of_sessions_is_short_and_says_what_a_cloud_with_its_prefix_cache_would_have_cost() -> None:
    many = [replace(line(f"ada/{number}"), cached_baseline_usd=D("0.75")) for number in range(MOST_ROWS + 20)]
    text = as_text(totals_document(replace(of(*many), by="session"))).splitlines()
    assert sum(row.startswith("ada/") for row in text) == MOST_ROWS
    assert "20 more, each no dearer than these; --format csv has them all" in text
    assert "against the cloud alone with its prefix cache, $52.50: saved $17.50 (33%)" in text
    assert text[-1] == "thinking that was left out is not counted as saved"
