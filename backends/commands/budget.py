"""`claw budget`: what each budget of the settings has spent, reserved and left, read from the ledger's file."""

import argparse
import json
import sys
from datetime import UTC, datetime

from backends import settings
from backends.finops.rendering import columns
from backends.harmless import harmless
from backends.ledger.loading import load
from backends.ledger.reading import reading
from backends.paths import Paths
from backends.types import BudgetState


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rehearse", action="store_true", help="look at the rehearsal's ledger")


def run(args: argparse.Namespace) -> int:
    paths = Paths.find(rehearsal=args.rehearse)
    budgets = settings.load(paths.config).settings.budgets
    with reading(paths.ledger) as db:
        states = load(db, budgets, datetime.now(UTC)).states()
    sys.stdout.write((_json(states) if args.json else _table(states)) + "\n")
    return 0


def _json(states: tuple[BudgetState, ...]) -> str:
    return json.dumps(
        {
            "budgets": [
                {
                    "scope": state.scope,
                    "window": state.window,
                    "limit_usd": f"{state.limit_usd:f}",
                    "spent_usd": f"{state.spent_usd:f}",
                    "reserved_usd": f"{state.reserved_usd:f}",
                    "left_usd": f"{state.left_usd:f}",
                }
                for state in states
            ]
        }
    )


def _table(states: tuple[BudgetState, ...]) -> str:
    if not states:
        return "no budgets are set: add a [[budgets]] table to claw.toml"
    header = ("budget", "limit", "spent", "reserved", "left", "resets", "when exceeded")
    return columns((header, *(_row(state) for state in states)))


def _row(state: BudgetState) -> tuple[str, ...]:
    money = (state.limit_usd, state.spent_usd, state.reserved_usd, state.left_usd)
    resets = f"{state.resets_at.astimezone():%Y-%m-%d %H:%M %Z}" if state.resets_at else "never"
    name = f"{harmless(state.scope)} a {state.window}" if state.resets_at else f"{harmless(state.scope)} in total"
    return name, *(f"${amount:f}" for amount in money), resets, state.on_exceeded
