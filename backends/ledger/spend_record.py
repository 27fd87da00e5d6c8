"""The spend record: what budgets were charged, kept apart from the ledger so that losing the ledger does not lose it.

A small SQLite file of sums by UTC day, agent, engine, model, session and run. The ledger's writer adds to it after each
commit, in its own thread and without an fsync, which costs some 30 µs a group; what a power cut takes from it is taken
from the ledger when a core starts. The other way round, what the ledger lacks (it was damaged, deleted, cut, or an
older copy was put back) is charged to its budgets again at a start. A sum is charged at the last moment that it is of,
so that the window that runs never counts less than was spent.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from msgspec import Struct
from msgspec.structs import astuple

from backends.errors import LedgerError
from backends.ledger.request_rows import ChargeRow, stamp, usd_text
from backends.ledger.sqlite_connection import extend, make_private
from backends.types import ZERO

CARRIED = "carried over"
"""The id of charges that stand for rows the ledger has lost."""

BUSY_S = 0.1
SYNCED = timedelta(days=40)

Key = tuple[str, str, str, str, str, str]
"""UTC day ("2026-11-30"), agent, engine, model, session and run."""


class Spent(Struct, frozen=True):
    """A sum of charges; `beyond` as in `Charge`, `last` the moment of the last of them."""

    usd: Decimal = ZERO
    beyond: Decimal = ZERO
    last: str = ""

    def plus(self, other: "Spent") -> "Spent":
        return Spent(self.usd + other.usd, self.beyond + other.beyond, max(self.last, other.last))

    def minus(self, other: "Spent") -> "Spent":
        """What this has more; nothing of a sum that is smaller."""
        return Spent(max(ZERO, self.usd - other.usd), max(ZERO, self.beyond - other.beyond), self.last)


class SpendRecord:
    """Made by `open`, ended by `close`. `known` is False where there was no sound file. All of it blocks.

    A record that cannot be written costs nothing but itself: it is brought up to date when it can be, or at a start.
    """

    def __init__(self, db: sqlite3.Connection | None, *, known: bool) -> None:
        self._db = db
        self.known = known
        self._seen: int | None = None

    @classmethod
    def open(cls, path: Path) -> "SpendRecord":
        """The file that exists, or a new one in the place of none or of a damaged one."""
        with contextlib.suppress(sqlite3.Error, OSError, LedgerError):
            known = cls.is_sound(path)
            if not known:
                for suffix in ("", "-wal", "-shm"):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
            return cls(_connect(path), known=known)
        return cls(None, known=False)

    @staticmethod
    def is_sound(path: Path) -> bool:
        """Is there a file of which every page and every row can be read?"""
        if not path.is_file() or not path.stat().st_size:
            return False
        try:
            with contextlib.closing(sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)) as db:
                extend(db)
                sound = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0]) == "ok"
                _sums(db.execute(SINCE, ("",)))
        except (sqlite3.DatabaseError, InvalidOperation, ValueError):
            return False
        return sound

    def sync(self, db: sqlite3.Connection, now: datetime) -> list[ChargeRow]:
        """Take in what the ledger has more of, and return the charges that it lacks, to be written to it.

        Days before the ledger's last one are compared as far as SYNCED goes back: longer ago only a budget for all time
        counts, and a full look would cost seconds after a year.
        """
        if self._db is None:
            return []
        last = db.execute("SELECT max(charged_at) FROM charges").fetchone()[0]
        since = min(stamp(now - SYNCED), last or "")[:10] if self.known else ""
        try:
            known, found = _sums(self._db.execute(SINCE, (since,))), self._take_in(db, since)
        except sqlite3.Error:
            return []
        return [
            _carried(key, lacking, spent.last)
            for key, spent in known.items()
            if (lacking := spent.minus(found.get(key, Spent()))).usd > 0
        ]

    def follow(self, db: sqlite3.Connection) -> None:
        """Add what the ledger has committed since the last call."""
        if self._db is None:
            return
        try:
            if self._seen is None:
                self._take_in(db, "")
            elif (last := _last_row(db)) != self._seen:
                new = _sums(db.execute(NEW, (self._seen,)))
                self._put({key: self._one(key).plus(spent) for key, spent in new.items()})
                self._seen = last
        except sqlite3.Error:
            self._seen = None  # all of it, once the file takes it again

    def close(self) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def _take_in(self, db: sqlite3.Connection, since: str) -> dict[Key, Spent]:
        """The ledger's sums from the day `since` on, each of which this record has now as well, or more."""
        last, found = _last_row(db), _sums(db.execute(SUMS, (since,)))
        self._put({key: spent for key, spent in found.items() if spent.usd > self._one(key).usd})
        self._seen = last
        return found

    def _one(self, key: Key) -> Spent:
        assert self._db is not None  # noqa: S101 — asked only where there is a file
        return _sums(self._db.execute(ONE, key)).get(key, Spent())

    def _put(self, sums: dict[Key, Spent]) -> None:
        assert self._db is not None  # noqa: S101 — called only where there is a file
        rows = ((*key, usd_text(one.usd), usd_text(one.beyond), one.last) for key, one in sums.items())
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("INSERT OR REPLACE INTO spent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")


def carry_over(db: sqlite3.Connection, rows: Sequence[ChargeRow], now: datetime) -> Decimal:
    """Charge the ledger's budgets for what it has lost, with an audit row; returns how much. Raises sqlite3.Error."""
    lost = sum((Decimal(row.usd) for row in rows), ZERO)
    if not rows:
        return lost
    db.execute("BEGIN IMMEDIATE")
    try:
        db.executemany("INSERT INTO charges VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(astuple, rows))
        detail = f"${lost:f} that the ledger no longer had rows for is charged to its budgets again"
        db.execute(AUDIT, (stamp(now), "claw", "carry-over", detail, ""))
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    return lost


def _last_row(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(rowid), 0) FROM charges").fetchone()[0])


def _connect(path: Path) -> sqlite3.Connection:
    for suffix in ("", "-wal", "-shm"):
        make_private(path.with_name(path.name + suffix), create=not suffix)
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(TABLE)
        extend(db)
    except sqlite3.Error:
        db.close()
        raise
    return db


def _sums(rows: Iterable[sqlite3.Row]) -> dict[Key, Spent]:
    sums: dict[Key, Spent] = {}
    for day, agent, engine, model, session, run, usd, beyond, last in rows:
        key = (day, agent, engine, model, session, run)
        sums[key] = sums.get(key, Spent()).plus(Spent(Decimal(usd), Decimal(beyond), last))
    return sums


def _carried(key: Key, lacking: Spent, last: str) -> ChargeRow:
    _, agent, engine, model, session, run = key
    return ChargeRow(
        id=CARRIED,
        charged_at=last,
        agent=agent,
        engine=engine,
        model=model,
        usd=usd_text(lacking.usd),
        beyond_usd=usd_text(min(lacking.beyond, lacking.usd)),
        session=session,
        run=run,
    )


TABLE = """
CREATE TABLE IF NOT EXISTS spent (
    day     TEXT NOT NULL,
    agent   TEXT NOT NULL,
    engine  TEXT NOT NULL,
    model   TEXT NOT NULL,
    session TEXT NOT NULL,
    run     TEXT NOT NULL,
    usd     TEXT NOT NULL,
    beyond  TEXT NOT NULL,
    last    TEXT NOT NULL,
    PRIMARY KEY (day, agent, engine, model, session, run)
) STRICT, WITHOUT ROWID
"""

SUMS = """
SELECT substr(charged_at, 1, 10), agent, engine, model, session, run, usd_sum(usd), usd_sum(beyond_usd), max(charged_at)
FROM charges WHERE charged_at >= ?
GROUP BY 1, agent, engine, model, session, run
"""

NEW = SUMS.replace("WHERE charged_at >= ?", f"WHERE rowid > ? AND id NOT IN ('', '{CARRIED}')")
"""Without the sums of deleted rows, and what this record itself has told the ledger."""

SINCE = "SELECT * FROM spent WHERE day >= ?"

ONE = "SELECT * FROM spent WHERE day = ? AND agent = ? AND engine = ? AND model = ? AND session = ? AND run = ?"

AUDIT = "INSERT INTO audit (at, actor, action, detail, reason) VALUES (?, ?, ?, ?, ?)"
