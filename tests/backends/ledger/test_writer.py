"""Group commits, callers who leave, and files that cannot be written for a while."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from backends.clock import ManualClock
from backends.errors import LedgerError
from backends.ledger import sqlite_connection, writer
from backends.ledger.store import Ledger
from backends.types import ZERO
from tests.backends.ledger.samples import admission, attempt, daily, opened, outcome, paths
from tests.waiting import until


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


@asynccontextmanager
async def held_at(ledger: Ledger, word: str) -> AsyncIterator[Gate]:
    gate = Gate(word)
    await in_writer(ledger, lambda db: db.set_trace_callback(gate))
    try:
        yield gate
    finally:
        gate.opened.set()
        await in_writer(ledger, lambda db: db.set_trace_callback(None))


async def in_writer(ledger: Ledger, work: Callable[[sqlite3.Connection], Any]) -> Any:
    return await ledger._writer._connection.run(work)


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


async def fill_disk(ledger: Ledger) -> None:
    await in_writer(ledger, lambda db: db.execute("PRAGMA max_page_count = 1").fetchall())


async def free_disk(ledger: Ledger) -> None:
    await in_writer(ledger, lambda db: db.execute("PRAGMA max_page_count = 1000000").fetchall())


async def fill_until_full(ledger: Ledger) -> None:
    """Pages in hand still take a few rows."""
    for index in range(200):
        try:
            await ledger.settle(outcome(f"filler {index}", notes=("x" * 2000,)))
        except LedgerError:
            return
    pytest.fail("the disk never filled")


@pytest.mark.parametrize("word", ["BEGIN", "INSERT INTO requests", "COMMIT"])
async def test_a_cancelled_caller_leaves_no_transaction_open(home: Path, word: str) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a"))
        async with held_at(ledger, word) as gate:
            settling = asyncio.create_task(ledger.settle(outcome("a", attempt("0.5"))))
            await until(gate.reached.is_set)
            settling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await settling
        await ledger.settle(outcome("a", attempt("0.5")))
        assert not await in_writer(ledger, lambda db: db.in_transaction)
        assert [one.id for one in await ledger.recent(9)] == ["a"]
        (state,) = ledger.budgets()
        assert (state.spent_usd, state.reserved_usd) == (Decimal("0.5"), ZERO)


async def test_an_admission_whose_caller_left_before_its_turn_is_skipped(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        async with held_at(ledger, "BEGIN") as gate:
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


async def test_what_waits_is_one_transaction(home: Path) -> None:
    async with opened(home) as ledger, held_at(ledger, "BEGIN") as gate:
        first = asyncio.create_task(ledger.settle(outcome("first")))
        await until(gate.reached.is_set)
        others = [asyncio.create_task(ledger.settle(outcome(f"{index}"))) for index in range(50)]
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(first, *others)
        assert gate.statements.count("COMMIT") == 2
        assert len(await ledger.recent(99)) == 51


async def test_a_full_disk_refuses_and_recovers(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a"))
        await fill_disk(ledger)
        await fill_until_full(ledger)
        with pytest.raises(LedgerError, match="free space on its disk"):
            await ledger.settle(outcome("a", attempt("0.5"), notes=("x" * 9000,)))
        assert ledger.budgets()[0].reserved_usd == Decimal(1)
        await free_disk(ledger)
        await ledger.settle(outcome("b"))
        (state,) = ledger.budgets()
        assert (state.spent_usd, state.reserved_usd) == (Decimal("0.5"), ZERO)
        assert [one.id for one in await ledger.recent(2)] == ["a", "b"]


async def test_an_unwritten_row_is_written_later_without_a_call(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_connection, "BUSY_S", 0.01)
    monkeypatch.setattr(writer, "RETRY_S", 0.01)
    async with opened(home, [daily("5")]) as ledger:
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
async def test_a_file_that_lost_its_name_takes_no_more_rows(
    home: Path, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    monkeypatch.setattr(writer, "RETRY_S", 0.01)
    file, away = paths(home).ledger, home / "away.db"
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a"))
        file.rename(away)
        if replaced:
            file.write_bytes(away.read_bytes())
        with pytest.raises(LedgerError, match=r"deleted or replaced\): put it back"):
            await ledger.admit(admission("b"))
        with pytest.raises(LedgerError):
            await ledger.settle(outcome("a", attempt()))
        away.rename(file)
        await until(lambda: not ledger._writer._unwritten)
        await ledger.admit(admission("c"))
    with contextlib.closing(sqlite_connection.connect_read_only(file)) as db:
        assert [row["id"] for row in db.execute("SELECT id FROM requests")] == ["a"]


async def test_closing_tries_what_is_unwritten_once_more(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_connection, "BUSY_S", 0.01)
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a"))
        with locked(home), pytest.raises(LedgerError):
            await ledger.settle(outcome("a", attempt("0.5")))
    async with opened(home, [daily("5")]) as ledger:
        assert ledger.recovered == 0
        assert ledger.budgets()[0].spent_usd == Decimal("0.5")


async def test_what_could_never_be_written_is_recovered_at_the_next_start(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_connection, "BUSY_S", 0.01)
    foreign = contextlib.ExitStack()
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a"))
        foreign.enter_context(locked(home))
        with pytest.raises(LedgerError):
            await ledger.settle(outcome("a", attempt("0.5")))
    foreign.close()
    async with opened(home, [daily("5")]) as ledger:
        assert ledger.recovered == 1
        assert ledger.budgets()[0].spent_usd == Decimal(1)


async def test_a_fault_that_nobody_foresaw_is_heard(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("unforeseen")

    ledger = await Ledger.open(paths(home), (), clock=ManualClock())
    monkeypatch.setattr(writer, "commit", broken)
    with pytest.raises(LedgerError, match="closed"):
        await ledger.settle(outcome("a"))
    with pytest.raises(LedgerError, match="closed"):
        await ledger.settle(outcome("b"))
    with pytest.raises(RuntimeError, match="unforeseen"):
        await ledger.close()


async def test_every_commit_reaches_the_disk_and_only_the_writer_writes(home: Path) -> None:
    async with opened(home) as ledger:
        assert await in_writer(ledger, lambda db: db.execute("PRAGMA synchronous").fetchone()[0]) == 2
        assert await in_writer(ledger, lambda db: db.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await ledger._reader.run(lambda db: db.execute("DELETE FROM requests"))
