"""The one task that writes. What waits is written together: one transaction, one fsync, a savepoint for each entry.

A caller that is cancelled stops waiting at once; its entry may still be carried out. An admission whose caller left
before its turn is skipped. A settlement is owed: it is carried out without its caller too, and one that could not be
written (disk full, file locked) is tried again until it is. With an overflow, what cannot be written is kept there.
"""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from backends.clock import Clock
from backends.errors import ClawError, LedgerError
from backends.ledger.books import Books
from backends.ledger.connection import Connection, explained, file_id, moved
from backends.ledger.entries import Entry
from backends.ledger.overflow import Overflow

GROUP = 256  # entries of one transaction: bounds how long the first of them waits for the last
OWED_LIMIT = (
    10_000  # settlements kept for later; beyond them their calls stay open in the file and are recovered at a start
)
RETRY_S = 1.0
log = logging.getLogger(__name__)

CLOSED = "the ledger is closed: start the core again"


class Writer:
    """`books` are always those of the last commit, of the file or of the overflow.

    `troubled` is called where the file could not be written, and where it can be again.
    """

    def __init__(
        self, connection: Connection, books: Books, clock: Clock, path: Path, overflow: Overflow | None = None
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._path = path
        self._waiting: deque[tuple[Entry, asyncio.Future[None]]] = deque()
        self._owed: deque[Entry] = deque(maxlen=OWED_LIMIT)
        self._woken = asyncio.Event()
        self._closing = False
        self._file: tuple[int, int] | None = None
        self.books = books
        self.overflow = overflow
        self.troubled: Callable[[], None] = _nobody
        self._tried = 0.0
        self._task = asyncio.create_task(self._run(), name="ledger writer")

    async def write(self, entry: Entry) -> None:
        """Return when the entry is committed. Raises BudgetExceeded or LedgerError where it is not."""
        if self._closing or self._task.done():
            raise LedgerError(CLOSED)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        self._woken.set()
        await done

    async def close(self) -> None:
        """Write what waits, try once more what is owed, then stop."""
        self._closing = True
        self._woken.set()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    async def _run(self) -> None:
        try:
            self._file = await self._connection.run(lambda _: file_id(self._path))
            while not self._closing:
                await self._wait()
                while self._waiting:
                    await self._write_group()
            await self._write_group()
        finally:
            for _, done in self._waiting:
                _tell(done, LedgerError(CLOSED))

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(RETRY_S if self._owed or self._spilling else None):
                await self._woken.wait()
        except TimeoutError:
            await self._write_group()
        self._woken.clear()

    @property
    def _spilling(self) -> bool:
        return self.overflow is not None and self.overflow.active

    async def _write_group(self) -> None:
        if self.overflow is not None and self._spilling:
            await self._merge(self.overflow)
        owed, taken = list(self._owed), [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
        group = [(entry, done) for entry, done in taken if entry.owed or not done.cancelled()]
        entries = [*owed, *(entry for entry, _ in group)]
        if not entries:
            return
        draft = self.books.copy()
        draft.advance(self._clock.now())
        try:
            verdicts = await self._carried_out(draft, entries)
        except LedgerError as error:
            self._owed.extend(entry for entry, _ in group if entry.owed)
            verdicts = [error for _ in entries]
        except BaseException:
            for _, done in group:
                _tell(done, LedgerError(CLOSED))
            raise
        else:
            self.books = draft
            # Nothing but a full spill refuses what is owed with such an error and can take it later.
            left = zip(entries, verdicts, strict=True) if self._spilling else ()
            self._owed = deque((one for one, said in left if one.owed and isinstance(said, LedgerError)), OWED_LIMIT)
        for (_, done), verdict in zip(group, verdicts[len(owed) :], strict=True):
            _tell(done, verdict)

    async def _carried_out(self, draft: Books, entries: Sequence[Entry]) -> list[ClawError | None]:
        """In the file, else in the overflow. Raises LedgerError where in neither; then `draft` is to be thrown away."""
        if self._spilling:
            return await self._spilled(draft, entries)
        try:
            return await self._connection.run(self._commit, draft, entries)
        except sqlite3.Error as error:
            said = explained(error, self._path)
            if self.overflow is None:
                raise said from None
            self.overflow.begin(str(said))
            self._tried = asyncio.get_running_loop().time()
            self.troubled()
        draft.become(self.books)
        draft.advance(self._clock.now())
        return await self._spilled(draft, entries)

    async def _spilled(self, draft: Books, entries: Sequence[Entry]) -> list[ClawError | None]:
        assert self.overflow is not None  # noqa: S101 — asked for only where there is one
        return await self._connection.run(self.overflow.take, draft, entries)

    async def _merge(self, overflow: Overflow) -> None:
        """Try, at most once in RETRY_S, whether the file takes rows again."""
        if asyncio.get_running_loop().time() - self._tried < RETRY_S and not self._closing:
            return
        try:
            self.books = await self._connection.run(self._merged, overflow)
        except (sqlite3.Error, OSError) as error:
            log.info("the ledger still takes no rows: %s", error)
        else:
            self.troubled()
        self._tried = asyncio.get_running_loop().time()

    def _merged(self, db: sqlite3.Connection, overflow: Overflow) -> Books:
        if file_id(self._path) != self._file:
            raise moved()
        return overflow.merge(db, self.books)

    def _commit(self, db: sqlite3.Connection, books: Books, entries: Sequence[Entry]) -> list[ClawError | None]:
        # Rows written to a file that has lost its name would be gone with this process; one stat a group.
        if file_id(self._path) != self._file:
            raise moved()
        return commit(db, books, entries)


def _nobody() -> None:
    """Until somebody wants to know."""


NOT_STORABLE = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    ValueError,
)
"""Faults of one entry's values; every other error of SQLite's is the file's, and the whole group's."""


def _tell(done: asyncio.Future[None], verdict: ClawError | None) -> None:
    """Its caller may have gone meanwhile."""
    if done.done():
        return
    if verdict is None:
        done.set_result(None)
    else:
        done.set_exception(verdict)


def commit(db: sqlite3.Connection, books: Books, entries: Sequence[Entry]) -> list[ClawError | None]:
    """Carry out a group: all that can be is committed, and each entry gets None or the error that undid it alone.

    Raises sqlite3.Error where nothing could be written; then the file is as it was, and `books` are to be thrown away.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        verdicts = [_carry_out(db, books, entry) for entry in entries]
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    return verdicts


def _carry_out(db: sqlite3.Connection, books: Books, entry: Entry) -> ClawError | None:
    verdict: ClawError
    db.execute("SAVEPOINT entry")
    try:
        entry.carry_out(db, books)
    except ClawError as error:
        verdict = error
    except NOT_STORABLE as error:
        verdict = LedgerError(f"a row could not be written ({error}): report this with `claw doctor --json`")
    else:
        db.execute("RELEASE entry")
        return None
    db.execute("ROLLBACK TO entry")
    db.execute("RELEASE entry")
    return verdict
