"""`claw budget`: what each budget has spent, reserved and left; `set` changes a limit.

A running core is asked, since it may hold rows that the ledger's file does not take; else the file is read.
"""

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime

from backends.bootstrap.connect import attach
from backends.commands.act import action_of
from backends.commands.running_core import act
from backends.core.remote import is_running
from backends.errors import ClawError, WrongUse
from backends.finops.text_writer import columns
from backends.ledger.budget_windows import timezone_of
from backends.ledger.spill import waiting_rows
from backends.ledger.sqlite_connection import open_read_only
from backends.ledger.totals_loader import load
from backends.paths import Paths
from backends.settings import loading
from backends.settings.model import Settings
from backends.settings.money import EACH, Money
from backends.text.terminal_safe import safe
from backends.text.usd import exchange_rate, in_currency
from backends.types import Action, BudgetState

FORM = "`claw budget set SCOPE WINDOW USD` is the form, as `claw budget set agent:ada day 2.50`; USD may be default"
REMEDY = "change limit_usd in claw.toml, or start one first"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=("show", "set"), default="show", help="show is the default")
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="set SCOPE WINDOW USD gives a budget another limit; default as USD, the one in claw.toml again",
    )
    parser.add_argument("--for", dest="span", metavar="TIME", help="with set: fall back after that time: 60m, 2h, 1d")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rehearse", action="store_true", help="the rehearsal's budgets")


def run(args: argparse.Namespace) -> int:
    if args.action == "set":
        acted = asyncio.run(act(_action(args.words, args.span), rehearse=args.rehearse, remedy=REMEDY))
        sys.stdout.write((json.dumps({"detail": acted.detail}) if args.json else safe(acted.detail)) + "\n")
        return 0
    if args.words:
        raise WrongUse(FORM)
    paths = Paths.find(rehearsal=args.rehearse)
    found = loading.load(paths.config).settings
    states = asyncio.run(_of_running_core(paths)) if is_running(paths) else None
    remarks: list[str] = []
    if states is None:
        states = _of_file(paths, found)
        remarks = _left_open(states, paths)
    shown = _json(states) if args.json else "\n".join((_table(states, found.money), *remarks))
    sys.stdout.write(shown + "\n")
    return 0


async def _of_running_core(paths: Paths) -> tuple[BudgetState, ...] | None:
    """None where it does not answer."""
    try:
        async with attach(str(paths.socket)) as opened:
            spend = (await opened.core.snapshot()).spend
    except ClawError:
        return None
    return spend.budgets if spend is not None else None


def _of_file(paths: Paths, settings: Settings) -> tuple[BudgetState, ...]:
    groups = {name: agent.group for name, agent in settings.agents.items() if agent.group}
    with open_read_only(paths.ledger) as db:
        timezone = timezone_of(settings.money.timezone)
        return load(db, settings.budgets, datetime.now(UTC), timezone, groups=groups).states()


def _left_open(states: tuple[BudgetState, ...], paths: Paths) -> list[str]:
    """What is to be known of reservations and rows that no core has taken in, where only the file was read."""
    if is_running(paths):
        return ["the core that runs does not answer: these are the amounts in the ledger's file"]
    lines = []
    if any(state.reserved_usd for state in states):
        lines.append(
            "no core runs: what is reserved is of calls that one left open, and counts as spent once another starts"
        )
    if rows := waiting_rows(paths.spill):
        lines.append(
            f"{rows} rows that the ledger could not take wait in {paths.spill.name}: the next start counts them"
        )
    return lines


def _action(words: list[str], span: str | None) -> Action:
    try:
        return action_of("set-budget", words, span=span)
    except WrongUse as error:
        raise WrongUse(f"{error}. {FORM}") from None


def _json(states: tuple[BudgetState, ...]) -> str:
    return json.dumps({"budgets": [_object(state) for state in states]})


def _object(state: BudgetState) -> dict[str, object]:
    """The keys that scripts know, and those that only a change, an overrun or a scope brings."""
    known: dict[str, object] = {
        "scope": state.scope,
        "window": state.window,
        "limit_usd": f"{state.limit_usd:f}",
        "spent_usd": f"{state.spent_usd:f}",
        "reserved_usd": f"{state.reserved_usd:f}",
        "left_usd": f"{state.left_usd:f}",
    }
    if state.overridden:
        before = state.settings_limit_usd
        known["settings_limit_usd"] = None if before is None else f"{before:f}"
    if state.scope in EACH:
        known |= {"members": state.members, "near": state.near, "spent_out": state.spent_out}
    if state.overrun_usd:
        known |= {"overrun_usd": f"{state.overrun_usd:f}", "overrun_by": list(state.overrun_by)}
    return known


def _table(states: tuple[BudgetState, ...], money: Money) -> str:
    if not states:
        return "no budgets are set: add a [[budgets]] table to claw.toml"
    header = ("budget", "limit", "spent", "reserved", "left", "resets", "when exceeded")
    table = columns((header, *(_row(state, money) for state in states)))
    return "\n".join((table, *_remarks(states, money)))


def _row(state: BudgetState, money: Money) -> tuple[str, ...]:
    amounts = (state.limit_usd, state.spent_usd, state.reserved_usd, state.left_usd)
    timezone = timezone_of(state.timezone or money.timezone)
    resets = f"{state.resets_at.astimezone(timezone):%Y-%m-%d %H:%M %Z}" if state.resets_at else "never"
    shown = (f"${amount:f}{in_currency(amount, money.currency, money.rate)}" for amount in amounts)
    return _name(state), *shown, resets, state.on_exceeded


def _name(state: BudgetState) -> str:
    scope = f"each {state.scope}" if state.scope in EACH else safe(state.scope)
    return f"{scope} a {state.window}" if state.resets_at else f"{scope} in total"


def _remarks(states: tuple[BudgetState, ...], money: Money) -> list[str]:
    remarks = []
    for state in states:
        if state.overridden:
            before = state.settings_limit_usd
            base = "claw.toml has no such budget" if before is None else f"claw.toml's limit is ${before:f}"
            remarks.append(f"{_name(state)}: set by an operator; {base}")
        if state.scope in EACH:
            remarks.append(
                f"{_name(state)}: the amounts are of the one that has used most; of the {state.members} charged last,"
                f" {state.near} have reached {state.alert_at:.0%} of the limit, {state.spent_out} all of it"
            )
        if state.overrun_usd:
            by = safe(", ".join(state.overrun_by))
            remarks.append(f"{_name(state)}: ${state.overrun_usd:f} over, billed by {by} beyond the caps of its calls")
    rate = exchange_rate(money.currency, money.rate, money.rate_date)
    return [*remarks, rate] if rate else remarks
