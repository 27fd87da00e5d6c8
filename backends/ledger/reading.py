"""The ledger for those who only look: with or without a core running, and without leaving a trace."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from backends.errors import LedgerError
from backends.ledger import schema
from backends.ledger.connection import explained, extend, read_only


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection; where there is no ledger yet, an empty one in memory.

    Raises LedgerError, also for what goes wrong with SQLite inside the block.
    """
    try:
        with contextlib.closing(_open(path)) as db:
            yield db
    except sqlite3.Error as error:
        raise explained(error, path) from None


def _open(path: Path) -> sqlite3.Connection:
    if path.exists():
        db = read_only(path)
        found, known = schema.version(db), len(schema.scripts())
        if found == known:
            return db
        db.close()
        if found > known:
            raise LedgerError(f"{path} was written by a newer claw than this one: install the newer claw")
        if found:
            raise LedgerError(
                f"{path} was written by an older claw: start this one once, it brings the file up to date"
            )
    empty = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(empty)
    extend(empty)
    return empty
