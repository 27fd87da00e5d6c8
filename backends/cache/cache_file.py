"""The cache's file: opened privately, and begun anew where it cannot be read.

A cache is no ledger: a corrupt file is set aside as `cache.db.corrupt` with a line in the log, one that another version
wrote is removed, and nobody waits for either.
"""

import logging
import os
import sqlite3
from pathlib import Path

from backends.paths import open_private

log = logging.getLogger(__name__)

VERSION = 2
WAL_LIMIT = 4 * 1024 * 1024  # bytes that stay allocated after a checkpoint
BUSY_S = 0.25  # longest wait for another process's lock; a request waits behind it

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    partition BLOB NOT NULL,
    agent TEXT NOT NULL,
    stored_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    used_at REAL NOT NULL,
    hits INTEGER NOT NULL,
    size INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_by_use ON entries (hits > 0, used_at, size);
CREATE INDEX IF NOT EXISTS entries_by_agent ON entries (agent);
CREATE TABLE IF NOT EXISTS vectors (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    partition BLOB NOT NULL,
    vector BLOB NOT NULL,
    read INTEGER NOT NULL
);
CREATE TRIGGER IF NOT EXISTS vectors_go_with_entries AFTER DELETE ON entries BEGIN
    DELETE FROM vectors WHERE id = old.id;
END;
CREATE TABLE IF NOT EXISTS verdicts (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    at REAL NOT NULL,
    score REAL,
    right INTEGER NOT NULL,
    by TEXT NOT NULL,
    request TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS verdicts_by_key ON verdicts (key);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class OtherVersion(sqlite3.DatabaseError):
    """A sound file of another shape. Its answers are made again sooner than they would be moved."""


def open_file(path: Path) -> sqlite3.Connection:
    """A connection to the cache at `path`. Raises sqlite3.Error or OSError where not even an empty file can be had."""
    try:
        return _connect(path)
    except OtherVersion as error:
        log.warning("the cache file %s is begun anew: %s", path.name, error)
        _remove(path)
    except sqlite3.DatabaseError as error:
        if is_passing(error):
            raise
        set_aside(path, str(error))
    return _connect(path)


def is_passing(error: sqlite3.Error) -> bool:
    """Full, locked or read-only: the file itself is sound."""
    return isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error)


def forget_set_aside(path: Path) -> None:
    """Delete what `set_aside` kept: it may hold prompts and answers."""
    path.with_name(path.name + ".corrupt").unlink(missing_ok=True)


def _remove(path: Path) -> None:
    for tail in ("-wal", "-shm", ""):
        path.with_name(path.name + tail).unlink(missing_ok=True)


def set_aside(path: Path, why: str) -> None:
    """Move the file to `.corrupt`, over an older one, so that no number of crashes fills the disk."""
    log.warning("the cache file was set aside as %s.corrupt and begun anew: %s", path.name, why)
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    path.replace(path.with_name(path.name + ".corrupt"))


def _connect(path: Path) -> sqlite3.Connection:
    os.close(open_private(str(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC))
    path.chmod(0o600)
    db = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL").fetchone()
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA secure_delete = ON").fetchone()
        db.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT}").fetchone()
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise OtherVersion(f"another version of claw wrote it ({version})")
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("SELECT count(*), sum(size) FROM entries").fetchone()
    except sqlite3.Error:
        db.close()
        raise
    return db
