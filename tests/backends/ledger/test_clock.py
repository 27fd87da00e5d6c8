"""The wall clock may jump and days may turn with calls in flight: spend is charged once, to the window of admission."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from backends.clock import ManualClock
from backends.errors import BudgetExceeded
from backends.types import ZERO
from tests.backends.ledger.samples import MODEL, admission, attempt, daily, opened, outcome

DAY_S = 86_400
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.proves("W2")
async def test_a_call_over_midnight_is_charged_to_the_day_it_was_admitted(home: Path) -> None:
    clock = ManualClock(datetime(2026, 1, 31, 23, 59, tzinfo=UTC))
    budgets = [daily("1"), daily("5", window="month")]
    async with opened(home, budgets, clock) as ledger:
        await ledger.admit(admission("old", "1"))
        clock.advance(120)
        await ledger.admit(admission("new", "1"))
        assert [state.reserved_usd for state in ledger.budgets()] == [Decimal(1), Decimal(1)]
        await ledger.settle(outcome("old", attempt("0.75")))
        assert [state.spent_usd for state in ledger.budgets()] == [ZERO, ZERO]
        assert ledger.spend().today_requests == 0
        assert ledger.spend().month_usd == ZERO
        await ledger.settle(outcome("new", attempt("0.5")))
        assert [state.spent_usd for state in ledger.budgets()] == [Decimal("0.5"), Decimal("0.5")]
        before = ledger.spend()
    async with opened(home, budgets, clock) as ledger:
        assert ledger.spend() == before


async def test_a_further_reservation_after_midnight_counts_against_the_day_before(home: Path) -> None:
    clock = ManualClock(datetime(2026, 1, 15, 23, 59, tzinfo=UTC))
    async with opened(home, [daily("1")], clock) as ledger:
        await ledger.admit(admission("old", "0.75"))
        clock.advance(120)
        await ledger.admit(admission("new", "1"))
        await ledger.reserve("old", engine="cloud", zone="cloud", model=MODEL, amount=Decimal("0.25"))
        with pytest.raises(BudgetExceeded):
            await ledger.reserve("old", engine="cloud", zone="cloud", model=MODEL, amount=Decimal("0.01"))
        assert ledger.budgets()[0].reserved_usd == Decimal(1)


async def test_days_turn_without_a_write(home: Path) -> None:
    clock = ManualClock()
    async with opened(home, [daily("5"), daily("5", window="total")], clock) as ledger:
        await ledger.admit(admission("a", "1"))
        await ledger.settle(outcome("a", attempt("1")))
        clock.advance(DAY_S)
        assert ledger.spend().today_usd == ZERO
        assert ledger.spend().month_usd == Decimal(1)
        assert [state.spent_usd for state in ledger.budgets()] == [ZERO, Decimal(1)]
        assert ledger.headroom(agent="scout", engine="cloud", model=MODEL).left_usd == Decimal(4)


@pytest.mark.proves("W1")
async def test_a_clock_that_jumps_back_reopens_no_window(home: Path) -> None:
    clock = ManualClock()
    async with opened(home, [daily("1")], clock) as ledger:
        clock.jump(DAY_S)
        await ledger.admit(admission("a", "1"))
        await ledger.settle(outcome("a", attempt("1"), at=clock.now()))
        clock.jump(-25 * 3600)
        with pytest.raises(BudgetExceeded):
            await ledger.admit(admission("b", "0.1"))
        assert ledger.spend().today_usd == Decimal(1)
    async with opened(home, [daily("1")], clock) as ledger:
        assert ledger.budgets()[0].spent_usd == Decimal(1)
        with pytest.raises(BudgetExceeded):
            await ledger.admit(admission("b", "0.1"))
        clock.advance(2 * DAY_S + 3600)
        await ledger.admit(admission("b", "0.1"))


@pytest.mark.proves("W1")
async def test_what_is_spent_after_a_jump_back_is_not_forgotten(home: Path) -> None:
    clock = ManualClock()
    async with opened(home, [daily("1")], clock) as ledger:
        clock.jump(DAY_S)
        await ledger.admit(admission("a", "0.5"))
        await ledger.settle(outcome("a", attempt("0.5"), at=clock.now()))
        clock.jump(-25 * 3600)
        await ledger.admit(admission("b", "0.25"))
        await ledger.settle(outcome("b", attempt("0.25"), at=clock.now()))
        before = ledger.spend()
    async with opened(home, [daily("1")], clock) as ledger:
        assert ledger.spend() == before
        assert before.budgets[0].spent_usd == before.today_usd == Decimal("0.75")


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
@pytest.mark.proves("W2")
async def test_odd_days_reset_at_local_midnight(home: Path, day: date, hours: int) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=BERLIN).astimezone(UTC)
    clock = ManualClock(midnight)
    async with opened(home, [daily("1")], clock, BERLIN) as ledger:
        await ledger.admit(admission("a", "1"))
        clock.advance(hours * 3600 - 1)
        with pytest.raises(BudgetExceeded):
            await ledger.admit(admission("b", "1"))
        assert ledger.budgets()[0].resets_at == clock.now() + timedelta(seconds=1)
        clock.advance(1)
        await ledger.admit(admission("b", "1"))
