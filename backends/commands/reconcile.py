"""`claw ledger reconcile FILE.csv`: a provider's bill against the ledger, and what explains the difference."""

import argparse
import json
import sys
from decimal import Decimal
from pathlib import Path

from backends.errors import WrongUse
from backends.finops.text_writer import columns
from backends.ledger.billing import LARGEST_B, Bill, read
from backends.ledger.prices import Prices
from backends.ledger.reconciliation import ReconciledDay, reconcile
from backends.ledger.sqlite_connection import open_read_only
from backends.paths import Paths
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.text.terminal_safe import safe
from backends.text.usd import usd_fine
from backends.types import ZERO


def reconciled(paths: Paths, args: argparse.Namespace) -> int:
    if args.file is None:
        raise WrongUse("`claw ledger reconcile FILE` needs the bill: download the cost table of Cloud Billing as CSV")
    found = load(paths.config).settings
    bill = read(_bytes(args.file))
    prices = Prices.of(found)
    with open_read_only(paths.ledger) as db:
        rows = reconcile(db, bill, prices, per_usd=_per_usd(bill, found))
    sys.stdout.write((_json(bill, rows) if args.json else _table(bill, rows)) + "\n")
    return 0


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file() and path.exists() and not path.is_dir():
            raise WrongUse(f"{path} is no regular file: name the CSV file of the bill")
        with path.open("rb") as file:
            return file.read(LARGEST_B + 1)
    except OSError as error:
        raise WrongUse(f"{path} cannot be read ({error.strerror}): name the CSV file of the bill") from None


def _per_usd(bill: Bill, found: Settings) -> Decimal:
    if bill.currency == "USD":
        return Decimal(1)
    if bill.currency == found.money.currency:
        return found.money.rate
    raise WrongUse(
        f"the bill is in {safe(bill.currency)[:12]}: set money.currency to it and money.rate to what a dollar was"
    )


def _json(bill: Bill, rows: tuple[ReconciledDay, ...]) -> str:
    return json.dumps(
        {
            "currency": bill.currency,
            "billed_usd": f"{sum((row.billed_usd for row in rows), ZERO):f}",
            "booked_usd": f"{sum((row.booked_usd for row in rows), ZERO):f}",
            "difference_usd": f"{sum((row.difference_usd for row in rows), ZERO):f}",
            "elsewhere": f"{bill.elsewhere:f}",
            "rows": [
                {
                    "day": row.day.isoformat(),
                    "model": row.model,
                    "billed_usd": f"{row.billed_usd:f}",
                    "booked_usd": f"{row.booked_usd:f}",
                    "difference_usd": f"{row.difference_usd:f}",
                    "calls": row.calls,
                    "estimated_calls": row.estimated_calls,
                    "reasons": [{"reason": reason, "usd": f"{amount:f}"} for reason, amount in row.reasons],
                }
                for row in rows
            ],
        }
    )


def _table(bill: Bill, rows: tuple[ReconciledDay, ...]) -> str:
    if not rows:
        return "the file has no charges for Gemini models: is it the right billing account and month?"
    header = ("day", "model", "calls", "on the bill", "in the ledger", "difference")
    lines = [header]
    for row in rows:
        usd = (usd_fine(row.billed_usd), usd_fine(row.booked_usd), usd_fine(row.difference_usd))
        lines.append((row.day.isoformat(), safe(row.model) or "–", f"{row.calls:,}", *usd))
    billed, booked = sum((row.billed_usd for row in rows), ZERO), sum((row.booked_usd for row in rows), ZERO)
    calls = sum(row.calls for row in rows)
    lines.append(("total", "", f"{calls:,}", usd_fine(billed), usd_fine(booked), usd_fine(billed - booked)))
    parts = [columns(lines), "", "days are Pacific time's, as on the bill"]
    why: dict[str, Decimal] = {}
    for row in rows:
        for reason, amount in row.reasons:
            why[reason] = why.get(reason, ZERO) + amount
    for row in rows:
        parts += [f"{row.day} {safe(row.model) or '–'}: {usd_fine(amount)} {reason}" for reason, amount in row.reasons]
    if why:
        parts += ["", *(f"in all {usd_fine(amount)}: {reason}" for reason, amount in why.items())]
    if bill.elsewhere:
        parts.append(f"{bill.elsewhere:f} {safe(bill.currency)} of the file are other services, taxes and totals")
    return "\n".join(parts)
