"""Budgets that limit each session or run by itself: each holds alone, is read again from the file, and says 429."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.clock import ManualClock
from backends.errors import BudgetExceeded, BudgetHeld, SessionBudgetExceeded
from backends.ledger.reservations import Charge, Payer, Reservation
from backends.ledger.running_totals import MEMBERS, RunningTotals
from backends.ledger.store import Ledger
from backends.types import ZERO
from tests.backends.ledger.samples import AT, MODEL, admission, attempt, daily, opened, outcome


async def spend(ledger: Ledger, id: str, usd: str, **whose: Any) -> None:
    await ledger.admit(admission(id, usd, **whose))
    await ledger.settle(outcome(id, attempt(usd), **whose))


async def test_a_hundred_calls_of_one_session_never_overrun_its_limit_and_others_go_on(home: Path) -> None:
    async with opened(home, [daily("1", "session")]) as ledger:
        runaway = [ledger.admit(admission(f"a{i}", "0.03", session="loop")) for i in range(100)]
        others = [ledger.admit(admission(f"b{i}", "0.9", session=f"other {i}")) for i in range(20)]
        verdicts = await asyncio.gather(*runaway, return_exceptions=True)
        assert await asyncio.gather(*others) == [None] * 20
        admitted = [f"a{i}" for i, verdict in enumerate(verdicts) if verdict is None]
        assert len(admitted) == 33
        assert {type(verdict) for verdict in verdicts} == {type(None), BudgetHeld}
        (state,) = ledger.budgets()
        assert (state.reserved_usd, state.members, state.near, state.spent_out) == (Decimal("0.99"), 21, 21, 0)
        for id in admitted:
            await ledger.settle(outcome(id, attempt("0.03"), session="loop"))
        with pytest.raises(SessionBudgetExceeded):
            await ledger.admit(admission("more", "0.03", session="loop"))
        assert ledger.budgets()[0].spent_usd == Decimal("0.99")


async def test_what_a_session_may_not_is_no_empty_account(home: Path) -> None:
    async with opened(home, [daily("1", "session", on_exceeded="refuse"), daily("5", "run", window="total")]) as ledger:
        await spend(ledger, "a", "1", session="s")
        with pytest.raises(SessionBudgetExceeded, match="this session has reached its limit") as refused:
            await ledger.admit(admission("b", "0.1", session="s"))
        error = refused.value
        assert (error.http_status, error.kind, error.should_retry) == (429, "session_budget", False)
        assert error.retry_after_s == 30  # not when the day ends: the agent's user is to read it before
        assert error.on_exceeded == "refuse"
        assert not {"$", "budget", "spent", "money"} & set(str(error).split())
        room = ledger.headroom(agent="scout", engine="cloud", model=MODEL, session="s")
        assert (room.scope, room.left_usd) == ("session", ZERO)
        assert ledger.headroom(agent="scout", engine="cloud", model=MODEL, session="t").left_usd == 1
        assert ledger.headroom(agent="ada", engine="cloud", model=MODEL, session="s").left_usd == 1


async def test_a_run_goes_over_sessions_and_agents_and_without_a_name_it_is_the_session(home: Path) -> None:
    async with opened(home, [daily("1", "run")]) as ledger:
        await spend(ledger, "a", "0.6", session="s1", run="nightly")
        with pytest.raises(BudgetExceeded, match="this run"):
            await ledger.admit(admission("b", "0.6", agent="ada", session="s2", run="nightly"))
        await spend(ledger, "c", "0.6", session="s1")
        with pytest.raises(BudgetExceeded, match="this run"):
            await ledger.admit(admission("d", "0.6", session="s1"))
        await spend(ledger, "e", "0.6", agent="ada", session="s1")


@pytest.mark.parametrize("window", ["day", "total"])
async def test_what_a_session_has_spent_outlives_the_core_and_its_own_rows(home: Path, window: str) -> None:
    clock = ManualClock()
    budgets = [daily("1", "session", window=window), daily("1", "run", window=window)]
    async with opened(home, budgets, clock) as ledger:
        await spend(ledger, "a", "0.7", session="s")
        await spend(ledger, "b", "0.7", session="t", run="r")
        await ledger.admit(admission("open", "0.2", session="s"))
        ledger.sent("open", engine="cloud", model=MODEL)
        await ledger.roll_up(lambda _: ZERO)
        clock.advance(2 * 86_400 if window == "total" else 0)
        await ledger.prune(1)
    async with opened(home, budgets, clock) as ledger:
        assert ledger.recovered == 1
        assert [state.spent_usd for state in ledger.budgets()] == [Decimal("0.9"), Decimal("0.9")]
        for whose in ({"session": "s"}, {"session": "t"}, {"session": "u", "run": "r"}):
            with pytest.raises(SessionBudgetExceeded):
                await ledger.admit(admission("c", "0.4", **whose))


async def test_more_sessions_than_are_kept_in_memory_forget_nothing(home: Path) -> None:
    async with opened(home, [daily("1", "session")]) as ledger:
        await spend(ledger, "first", "0.7", session="first")
        await asyncio.gather(*(spend(ledger, f"{i}", "0.1", session=f"s{i}") for i in range(MEMBERS + 50)))
        await spend(ledger, "last", "0.1", session="last")
        assert ledger.budgets()[0].members == MEMBERS
        with pytest.raises(SessionBudgetExceeded):
            await ledger.admit(admission("again", "0.4", session="first"))
        await spend(ledger, "again", "0.3", session="first")
        assert ledger.budgets()[0].spent_usd == 1


owners = st.builds(Payer, st.sampled_from(("ada", "scout")), st.sampled_from(("s", "t")), st.sampled_from(("", "r")))


@given(st.lists(st.tuples(owners, st.integers(0, 60), st.booleans()), max_size=40))
def test_i2_no_session_and_no_run_is_ever_over_its_limit(calls: list[tuple[Payer, int, bool]]) -> None:
    """Each call is admitted, and some are settled at once, at half of what they reserved."""
    totals = RunningTotals([daily("1", "session"), daily("1.2", "run")], AT)
    spent: dict[tuple[str, str], Decimal] = {}
    for index, (payer, cents, ends) in enumerate(calls):
        usd = Decimal(cents) / 100
        try:
            totals.admit(f"{index}", payer, Reservation("cloud", "cloud", MODEL, usd))
        except BudgetExceeded:
            continue
        if ends:
            totals.settle(f"{index}", [Charge("cloud", MODEL, usd / 2)])
            usd /= 2
        key = (payer.agent, payer.session)
        spent[key] = spent.get(key, ZERO) + usd
    assert all(usd <= 1 for usd in spent.values())
    session, run = totals.states()
    assert session.spent_usd + session.reserved_usd == max(spent.values(), default=ZERO)
    assert run.spent_usd + run.reserved_usd <= run.limit_usd
