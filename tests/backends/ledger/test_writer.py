"""Group commits, callers who leave, and files that cannot be written for a while."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from backends.clock import ManualClock
from backends.errors import LedgerError
from backends.ledger.sqlite_connection import WriteWaits, connect_read_only, writable
from backends.ledger.store import Ledger
from backends.types import ZERO
from tests.backends.ledger.samples import MODEL, admission, attempt, daily, opened, outcome, paths
from tests.waiting import until

SOON = WriteWaits(busy_s=0.01, retry_s=0.01)


class Gate:
    """Holds the writer's thread at the next statement that starts with `word`."""

    def __init__(self, word: str) -> None:
        self._word = word
        self._passed = False
        self.reached = Event()
        self.opened = Event()
        self.statements: list[str] = []

    def __call__(self, statement: str) -> None:
        self.statements.append(statement)
        if not self._passed and statement.lstrip().startswith(self._word):
            self._passed = True
            self.reached.set()
            assert self.opened.wait(10)


class Writing:
    """The connection that a ledger writes with, which the test can use too while the ledger is at rest."""

    db: sqlite3.Connection

    def connect(self, path: Path, waits: WriteWaits) -> sqlite3.Connection:
        self.db = writable(path, waits, check_same_thread=False)
        return self.db


@pytest.fixture
def writing() -> Writing:
    return Writing()


@contextmanager
def held_at(writing: Writing, word: str) -> Iterator[Gate]:
    gate = Gate(word)
    writing.db.set_trace_callback(gate)  # it stays: SQLite would lock this thread out while the other is held
    try:
        yield gate
    finally:
        gate.opened.set()


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Another program holds the file."""
    db = sqlite3.connect(paths(home).ledger, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        db.execute("ROLLBACK")
        db.close()


def allow_pages(writing: Writing, pages: int) -> None:
    """A disk with so much room."""
    writing.db.execute(f"PRAGMA max_page_count = {pages}").fetchall()


async def fill_until_full(ledger: Ledger) -> None:
    """Pages in hand still take a few rows."""
    for index in range(200):
        try:
            await ledger.settle(outcome(f"filler {index}", notes=("x" * 2000,)))
        except LedgerError:
            return
    pytest.fail("the disk never filled")


@pytest.mark.parametrize("word", ["BEGIN", "INSERT INTO requests", "COMMIT"])
@pytest.mark.proves("D4")
async def test_a_cancelled_caller_leaves_no_transaction_open(home: Path, writing: Writing, word: str) -> None:
    async with opened(home, [daily("5")], connect=writing.connect) as ledger:
        await ledger.admit(admission("a"))
        with held_at(writing, word) as gate:
            settling = asyncio.create_task(ledger.settle(outcome("a", attempt("0.5"))))
            await until(gate.reached.is_set)
            settling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await settling
        await ledger.settle(outcome("a", attempt("0.5")))
        assert not writing.db.in_transaction
        assert [one.id for one in await ledger.recent(9)] == ["a"]
        (state,) = ledger.budgets()
        assert (state.spent_usd, state.reserved_usd) == (Decimal("0.5"), ZERO)


@pytest.mark.proves("D4")
async def test_an_admission_whose_caller_left_before_its_turn_is_skipped(home: Path, writing: Writing) -> None:
    async with opened(home, [daily("5")], connect=writing.connect) as ledger:
        with held_at(writing, "BEGIN") as gate:
            first = asyncio.create_task(ledger.admit(admission("first")))
            await until(gate.reached.is_set)
            second = asyncio.create_task(ledger.admit(admission("second")))
            settling = asyncio.create_task(ledger.settle(outcome("third", attempt("0.5"))))
            await asyncio.sleep(0)
            second.cancel()
            settling.cancel()
            await asyncio.gather(second, settling, return_exceptions=True)
        await first
        await until(lambda: ledger.spend().today_requests)
        assert ledger.budgets()[0].reserved_usd == Decimal(1)
        assert [one.id for one in await ledger.recent(9)] == ["third"]


async def test_what_waits_is_one_transaction(home: Path, writing: Writing) -> None:
    async with opened(home, connect=writing.connect) as ledger:
        with held_at(writing, "BEGIN") as gate:
            first = asyncio.create_task(ledger.settle(outcome("first")))
            await until(gate.reached.is_set)
            others = [asyncio.create_task(ledger.settle(outcome(f"{index}"))) for index in range(50)]
            await asyncio.sleep(0)
            gate.opened.set()
            await asyncio.gather(first, *others)
        assert gate.statements.count("COMMIT") == 2
        assert len(await ledger.recent(99)) == 51


async def test_a_full_disk_refuses_and_recovers(home: Path, writing: Writing) -> None:
    async with opened(home, [daily("5")], connect=writing.connect) as ledger:
        await ledger.admit(admission("a"))
        allow_pages(writing, 1)
        await fill_until_full(ledger)
        with pytest.raises(LedgerError, match="free space on its disk"):
            await ledger.settle(outcome("a", attempt("0.5"), notes=("x" * 9000,)))
        assert ledger.budgets()[0].reserved_usd == Decimal(1)
        allow_pages(writing, 1_000_000)
        await ledger.settle(outcome("b"))
        (state,) = ledger.budgets()
        assert (state.spent_usd, state.reserved_usd) == (Decimal("0.5"), ZERO)
        assert [one.id for one in await ledger.recent(2)] == ["a", "b"]


async def test_an_unwritten_row_is_written_later_without_a_call(home: Path) -> None:
    async with opened(home, [daily("5")], waits=SOON) as ledger:
        await ledger.admit(admission("a"))
        with locked(home):
            with pytest.raises(LedgerError, match="another program has locked it"):
                await ledger.settle(outcome("a", attempt("0.5")))
            with pytest.raises(LedgerError, match="another program has locked it"):
                await ledger.admit(admission("b"))
        await until(lambda: ledger.spend().today_requests)
        (state,) = ledger.budgets()
        assert (state.spent_usd, state.reserved_usd) == (Decimal("0.5"), ZERO)
        await ledger.settle(outcome("a", attempt("0.5")))
        assert len(await ledger.recent(9)) == 1


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_lost_its_name_takes_no_more_rows(home: Path, replaced: bool) -> None:
    file, away = paths(home).ledger, home / "away.db"
    async with opened(home, [daily("5")], waits=SOON) as ledger:
        await ledger.admit(admission("a"))
        file.rename(away)
        if replaced:
            file.write_bytes(away.read_bytes())
        with pytest.raises(LedgerError, match=r"deleted or replaced\): put it back"):
            await ledger.admit(admission("b"))
        with pytest.raises(LedgerError):
            await ledger.settle(outcome("a", attempt()))
        away.rename(file)
        await until(lambda: ledger.spend().today_requests)
        await ledger.admit(admission("c"))
    with contextlib.closing(connect_read_only(file)) as db:
        assert [row["id"] for row in db.execute("SELECT id FROM requests")] == ["a"]


async def test_closing_tries_what_is_unwritten_once_more(home: Path) -> None:
    async with opened(home, [daily("5")], waits=WriteWaits(busy_s=0.01)) as ledger:
        await ledger.admit(admission("a"))
        with locked(home), pytest.raises(LedgerError):
            await ledger.settle(outcome("a", attempt("0.5")))
    async with opened(home, [daily("5")]) as ledger:
        assert ledger.recovered == 0
        assert ledger.budgets()[0].spent_usd == Decimal("0.5")


async def test_what_could_never_be_written_is_recovered_at_the_next_start(home: Path) -> None:
    foreign = contextlib.ExitStack()
    async with opened(home, [daily("5")], waits=WriteWaits(busy_s=0.01)) as ledger:
        await ledger.admit(admission("a"))
        ledger.sent("a", engine="cloud", model=MODEL)
        foreign.enter_context(locked(home))
        with pytest.raises(LedgerError):
            await ledger.settle(outcome("a", attempt("0.5")))
    foreign.close()
    async with opened(home, [daily("5")]) as ledger:
        assert ledger.recovered == 1
        assert ledger.budgets()[0].spent_usd == Decimal(1)


class Faulty:
    """A connection whose transactions fail in a way that SQLite's do not."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.broken = False

    def execute(self, sql: str, *values: Any) -> Any:
        if self.broken and sql.startswith("BEGIN"):
            raise RuntimeError("unforeseen")
        return self._db.execute(sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


async def test_a_fault_that_nobody_foresaw_is_heard(home: Path) -> None:
    made: list[Faulty] = []

    def connect(path: Path, waits: WriteWaits) -> Any:
        made.append(Faulty(writable(path, waits)))
        return made[0]

    ledger = await Ledger.open(paths(home), (), clock=ManualClock(), connect=connect)
    made[0].broken = True
    with pytest.raises(LedgerError, match="closed"):
        await ledger.settle(outcome("a"))
    with pytest.raises(LedgerError, match="closed"):
        await ledger.settle(outcome("b"))
    with pytest.raises(RuntimeError, match="unforeseen"):
        await ledger.close()


@pytest.mark.proves("D6", "I1")
async def test_every_commit_reaches_the_disk_and_only_the_writer_writes(home: Path, writing: Writing) -> None:
    async with opened(home, connect=writing.connect):
        assert writing.db.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert writing.db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        reading = connect_read_only(paths(home).ledger)
        with contextlib.closing(reading), pytest.raises(sqlite3.OperationalError, match="readonly"):
            reading.execute("DELETE FROM requests")
