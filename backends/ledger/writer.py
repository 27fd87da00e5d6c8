"""The task that writes to the ledger, in groups: one transaction and one fsync a group, a savepoint for each command.

A caller that is cancelled stops waiting at once; its command may still be applied. An admission whose caller left
before its turn is skipped. A settlement is guaranteed: it is applied without its caller too, and one that could not be
written (disk full, file locked) is tried again until it is. With a spill, what cannot be written is kept there.
"""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from backends.clock import Clock
from backends.errors import ClawError, LedgerError
from backends.ledger.running_totals import RunningTotals
from backends.ledger.spill import Spill
from backends.ledger.sqlite_connection import (
    WAITS,
    LedgerConnection,
    WriteWaits,
    as_ledger_error,
    file_id,
    file_replaced,
    wal_bytes,
)
from backends.ledger.write_commands import WriteCommand, WriteProbe
from backends.types import LedgerState, LedgerStatus

GROUP = 256  # commands of one transaction: bounds how long the first of them waits for the last
UNWRITTEN_LIMIT = (
    10_000  # settlements kept for later; beyond them their calls stay open in the file and are recovered at a start
)
log = logging.getLogger(__name__)

CLOSED = "the ledger is closed: start the core again"


class Writer:
    """`totals` are always those of the last commit, to the file or to the spill.

    `state_changed` is called when the file could not be written, and when it can be again; `committed` after each
    transaction, in the writer's thread.
    """

    def __init__(
        self,
        connection: LedgerConnection,
        totals: RunningTotals,
        clock: Clock,
        path: Path,
        *,
        spill: Spill | None = None,
        waits: WriteWaits = WAITS,
        committed: Callable[[sqlite3.Connection], None] = lambda _: None,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._path = path
        self._waiting: deque[tuple[WriteCommand, asyncio.Future[None]]] = deque()
        self._unwritten: deque[WriteCommand] = deque(maxlen=UNWRITTEN_LIMIT)
        self._woken = asyncio.Event()
        self._closing = False
        self._file: tuple[int, int] | None = None
        self.totals = totals
        self.spill = spill
        self._waits = waits
        self._patient = True
        self._failing = ""
        self._wal_bytes = 0
        self._committed = committed
        self.state_changed: Callable[[], None] = _ignore
        self._merge_tried_at = 0.0  # the event loop's time
        self._task = asyncio.create_task(self._run(), name="ledger writer")

    async def write(self, command: WriteCommand) -> None:
        """Return when the command is committed. Raises BudgetExceeded or LedgerError where it is not."""
        if self._closing or self._task.done():
            raise LedgerError(CLOSED)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, done))
        self._woken.set()
        await done

    def state(self) -> LedgerState:
        """Whether rows reach the file, and the size of its write-ahead log at the last commit."""
        if self.spill is None or not self.spill.active:
            status: LedgerStatus = "unwritable" if self._failing else "ok"
            return LedgerState(status=status, detail=self._failing, wal_bytes=self._wal_bytes)
        return LedgerState(
            status="unwritable" if self.spill.full else "spilling",
            detail=self.spill.status_line(),
            spill_share=self.spill.share,
            wal_bytes=self._wal_bytes,
        )

    async def close(self) -> None:
        """Write what waits, try once more what could not be written, then stop."""
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
            async with asyncio.timeout(
                self._waits.retry_s if self._failing or self._unwritten or self._spilling else None
            ):
                await self._woken.wait()
        except TimeoutError:
            await self._write_group()
        self._woken.clear()

    @property
    def _spilling(self) -> bool:
        return self.spill is not None and self.spill.active

    async def _write_group(self) -> None:
        if self.spill is not None and self._spilling:
            await self._merge(self.spill)
        earlier = list(self._unwritten)
        taken = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
        group = [(command, done) for command, done in taken if command.guaranteed or not done.cancelled()]
        commands = [*earlier, *(command for command, _ in group)]
        if not commands:
            if not self._failing:
                return
            commands = [WriteProbe()]
        draft = self.totals.copy()
        draft.advance(self._clock.now())
        try:
            try:
                verdicts = await self._apply_group(draft, commands)
            except LedgerError as error:
                self._unwritten.extend(command for command, _ in group if command.guaranteed)
                verdicts = [error for _ in commands]
            else:
                self.totals = draft
                # Only a full spill refuses a guaranteed command with a LedgerError and can take it later.
                refused = zip(commands, verdicts, strict=True) if self._spilling else ()
                later = (one for one, error in refused if one.guaranteed and isinstance(error, LedgerError))
                self._unwritten = deque(later, UNWRITTEN_LIMIT)
            for (_, done), verdict in zip(group, verdicts[len(earlier) :], strict=True):
                _tell(done, verdict)
        finally:
            for _, done in group:  # nobody waits for ever where this task is cancelled or fails
                _tell(done, LedgerError(CLOSED))

    async def _apply_group(self, draft: RunningTotals, commands: Sequence[WriteCommand]) -> list[ClawError | None]:
        """To the file, else to the spill. Raises LedgerError where neither takes it; `draft` is then of no use."""
        if self._spilling:
            return await self._apply_to_spill(draft, commands)
        try:
            verdicts = await self._connection.run(self._commit, draft, commands)
        except sqlite3.Error as error:
            unwritable = as_ledger_error(error, self._path)
            if self.spill is None:
                self._set_failing(str(unwritable))
                raise unwritable from None
            self.spill.activate(str(unwritable))
            self._merge_tried_at = asyncio.get_running_loop().time()
            self.state_changed()
        else:
            self._set_failing("")
            return verdicts
        draft.replace_with(self.totals)
        draft.advance(self._clock.now())
        return await self._apply_to_spill(draft, commands)

    def _set_failing(self, why: str) -> None:
        changed, self._failing = bool(why) != bool(self._failing), why
        if changed:
            self.state_changed()

    async def _apply_to_spill(self, draft: RunningTotals, commands: Sequence[WriteCommand]) -> list[ClawError | None]:
        assert self.spill is not None  # noqa: S101 — called only where there is one
        return await self._connection.run(self.spill.apply, draft, commands)

    async def _merge(self, spill: Spill) -> None:
        """Try, at most once in `retry_s`, whether the file takes rows again."""
        if asyncio.get_running_loop().time() - self._merge_tried_at < self._waits.retry_s and not self._closing:
            return
        try:
            self.totals = await self._connection.run(self._merged, spill)
        except (sqlite3.Error, OSError) as error:
            log.info("the ledger still takes no rows: %s", error)
        else:
            self.state_changed()
        self._merge_tried_at = asyncio.get_running_loop().time()

    def _merged(self, db: sqlite3.Connection, spill: Spill) -> RunningTotals:
        if file_id(self._path) != self._file:
            raise file_replaced()
        totals = spill.merge(db, self.totals)
        self._committed(db)
        return totals

    def _commit(
        self, db: sqlite3.Connection, totals: RunningTotals, commands: Sequence[WriteCommand]
    ) -> list[ClawError | None]:
        # Rows written to a file that has lost its name would be gone with this process; one stat a group.
        if file_id(self._path) != self._file:
            raise file_replaced()
        if self._patient == bool(self._failing):
            self._patient = not self._failing
            db.execute(f"PRAGMA busy_timeout = {int(self._waits.busy_s * 1000) if self._patient else 0}")
        verdicts = commit(db, totals, commands)
        self._wal_bytes = wal_bytes(self._path)
        self._committed(db)
        return verdicts


def _ignore() -> None:
    """Stands in for a listener that was not set."""


NOT_STORABLE = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    ValueError,
)
"""Faults of one command's values; every other error of SQLite's is the file's, and the whole group's."""


def _tell(done: asyncio.Future[None], verdict: ClawError | None) -> None:
    """Its caller may have gone meanwhile."""
    if done.done():
        return
    if verdict is None:
        done.set_result(None)
    else:
        done.set_exception(verdict)


def commit(db: sqlite3.Connection, totals: RunningTotals, commands: Sequence[WriteCommand]) -> list[ClawError | None]:
    """Carry out a group: all that can be is committed, and each command gets None or the error that undid it alone.

    Raises sqlite3.Error where nothing could be written; then the file is as it was, and `totals` are to be thrown away.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        verdicts = [_apply(db, totals, command) for command in commands]
        db.execute("COMMIT")
        totals.forget_idle()
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    return verdicts


def _apply(db: sqlite3.Connection, totals: RunningTotals, command: WriteCommand) -> ClawError | None:
    verdict: ClawError
    db.execute("SAVEPOINT command")
    try:
        command.apply(db, totals)
    except ClawError as error:
        verdict = error
    except NOT_STORABLE as error:
        verdict = LedgerError(f"a row could not be written ({error}): report this with `claw doctor --json`")
    else:
        db.execute("RELEASE command")
        return None
    db.execute("ROLLBACK TO command")
    db.execute("RELEASE command")
    return verdict
