"""SQLite connections to the ledger's file: one that writes, any number that only read, and what their errors mean.

Only the writing connection may checkpoint: SQLite before 3.51.3 can lose pages when two do. A connection opened with
`mode=ro` never does, not even as the last one to close.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import quote

import aiosqlite
from msgspec import Struct

from backends.errors import LedgerError
from backends.ledger import migrations

P = ParamSpec("P")
T = TypeVar("T")

JOURNAL_LIMIT_B = 64 * 1024 * 1024  # the WAL is cut back to this after a long reader has let go


LONGEST_READ_S = 600.0
STEPS = 1_000_000  # of SQLite's machine between two looks at the clock: some ten milliseconds


class WriteWaits(Struct, frozen=True):
    """Seconds that a statement waits for another program's lock, and until a write that failed is tried again.

    A caller's deadline may be two seconds. While the file fails, nobody waits for the lock any more.
    """

    busy_s: float = 0.5
    retry_s: float = 1.0


WAITS = WriteWaits()


class LedgerConnection(aiosqlite.Connection):
    """A connection with a thread of its own. The thread dies with the process; SQLite then undoes an open commit."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connect, iter_chunk_size=64)
        self._thread.daemon = True

    async def run(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `work(connection, …)` in the thread. Cancelling the caller leaves it running to its end.

        This is why no cancellation can fall between BEGIN and COMMIT: they are never two calls.
        """
        return cast(T, await self._execute(work, self._conn, *args, **kwargs))  # type: ignore[no-untyped-call]


def writable(path: Path, waits: WriteWaits = WAITS, *, check_same_thread: bool = True) -> sqlite3.Connection:
    """Create or open the file, readable by its owner alone, and migrate it to the newest schema."""
    for suffix in ("", "-wal", "-shm"):
        make_private(path.with_name(path.name + suffix), create=not suffix)
    db = sqlite3.connect(path, timeout=waits.busy_s, isolation_level=None, check_same_thread=check_same_thread)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT_B}")
        migrations.migrate(db)
        extend(db)
    except (sqlite3.Error, OSError):
        db.close()
        raise
    return db


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that can neither write nor checkpoint. Raises sqlite3.Error where there is no readable file."""
    db = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=WAITS.busy_s, isolation_level=None)
    extend(db)
    return db


@contextlib.contextmanager
def open_read_only(path: Path, *, longest_s: float = LONGEST_READ_S) -> Iterator[sqlite3.Connection]:
    """A read-only connection for a reader beside the core, which leaves no trace; an empty ledger in memory where there
    is no file yet. After `longest_s` seconds its statements end: while one runs, the write-ahead log cannot shrink.

    Raises LedgerError, also for SQLite's errors inside the block.
    """
    until = time.monotonic() + longest_s
    try:
        with contextlib.closing(_connect_current(path)) as db:
            db.set_progress_handler(lambda: time.monotonic() > until, STEPS)
            yield db
    except sqlite3.Error as error:
        raise as_ledger_error(error, path) from None


def _connect_current(path: Path) -> sqlite3.Connection:
    """Raises LedgerError for a file whose schema is not this version's: a reader migrates nothing."""
    if path.exists():
        db = connect_read_only(path)
        known = len(migrations.scripts())
        try:
            found = migrations.version(db)
        except sqlite3.Error:
            db.close()
            raise
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
    migrations.migrate(empty)
    extend(empty)
    return empty


def extend(db: sqlite3.Connection) -> None:
    """What every connection has: rows by name, and exact sums of money (`usd_sum` of a column, `usd_add` of two)."""
    db.row_factory = sqlite3.Row
    db.create_function("usd_add", 2, _usd_add, deterministic=True)
    db.create_aggregate("usd_sum", 1, UsdSum)  # type: ignore[arg-type]  # the stubs ask for step(*args: int)


def as_ledger_error(error: sqlite3.Error, path: Path) -> LedgerError:
    """SQLite's error as one line with its remedy."""
    code = getattr(error, "sqlite_errorcode", 0)
    remedy = REMEDIES.get(code) or REMEDIES.get(code & 0xFF, "see `claw doctor`")
    return LedgerError(f"the ledger {path} cannot be used ({error}): {remedy}")


def file_id(path: Path) -> tuple[int, int] | None:
    """Device and inode, which tell a file from another one of the same name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def wal_bytes(path: Path) -> int:
    """The size of a file's write-ahead log; 0 where it has none."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except OSError:
        return 0


def file_replaced() -> sqlite3.OperationalError:
    """The error for an open file that no longer has its name. SQLite notices that only without a WAL."""
    error = sqlite3.OperationalError("the file was deleted or replaced")
    error.sqlite_errorcode = sqlite3.SQLITE_READONLY_DBMOVED
    return error


REMEDIES = {
    sqlite3.SQLITE_READONLY_DBMOVED: "put it back with its -wal file, or stop and start the core",
    sqlite3.SQLITE_BUSY: "another program has locked it, close that program",
    sqlite3.SQLITE_LOCKED: "another program has locked it, close that program",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable for you",
    sqlite3.SQLITE_PERM: "make the file and its folder writable for you",
    sqlite3.SQLITE_CANTOPEN: "make the file and its folder writable for you",
    sqlite3.SQLITE_INTERRUPT: "it takes too long beside a running core, read a shorter span or a backup",
    sqlite3.SQLITE_FULL: "free space on its disk",
    sqlite3.SQLITE_IOERR: "look at the disk, then run `claw ledger verify`",
    sqlite3.SQLITE_CORRUPT: "restore a backup, or stop and start the core, which then moves the file aside",
    sqlite3.SQLITE_NOTADB: "restore a backup, or stop and start the core, which then moves the file aside",
}


class UsdSum:
    """The SQL aggregate `usd_sum(text)`: an exact sum of money, as text; NULL over no rows."""

    def __init__(self) -> None:
        self._total = Decimal(0)

    def step(self, usd: str) -> None:
        if usd != "0":  # most are, and comparing costs a quarter of adding
            self._total += Decimal(usd)

    def finalize(self) -> str:
        return format(self._total, "f")


def _usd_add(one: str, other: str) -> str:
    return format(Decimal(one) + Decimal(other), "f")


def make_private(path: Path, *, create: bool) -> None:
    """Give a plain file mode 0600, and make it where `create`. Raises LedgerError for a link, and for others' files."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | (os.O_CREAT if create else 0), 0o600)
    except FileNotFoundError:
        return
    except OSError as error:
        raise LedgerError(
            f"{path} cannot be opened ({error.strerror}): make it a plain file that you may write"
        ) from None
    try:
        os.fchmod(descriptor, 0o600)
    except OSError as error:
        raise LedgerError(f"{path} is not yours ({error.strerror}): make it a file that you own") from None
    finally:
        os.close(descriptor)
