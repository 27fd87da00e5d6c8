"""What `claw doctor` checks of the core that runs here and of its ledger: standing alerts, whether rows can be written,
and whether the clock has gone back behind the last row.
"""

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backends.bootstrap.connect import attach
from backends.core.remote import is_running
from backends.errors import ClawError
from backends.ledger.request_rows import moment
from backends.ledger.spill import waiting_rows
from backends.ledger.sqlite_connection import connect_read_only, wal_bytes
from backends.paths import Paths
from backends.types import Check, Snapshot

LOCK_S = 1.0
CLOCK_BACK = timedelta(seconds=60)
"""How far the last row may lie ahead of the clock."""


async def check_ledger(paths: Paths) -> tuple[Check, ...]:
    """The core, its ledger, and the clock behind it. Never raises for what it finds."""
    running = await asyncio.to_thread(is_running, paths)
    snapshot = await _snapshot(paths) if running else None
    found = () if not running else (_core(snapshot),)
    return *found, *await asyncio.to_thread(_file, paths, snapshot)


async def _snapshot(paths: Paths) -> Snapshot | None:
    try:
        async with attach(str(paths.socket)) as opened:
            return await opened.core.snapshot()
    except ClawError:
        return None


def _core(snapshot: Snapshot | None) -> Check:
    if snapshot is None:
        return Check(name="core", ok=False, detail="one runs and does not answer", remedy="see `claw status`")
    critical = [alert.text for alert in snapshot.alerts if alert.severity == "critical"]
    if critical:
        more = f" (and {len(critical) - 1} more)" if len(critical) > 1 else ""
        return Check(name="core", ok=False, detail=f"{critical[0]}{more}", remedy="see `claw incident list`")
    standing = len(snapshot.alerts)
    warnings = f", {standing} warning{' stands' if standing == 1 else 's stand'}" if standing else ""
    return Check(name="core", ok=True, detail=f"runs since {snapshot.started_at:%Y-%m-%d %H:%M} UTC{warnings}")


def _file(paths: Paths, snapshot: Snapshot | None) -> tuple[Check, ...]:
    if not paths.ledger.exists():
        return (Check(name="ledger", ok=True, detail=f"none yet; the first start creates {paths.ledger}"),)
    size, wal = paths.ledger.stat().st_size / 1e6, wal_bytes(paths.ledger) / 1e6
    detail = f"{size:.1f} MB, WAL {wal:.1f} MB" + (", in use by a running core" if snapshot else "")
    problem = _of_core(snapshot) if snapshot is not None else _of_file(paths)
    if problem:
        remedy = "free the disk, mend its rights, or close what has locked it; `claw ledger verify` looks at every row"
        return (Check(name="ledger", ok=False, detail=problem, remedy=remedy),)
    return Check(name="ledger", ok=True, detail=detail), *_clock(paths.ledger)


def _of_core(snapshot: Snapshot) -> str:
    ledger = snapshot.ledger
    return "" if ledger.status == "ok" else f"{ledger.status}: {ledger.detail}"


def _of_file(paths: Paths) -> str:
    """Why no core could write to it, or what waits to be taken in; "" where all is well. No core runs meanwhile."""
    if rows := waiting_rows(paths.spill):
        return f"{rows} rows wait in {paths.spill.name}: the next start takes them in"
    try:
        with contextlib.closing(_connect(paths.ledger)) as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
    except sqlite3.Error as error:
        return f"it cannot be written ({error})"
    except UnicodeDecodeError:  # SQLite's own words quote a damaged schema as it is
        return "its schema is unreadable"
    return ""


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=LOCK_S, isolation_level=None)


def _clock(path: Path) -> tuple[Check, ...]:
    """A fault where rows lie ahead of the clock: it was wrong before, or is now."""
    try:
        with contextlib.closing(connect_read_only(path)) as db:
            last = db.execute("SELECT max(charged_at) FROM requests").fetchone()[0]
    except (sqlite3.Error, UnicodeDecodeError):
        return ()
    ahead = moment(last) - datetime.now(UTC) if last else timedelta()
    if ahead <= CLOCK_BACK:
        return ()
    detail = f"jumped: the ledger's last row is {_words(ahead)} ahead of it"
    remedy = "set the clock (`timedatectl set-ntp true`); budgets stand still until it has caught up"
    return (Check(name="clock", ok=False, detail=detail, remedy=remedy),)


def _words(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
