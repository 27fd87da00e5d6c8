"""D1 with `serve`: rows go on while the file takes none, are taken in once, and budgets hold for both together."""

import asyncio
import contextlib
import json
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from backends.clock import ManualClock
from backends.errors import BudgetHeld, LedgerError, WrongUse
from backends.ledger.integrity_check import find_faults
from backends.ledger.request_rows import AdmissionRow, FinalRow, ReservationRow, encode, pack
from backends.ledger.running_totals import RunningTotals
from backends.ledger.spill import SpillFile
from backends.ledger.sqlite_connection import WriteWaits, connect_read_only, writable
from backends.ledger.store import Ledger
from backends.ledger.write_commands import Admit
from backends.types import ZERO, Acted, Action
from tests.backends.ledger.samples import AT, MODEL, admission, attempt, daily, opened, outcome, paths
from tests.waiting import until

SPILL = 65_536
SOON = WriteWaits(busy_s=0.01, retry_s=0.01)
BUDGETS = [daily("5"), daily("9", window="total")]

HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
db.execute("ROLLBACK")
"""


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Another process holds the file."""
    command = [sys.executable, "-c", HOLD, str(paths(home).ledger)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            other.stdin.close()
            other.wait(10)


class Writing:
    """The connection that a ledger writes with, which the test can use too while the ledger is at rest."""

    db: sqlite3.Connection

    def connect(self, path: Path, waits: WriteWaits) -> sqlite3.Connection:
        self.db = writable(path, waits, check_same_thread=False)
        return self.db


@contextmanager
def full(db: sqlite3.Connection) -> Iterator[None]:
    """A disk without a page left for the ledger."""
    db.execute("PRAGMA max_page_count = 1").fetchall()
    db.execute("PRAGMA wal_checkpoint").fetchall()
    with contextlib.suppress(sqlite3.OperationalError):
        for number in range(10_000):  # use up the pages in hand
            db.execute("INSERT INTO controls VALUES (?, ?)", (f"filler {number}", "x" * 500))
    try:
        yield
    finally:
        db.execute("PRAGMA max_page_count = 1000000").fetchall()


@contextmanager
def no_room_for_any_file() -> Iterator[None]:
    """A quota that is used up: every write to a file fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def stored(home: Path) -> dict[str, str]:
    with contextlib.closing(connect_read_only(paths(home).ledger)) as db:
        assert list(find_faults(db, core_runs=False)) == []
        return {row["id"]: row["cost_usd"] for row in db.execute("SELECT id, cost_usd FROM requests")}


async def test_a_full_disk_holds_nobody_up_and_every_row_comes_in_once(home: Path) -> None:
    told: list[str] = []
    writing = Writing()
    async with opened(home, BUDGETS, spill_bytes=SPILL, waits=SOON, connect=writing.connect) as ledger:
        ledger.on_spill_change(lambda: told.append(ledger.spill_status()))
        await ledger.admit(admission("before", "1"))
        with full(writing.db):
            await ledger.settle(outcome("before", attempt("0.5"), notes=("x" * 9000,)))
            await ledger.admit(admission("within", "1"))
            await ledger.reserve("within", engine="cloud", zone="cloud", model=MODEL, amount=Decimal(1))
            assert [state.reserved_usd for state in ledger.budgets()] == [Decimal(2), Decimal(2)]
            await ledger.settle(outcome("within", attempt("0.25"), attempt("0.25")))
            await ledger.settle(outcome("hit"))
            await ledger.admit(admission("open", "1"))
            assert "free space on its disk" in ledger.spill_status()
            assert "KiB full" in ledger.spill_status()
        await until(lambda: not ledger.spill_status())
        assert [state.spent_usd for state in ledger.budgets()] == [Decimal(1), Decimal(1)]
        assert [state.reserved_usd for state in ledger.budgets()] == [Decimal(1), Decimal(1)]
        await ledger.settle(outcome("open", attempt("0.75")))
        assert ledger.spend().today_usd == Decimal("1.75")
    assert told[0] != told[-1] == ""
    assert await asyncio.to_thread(stored, home) == {"before": "0.5", "within": "0.50", "hit": "0", "open": "0.75"}


async def test_budgets_hold_for_the_file_and_the_spill_together(home: Path) -> None:
    async with opened(home, BUDGETS, spill_bytes=SPILL, waits=SOON) as ledger:
        await ledger.admit(admission("a", "3"))
        with locked(home):
            await ledger.settle(outcome("a", attempt("3")))
            await ledger.admit(admission("b", "1.5"))
            with pytest.raises(BudgetHeld):
                await ledger.admit(admission("c", "0.6"))
            await ledger.settle(outcome("b", attempt("0.5")))
            await ledger.admit(admission("d", "1.5"))
            (state, _) = ledger.budgets()
            assert (state.spent_usd, state.reserved_usd, state.left_usd) == (Decimal("3.5"), Decimal("1.5"), ZERO)
        await until(lambda: not ledger.spill_status())
        assert ledger.budgets()[0] == state


async def test_what_was_said_twice_counts_once(home: Path) -> None:
    async with opened(home, BUDGETS, spill_bytes=SPILL, waits=SOON) as ledger:
        await ledger.settle(outcome("known", attempt("1")))
        with locked(home):
            await ledger.settle(outcome("new", attempt("1")))
            await ledger.settle(outcome("new", attempt("2")))
            await ledger.settle(outcome("known", attempt("2")))
            for id in ("known", "new"):
                with pytest.raises(WrongUse, match="admitted before"):
                    await ledger.admit(admission(id))
            await ledger.admit(admission("open"))
            with pytest.raises(WrongUse, match="admitted before"):
                await ledger.admit(admission("open"))
            with pytest.raises(LedgerError, match="is not open"):
                await ledger.reserve("new", engine="cloud", zone="cloud", model=MODEL, amount=ZERO)
            assert ledger.budgets()[0].spent_usd == Decimal(2)
            await ledger.settle(outcome("open"))
    assert await asyncio.to_thread(stored, home) == {"known": "1", "new": "1", "open": "0"}


async def test_a_full_spill_admits_nobody_but_lets_those_end_who_are_in(home: Path) -> None:
    async with opened(home, spill_bytes=SPILL, waits=SOON) as ledger:
        with locked(home):
            admitted: list[str] = []
            with pytest.raises(LedgerError, match="the spill of 64 KiB is full"):
                for number in range(99):
                    await ledger.admit(admission(f"{number}"))
                    admitted.append(f"{number}")
            assert len(admitted) > 5
            await asyncio.gather(*(ledger.settle(outcome(id, attempt("0.1"))) for id in admitted))
            with pytest.raises(LedgerError, match="is full"):
                await ledger.settle(outcome("large", notes=("x" * SPILL,)))
            with pytest.raises(LedgerError, match="try again once it can be written"):
                action = Action(verb="stop-cloud", actor="test")
                await ledger.set_control("cloud_stopped", "1", Acted(at=AT, action=action, detail="stopped"))
        await until(lambda: ledger.spend().today_requests == len(admitted) + 1)
        assert not ledger.spill_status()
    assert await asyncio.to_thread(stored, home) == {**dict.fromkeys(admitted, "0.1"), "large": "0"}


async def test_what_the_spill_cannot_write_is_no_row_and_no_charge(home: Path) -> None:
    async with opened(home, BUDGETS, spill_bytes=SPILL, waits=SOON) as ledger:
        with locked(home), no_room_for_any_file():
            with pytest.raises(LedgerError, match="and neither can the spill"):
                await ledger.admit(admission("a"))
            assert ledger.budgets()[0].reserved_usd == ZERO


async def test_a_core_that_ends_meanwhile_leaves_it_to_the_next(home: Path) -> None:
    with contextlib.ExitStack() as other:
        async with opened(home, BUDGETS, spill_bytes=SPILL, waits=SOON) as ledger:
            other.enter_context(locked(home))
            await ledger.settle(outcome("a", attempt("1")))
            await ledger.admit(admission("b", "2"))
            ledger.sent("b", engine="cloud", model=MODEL)
    async with opened(home, BUDGETS) as ledger:  # not wanted any more: taken in, then gone
        assert ledger.recovered == 1
        assert ledger.budgets()[0].spent_usd == Decimal(3)
        assert not paths(home).spill.exists()
    assert await asyncio.to_thread(stored, home) == {"a": "1", "b": "2"}


CRASH = """
import asyncio, os, signal, sys
from decimal import Decimal
from pathlib import Path
from backends.ledger.spill import SpillFile
from backends.ledger.sqlite_connection import WriteWaits
from tests.backends.ledger.samples import MODEL, admission, attempt, opened, outcome, daily

soon = WriteWaits(busy_s=0.01, retry_s=0.01)
home, where = Path(sys.argv[1]), sys.argv[2]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with opened(home, [daily("5")], spill_bytes=65536, waits=soon) as ledger:
        await ledger.admit(admission("a", "1"))
        print("ready", flush=True)
        sys.stdin.readline()
        await ledger.settle(outcome("a", attempt("0.5")))
        await ledger.admit(admission("b", "1"))
        ledger.sent("b", engine="cloud", model=MODEL)
        await ledger.reserve("b", engine="cloud", zone="cloud", model="m", amount=Decimal(1))
        ledger.sent("b", engine="cloud", model="m")
        assert ledger.spill_status()
        if where == "spilled":
            die()
        SpillFile.reset = die  # after the rows were taken in, before the spill is emptied
        print("spilled", flush=True)
        await asyncio.sleep(30)

asyncio.run(main())
"""


@pytest.mark.parametrize("where", ["spilled", "merged"])
async def test_killed_between_spill_and_merge_nothing_is_lost_and_nothing_comes_twice(home: Path, where: str) -> None:
    command = [sys.executable, "-c", CRASH, str(home), where]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as core:  # noqa: ASYNC220 — nothing else runs here
        assert core.stdin
        assert core.stdout
        assert core.stdout.readline() == "ready\n"
        with locked(home):
            core.stdin.write("\n")
            core.stdin.flush()
            if where == "merged":
                assert core.stdout.readline() == "spilled\n"
            else:
                core.wait(20)
        assert core.wait(20) == -9
    for recovered in (1, 0):
        async with opened(home, [daily("5")], spill_bytes=SPILL, waits=SOON) as ledger:
            assert ledger.recovered == recovered
            (state,) = ledger.budgets()
            assert (state.spent_usd, state.reserved_usd) == (Decimal("2.5"), ZERO)
    assert await asyncio.to_thread(stored, home) == {"a": "0.5", "b": "2"}


async def test_a_row_of_another_version_is_one_line_and_stays(home: Path) -> None:
    async with opened(home, spill_bytes=SPILL):
        pass
    spill = SpillFile.open(paths(home).spill, SPILL)
    spill.append([json.dumps(["unheard-of", 1]).encode()])
    spill.close()
    with pytest.raises(LedgerError, match="of another version of claw"):
        await Ledger.open(paths(home), (), clock=ManualClock(), spill_bytes=SPILL)
    spill = SpillFile.open(paths(home).spill, SPILL)
    assert len(list(spill.records())) == 1
    spill.close()


async def test_rows_of_an_earlier_versions_spill_are_of_the_zone_of_their_engine(home: Path) -> None:
    async with opened(home, spill_bytes=SPILL):
        pass
    held = ReservationRow("a", "cloud", MODEL, "1")
    row = Admit(admission("a")).rows(RunningTotals((), AT)).row
    final = encode(outcome("b", attempt("0", "local"))) | dict.fromkeys(("prompt_hash", "price_source"))
    del final["recorded_zone"]
    records = (
        AdmissionRow("a", row, held),
        FinalRow("b", final | {"charged_at": row["charged_at"]}, (), None),
    )
    spill = SpillFile.open(paths(home).spill, SPILL)
    # A reservation was written as its id, engine, model and amount.
    spill.append([pack(one).replace(b',"1",null]', b',"1"]') for one in records])
    spill.close()
    async with opened(home, spill_bytes=SPILL, waits=SOON) as ledger:
        found = await ledger.recent(9)
    assert [(one.id, one.zone) for one in found] == [("b", "local"), ("a", "cloud")]
