"""`claw notify`: who is told of alerts, what waits for them, and a test message to one of them."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from backends.commands.json_output import encoded
from backends.errors import ClawError, WrongUse
from backends.finops.document import Document, paragraph, table
from backends.finops.text_writer import as_text
from backends.ledger.budget_windows import timezone_of
from backends.ledger.notification_rows import PushMessage
from backends.ledger.sqlite_connection import open_read_only
from backends.monitoring.receivers import NotDelivered, Receiver
from backends.paths import Paths
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.settings.notify import Notify
from backends.text.measures import count
from backends.text.times import moment

TEST = "this is a test: alerts of claw reach you here"


class ReceiverState(Struct, frozen=True, kw_only=True):
    """A receiver, how many messages wait for it, and when it last accepted one; None where that is not on record."""

    name: str
    kind: str
    severity: str
    quiet: str
    lacks: str
    waiting: int
    delivered_at: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", choices=("list", "test"), default="list", help="list is the default")
    parser.add_argument("name", nargs="?", metavar="NAME", help="for test: the receiver, by its name in [[notify]]")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rehearse", action="store_true", help="read the rehearsal's ledger")


def run(args: argparse.Namespace) -> int:
    paths = Paths.find(rehearsal=args.rehearse)
    settings = load(paths.config).settings
    if args.what == "test":
        return _test(settings, args.name)
    states = [_state(target, os.environ, paths.ledger) for target in settings.notify]
    if args.json:
        sys.stdout.write(encoded({"receivers": states}) + "\n")
    else:
        sys.stdout.write(as_text(_document(states)))
    return 0


def _test(settings: Settings, name: str | None) -> int:
    """Send it from here, with this shell's environment; the core is not asked."""
    names = [target.name for target in settings.notify]
    if name not in names:
        known = f"use one of {', '.join(names)}" if names else "claw.toml has no [[notify]]"
        raise WrongUse(f"`claw notify test` needs the name of a receiver: {known}")
    (target,) = (target for target in settings.notify if target.name == name)
    now = datetime.now(UTC)
    message = PushMessage(event="test", id="test", key="test", severity=target.severity, text=TEST, since=now)
    try:
        asyncio.run(Receiver(target, os.environ, timezone_of(settings.money.timezone)).send([message]))
    except NotDelivered as problem:
        raise ClawError(f"{name} has not taken the test: {problem}: look at its table of [[notify]]") from None
    print(f"{name} has taken the test")
    return 0


def _state(target: Notify, environ: Mapping[str, str], ledger: Path) -> ReceiverState:
    with open_read_only(ledger) as db:
        waiting, delivered_at = db.execute(COUNTS, (target.name,)).fetchone()
    return ReceiverState(
        name=target.name,
        kind=target.kind,
        severity=target.severity,
        quiet=target.quiet,
        lacks=Receiver(target, environ, None).lacks,
        waiting=waiting or 0,
        delivered_at=delivered_at,
    )


def _document(states: list[ReceiverState]) -> Document:
    if not states:
        return Document("", (paragraph("Nobody is told of alerts: [[notify]] in claw.toml names who is."),))
    rows = [
        (
            state.name,
            state.kind,
            f"from {state.severity} on",
            state.quiet or "none",
            count(state.waiting),
            moment(datetime.fromisoformat(state.delivered_at)) if state.delivered_at else "–",
            state.lacks,
        )
        for state in states
    ]
    return Document("", (table(("receiver", "kind", "alerts", "quiet hours", "waiting", "last told", ""), rows),))


COUNTS = "SELECT sum(delivered_at IS NULL), max(delivered_at) FROM notifications WHERE target = ?"
