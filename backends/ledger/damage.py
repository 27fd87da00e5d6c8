"""Is the ledger's file sound? One that is not is set aside whole, never deleted and never written to again."""

import contextlib
import sqlite3
from pathlib import Path

from backends.errors import LedgerError
from backends.ledger import schema
from backends.ledger.connection import read_only

WAL_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")


def examine(path: Path) -> None:
    """Look at the file before anything writes to it; costs one pass over its pages.

    Raises LedgerError: for a damaged file, which now lies beside with the suffix `.corrupt`, and for one that a newer
    claw wrote, which is left as it is. Raises sqlite3.Error where the file cannot be opened at all.
    """
    if not path.exists() or not path.stat().st_size:
        return
    if fault := _fault(path):
        aside = set_aside(path)
        raise LedgerError(
            f"the ledger is damaged ({fault}) and was moved to {aside}: restore a backup to {path},"
            " or start again for an empty ledger, which knows nothing of earlier spend"
        )
    with contextlib.closing(read_only(path)) as db:
        found, known = schema.version(db), len(schema.scripts())
    if found > known:
        raise LedgerError(
            f"{path} has schema {found}, written by a newer claw than this one (schema {known}):"
            " install the newer claw, or set CLAW_HOME to another folder"
        )


def set_aside(path: Path) -> Path:
    """Rename the file and its companions so that SQLite's own tools still find them. Returns the new place."""
    number = 0
    while (aside := path.with_name(f"{path.name}{f'.{number}' if number else ''}.corrupt")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def _fault(path: Path) -> str | None:
    """What is wrong, in a few words. SQLite itself would take a WAL that it cannot read for an empty one."""
    with contextlib.suppress(FileNotFoundError), path.with_name(f"{path.name}-wal").open("rb") as wal:
        magic = wal.read(4)
        if magic and magic not in WAL_MAGIC:
            return "its write-ahead log is unreadable"
    try:
        with contextlib.closing(read_only(path)) as db:
            verdict = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return str(error)
        raise
    return None if verdict == "ok" else " ".join(verdict.split())
