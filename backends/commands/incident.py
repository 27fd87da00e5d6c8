"""`claw incident`: what happened, read from the ledger's file, with or without a running core."""

import argparse
import shutil
import sqlite3
import sys
from datetime import UTC, datetime, tzinfo
from typing import Any

from backends.commands.json_output import encoded
from backends.commands.report import PAGES, parse_since
from backends.errors import WrongUse
from backends.finops.text_writer import as_text
from backends.ledger.budget_windows import timezone_of
from backends.ledger.prices import Prices
from backends.ledger.sqlite_connection import open_read_only
from backends.monitoring.incident_documents import incident_list, report_document
from backends.monitoring.incident_report import find_incident, incident_report, incidents_between, report_of
from backends.monitoring.timeline import LONGEST
from backends.paths import Paths
from backends.settings.loading import load

SINCE = {"list": "7d", "report": "24h"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="list|show|report")
    each = what.add_parser("list", help="the incidents of a span, a line each")
    _add_since(each, "list")
    one = what.add_parser("show", help="one incident with the minutes around it")
    one.add_argument("id", metavar="ID", help="its id, or the beginning of it")
    whole = what.add_parser("report", help="all that happened in a span")
    _add_since(whole, "report")
    for pages in (one, whole):
        pages.add_argument(
            "--format", choices=("text", *PAGES), default="markdown", help="text, markdown, or html (markdown)"
        )
    for words in (each, one, whole):
        words.add_argument("--json", action="store_true", help="print one JSON object")
        words.add_argument("--rehearse", action="store_true", help="read the rehearsal's ledger")


def run(args: argparse.Namespace) -> int:
    paths = Paths.find(rehearsal=args.rehearse)
    known = load(paths.config).settings
    timezone, now = timezone_of(known.money.timezone), datetime.now(UTC)
    with open_read_only(paths.ledger) as db:
        if args.what == "list":
            incidents = incidents_between(db, parse_since(args.since, now, timezone), now)
            found: object = {"incidents": incidents}
            columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
            document = incident_list(incidents, now, timezone, columns=columns)
        else:
            whole = _report(db, args, now, timezone, Prices.of(known))
            found, document = whole, report_document(whole, now, timezone)
    if args.json:
        sys.stdout.write(encoded(found) + "\n")
    else:
        write: Any = PAGES.get(getattr(args, "format", "text"), as_text)
        sys.stdout.write(write(document))
    return 0


def _report(
    db: sqlite3.Connection, args: argparse.Namespace, now: datetime, timezone: tzinfo | None, prices: Prices
) -> Any:
    if args.what == "show":
        return report_of(db, find_incident(db, args.id), now=now, prices=prices)
    since = parse_since(args.since, now, timezone)
    if not since < now:
        raise WrongUse(f"--since {args.since!r} is now: use 2h, or an earlier time")
    if now - since > LONGEST:
        raise WrongUse(f"a report has up to {LONGEST.days} days: use --since {LONGEST.days}d or less")
    return incident_report(db, since=since, until=now, prices=prices)


def _add_since(parser: argparse.ArgumentParser, what: str) -> None:
    built_in = SINCE[what]
    parser.add_argument(
        "--since", default=built_in, metavar="WHEN", help=f"30m, 12h, 7d, or a date as 2026-11-01, UTC ({built_in})"
    )
