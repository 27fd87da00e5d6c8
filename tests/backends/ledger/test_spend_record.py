"""What budgets have spent survives the loss of the ledger, or the cloud stays shut until an operator says otherwise."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.clock import ManualClock
from backends.errors import BudgetExceeded, LedgerError
from backends.ledger.spend_record import SpendRecord
from backends.ledger.store import Ledger
from backends.types import ZERO
from tests.backends.ledger.samples import AT, MODEL, admission, attempt, daily, opened, outcome, paths

BUDGETS = [daily("5"), daily("5", window="month"), daily("5", window="total"), daily("1", "session")]
SHUT = {"cloud_stopped": "because"}


def deleted(home: Path) -> None:
    for file in paths(home).state.glob("ledger.db*"):
        file.unlink()


def cut_to_nothing(home: Path) -> None:
    deleted(home)
    paths(home).ledger.touch()


def garbled(home: Path) -> None:
    paths(home).ledger.write_bytes(b"this is no database, it is a letter to you " * 200)


def older_copy(home: Path) -> None:
    deleted(home)
    shutil.copy(home / "backup.db", paths(home).ledger)


async def spent(ledger: Ledger) -> list[Decimal]:
    return [state.spent_usd for state in ledger.budgets()]


async def started_after(home: Path, loss: Callable[[Path], None], clock: ManualClock | None = None) -> Ledger:
    """A ledger opened as a service manager would: again, where the first start ends."""
    await asyncio.to_thread(loss, home)
    where = paths(home)
    for _ in range(2):
        try:
            return await Ledger.open(where, BUDGETS, clock=clock or ManualClock(), if_spend_unknown=SHUT)
        except LedgerError as error:
            assert "what budgets have spent is kept apart" in str(error)
    raise AssertionError("the second start ends as well")


async def spend(home: Path) -> None:
    async with opened(home, BUDGETS) as ledger:
        await ledger.settle(outcome("a", attempt("3"), session="s"))
        await asyncio.to_thread(paths(home).install_key.touch)
        with closing(sqlite3.connect(paths(home).ledger)) as db:
            db.execute("VACUUM INTO ?", (str(home / "backup.db"),))
        await ledger.settle(outcome("b", attempt("0.9"), session="t"))


@pytest.mark.parametrize("loss", [deleted, cut_to_nothing, garbled, older_copy])
@pytest.mark.proves("D2")
async def test_a_lost_ledger_forgets_no_spend(home: Path, loss: Callable[[Path], None]) -> None:
    await spend(home)
    ledger = await started_after(home, loss)
    assert await spent(ledger) == [Decimal("3.9")] * 3 + [Decimal(3)]
    assert ledger.carried_usd == (Decimal("0.9") if loss is older_copy else Decimal("3.9"))
    assert await ledger.controls() == {}
    with pytest.raises(BudgetExceeded):
        await ledger.admit(admission("c", "1.2"))
    await ledger.settle(outcome("d", attempt("1")))
    await ledger.close()
    async with opened(home, BUDGETS) as again:  # and charges it once
        assert await spent(again) == [Decimal("4.9")] * 3 + [Decimal(3)]
        assert again.carried_usd == ZERO


@pytest.mark.parametrize("record", ["gone", "garbled"])
@pytest.mark.parametrize("loss", [deleted, cut_to_nothing, garbled])
@pytest.mark.proves("D2")
async def test_without_ledger_and_record_the_cloud_stays_shut(
    home: Path, loss: Callable[[Path], None], record: str
) -> None:
    await spend(home)
    for file in paths(home).state.glob("spend.db*"):
        if record == "gone":
            file.unlink()
        else:
            file.write_bytes(b"?" * 5000)
    ledger = await started_after(home, loss)
    assert await ledger.controls() == SHUT
    await ledger.close()
    async with opened(home, BUDGETS) as again:  # over any number of restarts
        assert await again.controls() == SHUT


@pytest.mark.parametrize("damage", [bytes.upper, lambda _: b"", lambda whole: whole[:5000], lambda _: b"?" * 9000])
async def test_a_damaged_record_beside_a_sound_ledger_is_made_anew(
    home: Path, damage: Callable[[bytes], bytes]
) -> None:
    await spend(home)
    file = paths(home).spend_record
    await asyncio.to_thread(lambda: file.write_bytes(damage(file.read_bytes())))
    async with opened(home, BUDGETS, if_spend_unknown=SHUT) as ledger:
        assert await ledger.controls() == {}
    ledger = await started_after(home, deleted)
    assert await spent(ledger) == [Decimal("3.9")] * 3 + [Decimal(3)]
    await ledger.close()


async def test_a_new_install_is_no_loss(home: Path) -> None:
    async with opened(home, BUDGETS, if_spend_unknown=SHUT) as ledger:
        assert await ledger.controls() == {}
        assert ledger.carried_usd == ZERO


async def test_a_ledger_of_an_earlier_version_has_no_record_and_needs_none(home: Path) -> None:
    await spend(home)
    for file in paths(home).state.glob("spend.db*"):
        file.unlink()
    async with opened(home, BUDGETS, if_spend_unknown=SHUT) as ledger:
        assert await ledger.controls() == {}
        assert await spent(ledger) == [Decimal("3.9")] * 3 + [Decimal(3)]
    ledger = await started_after(home, deleted)
    assert (await spent(ledger))[0] == Decimal("3.9")
    await ledger.close()


async def test_deleting_old_rows_is_no_loss(home: Path) -> None:
    clock = ManualClock()
    async with opened(home, BUDGETS, clock) as ledger:
        for number in range(5):
            await ledger.settle(outcome(f"{number}", attempt("0.1"), started_at=clock.now()))
            clock.advance(7_000)
        await ledger.roll_up(lambda _: ZERO)
        clock.advance(90 * 86_400)
        await ledger.prune(30)
        assert await ledger.recent(9) == ()
    async with opened(home, BUDGETS, clock) as ledger:
        assert ledger.carried_usd == ZERO
        assert (await spent(ledger))[2] == Decimal("0.5")


async def test_a_record_that_cannot_be_written_holds_nothing_up(home: Path) -> None:
    async with opened(home, BUDGETS) as ledger:
        await ledger.settle(outcome("a", attempt("1")))
        with closing(sqlite3.connect(paths(home).spend_record, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await ledger.settle(outcome("b", attempt("1")))
        await ledger.settle(outcome("c", attempt("1")))
    ledger = await started_after(home, deleted)
    assert (await spent(ledger))[0] == Decimal(3)
    await ledger.close()


charges = st.lists(
    st.tuples(st.integers(0, 60 * 24 * 40), st.decimals("0.001", 2, places=3), st.sampled_from(("ada", "scout"))),
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(charges, st.integers(0, 12))
def test_no_window_ever_counts_less_than_was_spent(made: list[tuple[int, Decimal, str]], kept: int) -> None:
    """Whatever copy of the ledger is put back."""
    budgets = [daily("1000", window=window) for window in ("hour", "day", "week", "month", "total")]

    async def story(home: Path) -> None:
        clock = ManualClock()
        ordered = sorted(made)
        for number, (minute, usd, agent) in enumerate(ordered):
            async with opened(home, budgets, clock) as ledger:
                clock.advance((AT + timedelta(minutes=minute) - clock.now()).total_seconds())
                await ledger.settle(outcome(f"{number}", attempt(usd), agent=agent, started_at=clock.now()))
            if number + 1 == kept:
                await asyncio.to_thread(shutil.copy, paths(home).ledger, home / "backup.db")
        async with opened(home, budgets, clock) as ledger:
            before = await spent(ledger)
        await asyncio.to_thread(older_copy if (home / "backup.db").exists() else deleted, home)
        async with opened(home, budgets, clock) as ledger:
            after = await spent(ledger)
        assert all(one >= other for one, other in zip(after, before, strict=True))
        assert after[-1] == before[-1]

    with TemporaryDirectory() as folder:
        asyncio.run(story(Path(folder)))


async def test_a_link_in_its_place_is_not_followed(home: Path, tmp_path: Path) -> None:
    where = paths(home)
    await asyncio.to_thread(where.make)
    target = tmp_path / "elsewhere"
    await asyncio.to_thread(target.write_text, "mine")
    await asyncio.to_thread(where.spend_record.symlink_to, target)
    async with opened(home, BUDGETS) as ledger:
        await ledger.settle(outcome("a", attempt("1", model=MODEL)))
    assert await asyncio.to_thread(target.read_text) == "mine"
    assert await asyncio.to_thread(SpendRecord.is_sound, where.spend_record)
