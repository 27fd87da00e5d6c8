"""Ledgers in memory, for what only reads them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from backends.ledger import migrations
from backends.ledger.running_totals import RunningTotals
from backends.ledger.sqlite_connection import extend
from backends.ledger.write_commands import Settle
from backends.ledger.writer import commit
from backends.types import Outcome

LATER = datetime(2027, 1, 1, tzinfo=UTC)


@contextmanager
def opened() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrations.migrate(db)
        extend(db)
        yield db


@contextmanager
def filled(*outcomes: Outcome) -> Iterator[sqlite3.Connection]:
    """With the final rows of `outcomes`."""
    with opened() as db:
        commands = [Settle(outcome=each, charged_usd=each.cost_usd) for each in outcomes]
        assert commit(db, RunningTotals([], LATER, UTC), commands) == [None] * len(commands)
        yield db
