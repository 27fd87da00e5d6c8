"""Checks of the ledger's file: at a start its disk, its pages and its schema, and on request every row.

A damaged file is moved aside whole. It is never deleted and never written to again.
"""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from backends.errors import LedgerError
from backends.ledger import migrations
from backends.ledger.request_rows import StoredAttempt
from backends.ledger.sqlite_connection import connect_read_only
from backends.types import ZERO, Tokens

WAL_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
NETWORK_FILESYSTEMS = frozenset(
    {"afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "glusterfs", "nfs", "nfs4", "smb3", "smbfs"}
)
MOUNTS = Path("/proc/self/mounts")
LEFT_OPEN = "open although no core runs; the next start settles it"


def refuse_network_filesystem(folder: Path, mounts: Path = MOUNTS) -> None:
    """Raises LedgerError for a folder on a network file system as far as the system tells it."""
    kind = _mount_type(folder.resolve(), mounts)
    if kind in NETWORK_FILESYSTEMS:
        raise LedgerError(f"{folder} is on a network file system ({kind}): set CLAW_HOME to a folder on a local disk")


def _mount_type(folder: Path, mounts: Path) -> str | None:
    """The type of the innermost mount above `folder`; of two on one point the later one is on top."""
    try:
        table = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    kind, depth = None, 0
    for line in table.splitlines():
        _, point, found, *_ = line.split(" ")
        place = Path(re.sub(r"\\([0-7]{3})", lambda escape: chr(int(escape[1], 8)), point))
        if folder.is_relative_to(place) and len(place.parts) >= depth:
            kind, depth = found, len(place.parts)
    return kind


def check_file(path: Path) -> None:
    """Check the file before anything writes to it; reads each of its pages once.

    Raises LedgerError for a damaged file, which is moved aside with the suffix `.corrupt`, and for a file of a newer
    claw, which is left as it is. Raises sqlite3.Error where the file cannot be opened at all.
    """
    if not path.exists() or not path.stat().st_size:
        return
    if fault := _fault(path):
        aside = set_aside(path)
        raise LedgerError(
            f"the ledger is damaged ({fault}) and was moved to {aside}: restore a backup to {path},"
            " or start again for an empty one; what budgets have spent is kept apart"
        )
    with contextlib.closing(connect_read_only(path)) as db:
        found, known = migrations.version(db), len(migrations.scripts())
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
    """What is wrong, in a few words; None for a sound file. SQLite itself takes an unreadable WAL for an empty one."""
    with contextlib.suppress(FileNotFoundError), path.with_name(f"{path.name}-wal").open("rb") as wal:
        magic = wal.read(4)
        if magic and magic not in WAL_MAGIC:
            return "its write-ahead log is unreadable"
    try:
        with contextlib.closing(connect_read_only(path)) as db:
            verdict = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return str(error)
        raise
    except UnicodeDecodeError:  # SQLite's own words quote a damaged schema as it is
        return "its schema is unreadable"
    return None if verdict == "ok" else " ".join(verdict.split())


def find_faults(db: sqlite3.Connection, *, core_runs: bool) -> Iterator[str]:
    """Yield each fault as a line; nothing for a sound ledger. Reads every page and every row."""
    for row in db.execute("PRAGMA integrity_check(20)"):
        if row[0] != "ok":
            yield " ".join(str(row[0]).split())
    readable = True
    for row in db.execute("SELECT * FROM requests"):
        for fault in _row_faults(row):
            readable = False
            yield fault
    for row in db.execute(CHARGED):
        if Decimal(row["charged"]) < Decimal(row["cost_usd"]):
            yield f"request {row['id']}: budgets were charged {row['charged']}, its row costs {row['cost_usd']}"
    for row in db.execute(SESSIONS) if readable else ():
        if Decimal(row["said"]) != Decimal(row["found"]):
            yield f"session {row['session']} of {row['agent']}: {row['said']} in all, its requests cost {row['found']}"
    for row in db.execute("SELECT id FROM admissions WHERE id IN (SELECT id FROM requests)"):
        yield f"request {row['id']}: final, yet still open"
    for row in db.execute("SELECT DISTINCT id FROM reservations WHERE id NOT IN (SELECT id FROM admissions)"):
        yield f"request {row['id']}: a reservation without an open call"
    if not core_runs:
        for row in db.execute("SELECT id FROM admissions"):
            yield f"request {row['id']}: {LEFT_OPEN}"


def _row_faults(row: sqlite3.Row) -> Iterator[str]:
    try:
        attempts = msgspec.json.decode(row["attempts"], type=list[StoredAttempt])
        cost, baseline = Decimal(row["cost_usd"]), Decimal(row["baseline_usd"])
        sum_usd = sum((Decimal(attempt.cost_usd) for attempt in attempts), ZERO)
    except (msgspec.MsgspecError, InvalidOperation) as error:
        yield f"request {row['id']}: unreadable ({error.__class__.__name__})"
        return
    if cost < 0 or baseline < 0:
        yield f"request {row['id']}: an amount below zero"
    if sum_usd != cost:
        yield f"request {row['id']}: its attempts cost {sum_usd:f}, its row says {cost:f}"
    tokens = Tokens(
        input=row["input_tokens"],
        output=row["output_tokens"],
        thinking=row["thinking_tokens"],
        cached_input=row["cached_input_tokens"],
    )
    if attempts and sum((attempt.tokens for attempt in attempts), Tokens()) != tokens:
        yield f"request {row['id']}: its tokens are not the sums over its attempts"


SESSIONS = """
SELECT agent, session, sessions.cost_usd AS said, coalesce(rows.usd, '0') AS found
FROM sessions
LEFT JOIN (SELECT agent, session, usd_sum(cost_usd) AS usd FROM requests GROUP BY agent, session) AS rows
    USING (agent, session)
WHERE (SELECT rows_from FROM rollups_reach) = ''
"""
"""Sums of sessions beside their rows, as long as no row was deleted."""

CHARGED = """
SELECT requests.id, requests.cost_usd, coalesce(paid.usd, '0') AS charged
FROM requests LEFT JOIN (SELECT id, usd_sum(usd) AS usd FROM charges GROUP BY id) AS paid USING (id)
WHERE requests.cost_usd <> '0'
"""
