"""`claw report`: spend and savings over a span, read from the ledger's file, with or without a running core."""

import argparse
import re
import sqlite3
import sys
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import msgspec

from backends.commands.json_output import encoded
from backends.errors import WrongUse
from backends.finops.compare import compare
from backends.finops.data_writer import as_csv, as_json
from backends.finops.document import Document
from backends.finops.focus import focus_csv
from backends.finops.full_report import full_report
from backends.finops.html_writer import as_html
from backends.finops.markdown_writer import as_markdown
from backends.finops.report_documents import comparison_document, full_document, review_document, totals_document
from backends.finops.review import review
from backends.finops.spend_report import KEYS, SpendReport, report
from backends.finops.text_writer import as_text
from backends.ledger.budget_windows import timezone_of
from backends.ledger.prices import Prices
from backends.ledger.sqlite_connection import open_read_only
from backends.paths import Paths
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.settings.money import Money
from backends.text.usd import exchange_rate, in_currency

DATA = {"json": as_json, "csv": as_csv}
PAGES = {"markdown": as_markdown, "html": as_html}
FORMATS = ("table", *DATA, *PAGES, "focus")

FIRST = datetime(1970, 1, 1, tzinfo=UTC)
"""No ledger is older, and as long a span before it is still a date."""

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    when = "30d, 12h, or a date as 2026-11-01, in money.timezone (30d)"
    parser.add_argument("--since", default="30d", metavar="WHEN", help=when)
    parser.add_argument("--by", choices=tuple(KEYS), default="agent", help="what each row stands for (agent)")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="table, json, csv, a whole report as markdown or html, or FOCUS (table)",
    )
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--compare", action="store_true", help="compare with the span of equal length before it")
    instead.add_argument(
        "--review", action="store_true", help="show what would save most, break-even and prices by month"
    )
    parser.add_argument("--rehearse", action="store_true", help="read the rehearsal's ledger")


def run(args: argparse.Namespace) -> int:
    wanted = "json" if args.json else args.format
    if (args.compare or args.review) and wanted not in ("table", "json"):
        raise WrongUse("--compare and --review are tables or JSON: leave --format away, or use --json")
    until = datetime.now(UTC)
    paths = Paths.find(rehearsal=args.rehearse)
    known = load(paths.config).settings
    prices = Prices.of(known)
    timezone = timezone_of(known.money.timezone)
    span: dict[str, Any] = {"since": parse_since(args.since, until, timezone), "until": until, "prices": prices}
    with open_read_only(paths.ledger) as db:
        sys.stdout.write(_text(db, args, wanted, span, known))
    return 0


def _text(db: sqlite3.Connection, args: argparse.Namespace, wanted: str, span: dict[str, Any], known: Settings) -> str:
    if args.review:
        days = max(1, (span["until"] - span["since"]).days)
        found = review(db, settings=known, prices=span["prices"], now=span["until"], days=days)
        return _either(found, review_document(found), wanted)
    timezone = timezone_of(known.money.timezone)
    if args.compare:
        comparison = compare(db, by=args.by, timezone=timezone, **span)
        return _either(comparison, comparison_document(comparison), wanted)
    if wanted == "focus":
        return focus_csv(db, **span)
    if wanted in PAGES:
        return PAGES[wanted](full_document(full_report(db, settings=known, timezone=timezone, **span)))
    totals = report(db, by=args.by, timezone=timezone, **span)
    if wanted in DATA:
        return DATA[wanted](totals)
    return as_text(totals_document(totals, *_in_currency(totals, known.money)))


def _in_currency(totals: SpendReport, money: Money) -> tuple[str, ...]:
    """The total in the operator's currency, with its rate; nothing where that is the dollar."""
    if money.currency == "USD":
        return ()
    total = totals.total
    cost, saved = (in_currency(amount, money.currency, money.rate) for amount in (total.cost_usd, total.saved_usd))
    return (f"total{cost}, saved{saved}; {exchange_rate(money.currency, money.rate, money.rate_date)}",)


def _either(found: msgspec.Struct, document: Document, wanted: str) -> str:
    return encoded(found) + "\n" if wanted == "json" else as_text(document)


def parse_since(text: str, now: datetime, timezone: tzinfo | None = UTC) -> datetime:
    """The moment that `text` means, UTC; a date without an offset is one of `timezone`, None is the machine's own.

    Raises WrongUse for what is no span or date, or lies in the future.
    """
    try:
        if span := re.fullmatch(r"([0-9]{1,6})([mhdw])", text.strip()):
            return max(FIRST, now - timedelta(**{UNITS[span[2]]: int(span[1])}))
        moment = datetime.fromisoformat(text.strip())
        moment = (moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongUse(f"--since {text!r} is not a time: use 30d, 12h, or a date as 2026-11-01") from None
    if moment > now:
        raise WrongUse(f"--since {text!r} lies in the future: use 30d, 12h, or an earlier date")
    return max(FIRST, moment)
