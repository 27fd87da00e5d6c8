"""While the ledger's file cannot be written: rows go to the spill, and into the file once, as soon as it can be.

The books are changed as ever, so budgets hold for what is in the file and in the spill together. A request is admitted
only while the spill has room for its end as well. All of it runs in the writer's thread.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from backends.clock import Clock
from backends.errors import ClawError, LedgerError
from backends.ledger.books import Books
from backends.ledger.connection import BUSY_S
from backends.ledger.entries import Admit, Entry, Reserve, Settle, again
from backends.ledger.loading import load
from backends.ledger.spill import Spill
from backends.ledger.written import HeldRow, Written, pack, unpack

FINAL_B = 4096  # room kept for a request's end; one that turns out longer waits in memory where none is left
MERGED = "spill"
"""The switch that holds the generation of the last spill that was taken into the file."""


class Overflow:
    """`why` is SQLite's word on why the file cannot be written, "" while it can."""

    def __init__(self, spill: Spill, clock: Clock) -> None:
        self._spill = spill
        self._clock = clock
        self._since = clock.monotonic()
        self._final: set[str] = set()
        self.why = ""

    @property
    def active(self) -> bool:
        return bool(self.why)

    def begin(self, why: str) -> None:
        self._since = self._clock.monotonic()
        self.why = why

    def told(self) -> str:
        """One line for a person; "" while there is nothing to tell."""
        if not self.why:
            return ""
        share = self._spill.used / self._spill.size
        seconds = self._clock.monotonic() - self._since
        return (
            f"{self.why}; rows go to a spill, {share:.0%} of {self._spill.size >> 10} KiB full, since {seconds:.0f} s"
        )

    def take(self, db: sqlite3.Connection, books: Books, entries: Sequence[Entry]) -> list[ClawError | None]:
        """Carry out a group on the books and in the spill; each entry gets None or the error that undid it alone.

        Raises LedgerError where the spill cannot be written: then `books` are to be thrown away.
        """
        kept: list[bytes] = []
        final: set[str] = set()
        verdicts: list[ClawError | None] = []
        for entry in entries:
            try:
                record = self._entered(db, books, entry, kept, final)
            except ClawError as error:
                verdicts.append(error)
                continue
            verdicts.append(None)
            if record is not None:
                kept.append(record)
        try:
            if kept:
                self._spill.append(kept)
        except OSError as error:
            raise LedgerError(f"{self.why}, and the spill neither ({error}): free space on its disk") from None
        self._final |= final
        return verdicts

    def merge(self, db: sqlite3.Connection, books: Books) -> Books:
        """Take the spill into the file, once, and add the file up again. Raises sqlite3.Error where it cannot be."""
        db.execute("PRAGMA busy_timeout = 0")
        try:
            merge(db, self._spill)
            fresh = load(db, books.settings, max(books.moment, self._clock.now()), books.zone, groups=books.groups)
        finally:
            db.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")
        self.why = ""
        self._final.clear()
        return fresh

    def _entered(
        self, db: sqlite3.Connection, books: Books, entry: Entry, kept: list[bytes], final: set[str]
    ) -> bytes | None:
        """The record of an entry that the books now hold; None for a request that has its end already."""
        if not isinstance(entry, Admit | Reserve | Settle):
            raise LedgerError(f"{self.why}: try again once it can be written")
        if isinstance(entry, Settle) and self._ended(db, books, entry.outcome.id, final):
            return None
        if isinstance(entry, Admit) and self._ended(db, books, entry.admission.id, final):
            raise again(entry.admission.id)
        try:
            record = pack(entry.rows(books))
        except (ValueError, OverflowError) as error:
            raise LedgerError(f"a row could not be written ({error}): report this with `claw doctor --json`") from None
        room = 0 if isinstance(entry, Settle) else FINAL_B * (len(books.open_ids) + 1)
        if not self._spill.room_for(len(kept) + 1, sum(map(len, kept)) + len(record) + room):
            raise LedgerError(f"{self.why}, and the spill of {self._spill.size >> 10} KiB is full")
        entry.enter(books)
        if isinstance(entry, Settle):
            final.add(entry.outcome.id)
        return record

    def _ended(self, db: sqlite3.Connection, books: Books, id: str, final: set[str]) -> bool:
        if id in final or id in self._final:
            return True
        if books.open_call(id) is not None:
            return False
        try:
            return db.execute("SELECT 1 FROM requests WHERE id = ?", (id,)).fetchone() is not None
        except sqlite3.Error:
            return False  # the file cannot even be read: the merge finds it out


def merge(db: sqlite3.Connection, spill: Spill) -> int:
    """Write what the spill holds in one transaction, then empty it. Returns how many records there were.

    A crash between the two is no harm: the file knows which generation it has taken in. Raises sqlite3.Error.
    """
    records = list(spill.records())
    generation = spill.generation.hex()
    db.execute("BEGIN IMMEDIATE")
    try:
        row = db.execute("SELECT value FROM controls WHERE key = ?", (MERGED,)).fetchone()
        if records and (row is None or row["value"] != generation):
            for record in records:
                _write(db, record)
            db.execute("INSERT OR REPLACE INTO controls VALUES (?, ?)", (MERGED, generation))
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    if records:
        spill.reset()
    return len(records)


def _write(db: sqlite3.Connection, record: bytes) -> None:
    try:
        written: Written = unpack(record)
    except msgspec.DecodeError:
        raise sqlite3.DataError("a record of the spill is of another version of claw") from None
    if (
        isinstance(written, HeldRow)
        and not db.execute("SELECT 1 FROM admissions WHERE id = ?", (written.id,)).fetchone()
    ):
        return
    written.write(db)
