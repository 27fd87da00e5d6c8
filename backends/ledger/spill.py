"""The spill: where rows go while the ledger's file cannot be written, and from where they are merged into it, once.

The running totals change as ever, so budgets hold for what is in the file and in the spill together. A request is
admitted only while the spill has room for its end as well. All of it runs in the writer's thread.

The spill's file is allocated when it is made, so a full disk still leaves it. It holds a header with a generation, then
records, each with its length and a checksum that the generation is part of, then a length of zero. What was torn by a
crash, or is left over from an earlier generation, has a wrong checksum and ends the file.
"""

import os
import sqlite3
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from backends.clock import Clock
from backends.errors import ClawError, LedgerError
from backends.ledger.request_rows import ReservationRow, RowWrite, pack, unpack
from backends.ledger.reservations import Payer
from backends.ledger.running_totals import RunningTotals
from backends.ledger.sqlite_connection import WAITS, WriteWaits
from backends.ledger.totals_loader import load, load_members
from backends.ledger.write_commands import Admit, Reserve, Settle, WriteCommand, admitted_before

MAGIC = b"clawspl1"
HEADER = len(MAGIC) + 8
RECORD = struct.Struct("<II")  # length, checksum
END = bytes(RECORD.size)
FINAL_B = 4096  # room kept for the final row of a request; a longer one waits in memory if no room is left
MERGED = "spill"
"""The control that holds the generation of the last spill that was merged into the file."""


class SpillFile:
    """Made by `open`, ended by `close`. Every method works on the disk and blocks."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size
        self.used = HEADER
        self.generation = b""
        self.spent = False

    @classmethod
    def open(cls, path: Path, size: int) -> "SpillFile":
        """Make the file, or open the one that exists, whatever its size. Raises LedgerError."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise LedgerError(f"{path} cannot be opened ({error.strerror}): make it a plain file you own") from None
        try:
            os.fchmod(descriptor, 0o600)
            size = os.fstat(descriptor).st_size or size
            os.posix_fallocate(descriptor, 0, size)
            spill = cls(descriptor, size)
            spill._begin()
        except OSError as error:
            os.close(descriptor)
            raise LedgerError(
                f"{path} cannot have {size} bytes set aside ({error.strerror}): free some, or lower ledger.spill_bytes"
            ) from None
        return spill

    def records(self) -> Iterator[bytes]:
        """What was appended in this generation, oldest first."""
        place = HEADER
        while place + RECORD.size <= self.size:
            length, checksum = RECORD.unpack(os.pread(self._descriptor, RECORD.size, place))
            if not length or place + RECORD.size + length > self.size:
                return
            record = os.pread(self._descriptor, length, place + RECORD.size)
            if self._checksum(record) != checksum:
                return
            yield record
            place += RECORD.size + length

    def room_for(self, records: int, length: int) -> bool:
        """Do `records` more records fit, of `length` bytes in total?"""
        return self.used + records * RECORD.size + length + len(END) <= self.size

    def append(self, records: Sequence[bytes]) -> None:
        """Write them to the disk before it returns. Raises OSError, and then holds what it held before."""
        if self.spent:
            raise OSError("the spill was not emptied after its merge")
        block = b"".join(RECORD.pack(len(record), self._checksum(record)) + record for record in records)
        written = os.pwrite(self._descriptor, block + END, self.used)
        if written != len(block) + len(END):
            raise OSError("only a part was written")
        os.fdatasync(self._descriptor)
        self.used += len(block)

    def reset(self) -> None:
        """Empty it, with a new generation. Raises OSError, and then takes nothing until a reset succeeds."""
        self.spent = True
        os.pwrite(self._descriptor, MAGIC + os.urandom(8) + END, 0)
        os.fdatasync(self._descriptor)
        self._begin()

    def give_up_room(self) -> None:
        """Leave what it has not used to the disk, for the ledger to take the rows in. Raises OSError."""
        self.size = self.used + len(END)
        os.ftruncate(self._descriptor, self.size)

    def take_room(self, size: int) -> None:
        """Set `size` bytes aside again, or the largest half, quarter and so on of it that the disk still has."""
        while size > self.size:
            try:
                os.posix_fallocate(self._descriptor, 0, size)
            except OSError:
                size //= 2
            else:
                self.size = size

    def close(self) -> None:
        os.close(self._descriptor)

    def _begin(self) -> None:
        header = os.pread(self._descriptor, HEADER, 0)
        if not header.startswith(MAGIC):
            self.reset()
            return
        self.spent = False
        self.generation = header[len(MAGIC) :]
        self.used = HEADER + sum(RECORD.size + len(record) for record in self.records())

    def _checksum(self, record: bytes) -> int:
        return zlib.crc32(record, zlib.crc32(self.generation))


def waiting_rows(path: Path) -> int:
    """How many rows wait in a spill's file for the next start. It is only read; 0 where there is none to read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return 0
    try:
        header = os.pread(descriptor, HEADER, 0)
        spill = SpillFile(descriptor, os.fstat(descriptor).st_size)
        spill.generation = header[len(MAGIC) :]
        return sum(1 for _ in spill.records()) if header.startswith(MAGIC) else 0
    finally:
        os.close(descriptor)


class Spill:
    """`why` is SQLite's reason why the ledger's file cannot be written, "" while it can; `full` says that a request was
    refused for want of room.
    """

    def __init__(self, file: SpillFile, clock: Clock, waits: WriteWaits = WAITS) -> None:
        self._file = file
        self._waits = waits
        self._clock = clock
        self._since = clock.monotonic()
        self._final: set[str] = set()
        self.why = ""
        self.full = False

    @property
    def active(self) -> bool:
        return bool(self.why)

    def activate(self, why: str) -> None:
        self._since = self._clock.monotonic()
        self.why = why

    @property
    def share(self) -> float:
        """How much of it is used, 0 to 1."""
        return self._file.used / self._file.size

    def status_line(self) -> str:
        """Why rows go here, how full it is and since when, in one line; "" while they go to the ledger's file."""
        if not self.why:
            return ""
        seconds = self._clock.monotonic() - self._since
        filled = f"{self.share:.0%} of {self._file.size >> 10} KiB full"
        return f"{self.why}; rows go to a spill, {filled}, since {seconds:.0f} s"

    def apply(
        self, db: sqlite3.Connection, totals: RunningTotals, commands: Sequence[WriteCommand]
    ) -> list[ClawError | None]:
        """Apply a group to the totals and keep its rows; each command gets None or the error that undid it alone.

        Raises LedgerError where the spill cannot be written; `totals` are then of no use.
        """
        kept: list[bytes] = []
        final: set[str] = set()
        verdicts: list[ClawError | None] = []
        for command in commands:
            try:
                record = self._entered(db, totals, command, kept, final)
            except ClawError as error:
                verdicts.append(error)
                continue
            verdicts.append(None)
            if record is not None:
                kept.append(record)
        try:
            if kept:
                self._file.append(kept)
        except OSError as error:
            raise LedgerError(f"{self.why}, and neither can the spill ({error}): free space on its disk") from None
        self._final |= final
        return verdicts

    def merge(self, db: sqlite3.Connection, totals: RunningTotals) -> RunningTotals:
        """Write the spill's rows to the ledger's file, once, and add the file up again. Raises sqlite3.Error."""
        db.execute("PRAGMA busy_timeout = 0")
        try:
            merge(db, self._file)
            now = max(totals.moment, self._clock.now())
            fresh = load(db, totals.settings, now, totals.timezone, groups=totals.groups)
        finally:
            db.execute(f"PRAGMA busy_timeout = {int(self._waits.busy_s * 1000)}")
        self.why, self.full = "", False
        self._final.clear()
        return fresh

    def _entered(
        self, db: sqlite3.Connection, totals: RunningTotals, command: WriteCommand, kept: list[bytes], final: set[str]
    ) -> bytes | None:
        """The record of a command that the totals now hold; None for a request that has its end already."""
        if not isinstance(command, Admit | Reserve | Settle):
            raise LedgerError(f"{self.why}: try again once it can be written")
        if isinstance(command, Settle) and self._ended(db, totals, command.outcome.id, final):
            return None
        if isinstance(command, Admit) and self._ended(db, totals, command.admission.id, final):
            raise admitted_before(command.admission.id)
        try:
            record = pack(command.rows(totals))
        except (ValueError, OverflowError) as error:
            raise LedgerError(f"a row could not be written ({error}): report this with `claw doctor --json`") from None
        room = 0 if isinstance(command, Settle) else FINAL_B * (len(totals.open_ids) + 1)
        if not self._file.room_for(len(kept) + 1, sum(map(len, kept)) + len(record) + room):
            self.full = True
            raise LedgerError(f"{self.why}, and the spill of {self._file.size >> 10} KiB is full")
        if isinstance(command, Admit):
            self._know(db, totals, command.admission.payer)
        command.enter(totals)
        if isinstance(command, Settle):
            final.add(command.outcome.id)
        return record

    def _know(self, db: sqlite3.Connection, totals: RunningTotals, payer: Payer) -> None:
        """The file can mostly be read where it cannot be written. Raises LedgerError where a budget needs it, and it
        cannot.
        """
        try:
            load_members(db, totals, payer)
        except sqlite3.Error as error:
            raise LedgerError(f"{self.why}, and what this session has spent cannot be read ({error})") from None

    def _ended(self, db: sqlite3.Connection, totals: RunningTotals, id: str, final: set[str]) -> bool:
        if id in final or id in self._final:
            return True
        if totals.open_call(id) is not None:
            return False
        try:
            return db.execute("SELECT 1 FROM requests WHERE id = ?", (id,)).fetchone() is not None
        except sqlite3.Error:
            return False  # the file cannot be read either: the merge reports it


def merge(db: sqlite3.Connection, spill: SpillFile) -> int:
    """Write what the spill holds in one transaction, then empty it. Returns how many records there were.

    A crash between the two does no harm: the file records which generation it has. Raises sqlite3.Error.
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
        written: RowWrite = unpack(record)
    except msgspec.DecodeError:
        raise sqlite3.DataError("a record of the spill is of another version of claw") from None
    if (
        isinstance(written, ReservationRow)
        and not db.execute("SELECT 1 FROM admissions WHERE id = ?", (written.id,)).fetchone()
    ):
        return
    written.write(db)
