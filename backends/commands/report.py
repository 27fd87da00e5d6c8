"""`claw report`: spend and savings over a span, read from the ledger's file, with or without a running core."""

import argparse
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from backends.errors import WrongUse
from backends.finops import focus, html_report, markdown_report, rendering
from backends.finops.compare import compare
from backends.finops.full_report import full_report
from backends.finops.review import review
from backends.finops.spend_report import KEYS, SpendReport, report
from backends.finops.time_range import parse_since
from backends.ledger.budget_windows import zone_of
from backends.ledger.currency import also, footnote
from backends.ledger.prices import Prices
from backends.ledger.sqlite_connection import open_read_only
from backends.paths import Paths
from backends.settings import model as settings
from backends.settings.money import Money

T = TypeVar("T")

TOTALS = {"table": rendering.as_table, "json": lambda found: rendering.as_json(found) + "\n", "csv": rendering.as_csv}
PAGES = {"markdown": markdown_report.as_markdown, "html": html_report.as_html}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", default="30d", metavar="WHEN", help="30d, 12h, or a date as 2026-11-01, UTC (30d)")
    parser.add_argument("--by", choices=tuple(KEYS), default="agent", help="what the rows are about (agent)")
    parser.add_argument(
        "--format",
        choices=(*TOTALS, *PAGES, "focus"),
        default="table",
        help="table, json, csv, a whole report as markdown or html, or FOCUS (table)",
    )
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--compare", action="store_true", help="beside as long a span right before it")
    instead.add_argument("--review", action="store_true", help="what would save most, break-even, prices by month")
    parser.add_argument("--rehearse", action="store_true", help="look at the rehearsal's ledger")


def run(args: argparse.Namespace) -> int:
    wanted = "json" if args.json else args.format
    if (args.compare or args.review) and wanted not in ("table", "json"):
        raise WrongUse("--compare and --review are tables or JSON: leave --format away, or use --json")
    until = datetime.now(UTC)
    paths = Paths.find(rehearsal=args.rehearse)
    known = settings.load(paths.config).settings
    prices = Prices(known.prices, discount=known.engines.cloud.discount)
    span: dict[str, Any] = {"since": parse_since(args.since, until), "until": until, "prices": prices}
    with open_read_only(paths.ledger) as db:
        sys.stdout.write(_text(db, args, wanted, span, known))
    return 0


def _text(
    db: sqlite3.Connection, args: argparse.Namespace, wanted: str, span: dict[str, Any], known: settings.Settings
) -> str:
    if args.review:
        days = max(1, (span["until"] - span["since"]).days)
        found = review(db, settings=known, prices=span["prices"], now=span["until"], days=days)
        return _either(found, rendering.as_review, wanted)
    if args.compare:
        return _either(compare(db, by=args.by, **span), rendering.as_comparison, wanted)
    if wanted == "focus":
        return focus.focus_csv(db, **span)
    if wanted in PAGES:
        return PAGES[wanted](full_report(db, settings=known, zone=zone_of(known.money.timezone), **span))
    totals = report(db, by=args.by, **span)
    return TOTALS[wanted](totals) + (_elsewhere(totals, known.money) if wanted == "table" else "")


def _elsewhere(totals: SpendReport, money: Money) -> str:
    """The total in the operator's currency, with its rate; nothing where that is the dollar."""
    if money.currency == "USD":
        return ""
    cost, saved = also(totals.total.cost_usd, money), also(totals.total.saved_usd, money)
    return f"\ntotal{cost}, saved{saved}; {footnote(money)}\n"


def _either(found: T, as_table: Callable[[T], str], wanted: str) -> str:
    return msgspec.json.encode(found).decode() + "\n" if wanted == "json" else as_table(found).rstrip() + "\n"
