"""`claw report`: spend and savings over a span, read from the ledger's file, with or without a running core."""

import argparse
import sys
from datetime import UTC, datetime

from backends import settings
from backends.finops import focus, rendering
from backends.finops.report import KEYS, report
from backends.finops.since import since
from backends.ledger.prices import Prices
from backends.ledger.reading import reading
from backends.paths import Paths

FORMATS = {"table": rendering.as_table, "json": lambda found: rendering.as_json(found) + "\n", "csv": rendering.as_csv}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", default="30d", metavar="WHEN", help="30d, 12h, or a date as 2026-11-01, UTC (30d)")
    parser.add_argument("--by", choices=tuple(KEYS), default="agent", help="what the rows are about (agent)")
    parser.add_argument(
        "--format", choices=(*FORMATS, "focus"), default="table", help="table, json, csv or FOCUS (table)"
    )
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument("--rehearse", action="store_true", help="look at the rehearsal's ledger")


def run(args: argparse.Namespace) -> int:
    until = datetime.now(UTC)
    start = since(args.since, until)
    paths = Paths.find(rehearsal=args.rehearse)
    prices = Prices(settings.load(paths.config).settings.prices)
    wanted = "json" if args.json else args.format
    with reading(paths.ledger) as db:
        if wanted == "focus":
            text = focus.focus_csv(db, since=start, until=until, prices=prices)
        else:
            text = FORMATS[wanted](report(db, since=start, until=until, by=args.by, prices=prices))
    sys.stdout.write(text)
    return 0
