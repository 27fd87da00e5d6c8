"""The cache's SQLite file: opened for its owner only, and replaced by an empty one if it cannot be read.

A cache can be filled again, so nobody waits for a repair: a corrupt file is renamed to `cache.db.corrupt` with a line
in the log, and a file that another version wrote is deleted.
"""

import logging
import sqlite3
from pathlib import Path

from backends.paths import make_private

log = logging.getLogger(__name__)

VERSION = 2
WAL_LIMIT = 4 * 1024 * 1024  # bytes of the WAL that stay allocated after a checkpoint
BUSY_S = 0.25  # longest wait for another process's lock; requests wait behind it

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
    """A sound file with another schema. Asking again costs less than a migration."""


def open_file(path: Path, *, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """A connection to the cache at `path`, which waits `busy_s` seconds for a lock of another process.

    Raises sqlite3.Error or OSError if not even an empty file can be opened.
    """
    try:
        return _connect(path, busy_s)
    except OtherVersion as error:
        log.warning("the cache file %s is replaced by an empty one: %s", path.name, error)
        _delete(path)
    except sqlite3.DatabaseError as error:
        if is_passing(error):
            raise
        set_aside(path, str(error))
    return _connect(path, busy_s)


def is_passing(error: sqlite3.Error) -> bool:
    """Whether the file itself is sound: the disk is full, or the file is locked or read-only."""
    return isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error)


def delete_set_aside(path: Path) -> None:
    """Delete the file that `set_aside` kept, because it may contain prompts and answers."""
    path.with_name(path.name + ".corrupt").unlink(missing_ok=True)


def _delete(path: Path) -> None:
    for tail in ("-wal", "-shm", ""):
        path.with_name(path.name + tail).unlink(missing_ok=True)


def set_aside(path: Path, why: str) -> None:
    """Rename the file to `.corrupt`, over an older one, so that repeated crashes never fill the disk."""
    log.warning("the cache file was renamed to %s.corrupt and replaced by an empty one: %s", path.name, why)
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    path.replace(path.with_name(path.name + ".corrupt"))


def _connect(path: Path, busy_s: float) -> sqlite3.Connection:
    make_private(path)
    db = sqlite3.connect(path, timeout=busy_s, check_same_thread=False)
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL").fetchone()
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA secure_delete = ON").fetchone()
        db.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT}").fetchone()
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise OtherVersion(f"it was written by another version of claw ({version})")
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("SELECT count(*), sum(size) FROM entries").fetchone()
    except UnicodeDecodeError:  # SQLite's own words quote a damaged schema as it is
        db.close()
        raise sqlite3.DatabaseError("its schema is unreadable") from None
    except sqlite3.Error:
        db.close()
        raise
    return db
