"""Budgets by group and in zones of their own, live limits that outlive the core, and overruns that name who billed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.clock import ManualClock
from backends.errors import BudgetExceeded, BudgetHeld, WrongUse
from backends.ledger.budget_limits import in_force, overrides, switch_of
from backends.ledger.budget_override import override_budget
from backends.ledger.reservations import Charge, Payer, Reservation
from backends.ledger.running_totals import RunningTotals
from backends.ledger.store import Ledger
from backends.types import ZERO, Action, BudgetState
from tests.backends.ledger.samples import MODEL, admission, attempt, daily, opened, outcome
from tests.backends.ledger.test_store import rows

D = Decimal
ONE = Charge("cloud", MODEL, D(1))
GROUPS = {"ada": "writers", "writer": "writers"}


def order(scope: str, window: str, usd: str | None) -> Action:
    limit = None if usd is None else D(usd)
    return Action(verb="set-budget", actor="test", scope=scope, window=window, limit_usd=limit)


async def set_budget(ledger: Ledger, scope: str, window: str, usd: str | None) -> Action | None:
    acted = override_budget(order(scope, window, usd), ledger.budgets(), ManualClock().now())
    await ledger.set_budget(acted)
    return acted.undo


async def test_a_group_pays_together(home: Path) -> None:
    async with opened(home, [daily("2", "group:writers", on_exceeded="refuse")], groups=GROUPS) as ledger:
        await ledger.admit(admission("a", "1", agent="ada"))
        await ledger.admit(admission("b", "1", agent="scout"))
        with pytest.raises(BudgetHeld) as held:
            await ledger.admit(admission("c", "1.5", agent="writer"))
        assert held.value.budget == ledger.budgets()[0]
        await ledger.settle(outcome("a", attempt("0.5"), agent="ada"))
        assert ledger.budgets()[0].spent_usd == D("0.5")
        assert ledger.headroom(agent="writer", engine="cloud", model=MODEL).left_usd == D("1.5")
        assert ledger.headroom(agent="scout", engine="cloud", model=MODEL).left_usd is None
    async with opened(home, [daily("2", "group:writers")], groups=GROUPS) as ledger:
        assert ledger.budgets()[0].spent_usd == D("0.5")


async def test_a_limit_set_live_holds_at_once_and_after_a_restart_and_can_be_undone(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "1"))
        undo = await set_budget(ledger, "all", "day", "1.5")
        (state,) = ledger.budgets()
        assert (state.limit_usd, state.overridden, state.settings_limit_usd) == (D("1.5"), True, D(5))
        assert (state.reserved_usd, state.left_usd) == (D(1), D("0.5"))
        with pytest.raises(BudgetExceeded):
            await ledger.admit(admission("b", "0.6"))
    async with opened(home, [daily("5")]) as ledger:
        assert ledger.budgets()[0].limit_usd == D("1.5")
        assert undo is not None
        await set_budget(ledger, undo.scope or "", undo.window or "", None)
        (state,) = ledger.budgets()
        assert (state.limit_usd, state.overridden, state.settings_limit_usd) == (D(5), False, D(5))
    said = [row["action"] for row in rows(home, "SELECT action FROM audit_v1")]
    assert said == ["set-budget all day 1.5", "set-budget all day"]


async def test_a_budget_made_live_counts_what_was_spent_and_what_is_open(home: Path) -> None:
    async with opened(home, [daily("9")]) as ledger:
        await ledger.settle(outcome("before", attempt("1"), agent="ada"))
        await ledger.admit(admission("open", "2", agent="ada"))
        undo = await set_budget(ledger, "agent:ada", "month", "4")
        _, made = ledger.budgets()
        assert (made.scope, made.spent_usd, made.reserved_usd, made.left_usd) == ("agent:ada", D(1), D(2), D(1))
        assert (made.overridden, made.settings_limit_usd) == (True, None)
        with pytest.raises(BudgetHeld) as held:
            await ledger.admit(admission("more", "1.5", agent="ada"))
        assert held.value.budget == made
        await ledger.settle(outcome("open", attempt("0.5"), agent="ada"))
        assert [state.spent_usd for state in ledger.budgets()] == [D("1.5"), D("1.5")]
        assert undo is not None
        await set_budget(ledger, "agent:ada", "month", None)
        assert len(ledger.budgets()) == 1
        assert ledger.budgets()[0].spent_usd == D("1.5")


async def test_a_limit_below_what_is_spent_is_no_overrun_of_the_providers(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "2"))
        await ledger.settle(outcome("a", attempt("2")))
        await set_budget(ledger, "all", "day", "1")
        (state,) = ledger.budgets()
        assert (state.left_usd, state.overrun_usd) == (ZERO, ZERO)


async def test_what_is_billed_beyond_the_caps_is_told_with_its_model(home: Path) -> None:
    async with opened(home, [daily("1.2")]) as ledger:
        await ledger.admit(admission("a", "1"))
        await ledger.settle(outcome("a", attempt("1.5")))
        (state,) = ledger.budgets()
        assert (state.spent_usd, state.overrun_usd, state.overrun_by) == (D("1.5"), D("0.3"), (MODEL,))
    async with opened(home, [daily("1.2")]) as ledger:
        assert ledger.budgets()[0] == state


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (order("nobody", "day", "1"), "'nobody' is not a scope"),
        (order("agent:", "day", "1"), "is not a scope"),
        (order("all", "fortnight", "1"), "'fortnight' is not a window"),
        (order("all", "day", "-1"), "0 or more"),
        (order("all", "day", "NaN"), "0 or more"),
        (order("all", "day", "1e999999"), "0 or more"),
        (order("all", "day", "1e-999999"), "0 or more"),
        (order("engine:", "day", "1"), "'engine:' is not a scope"),
        (order("agent:a\x1b[31m", "day", "1"), "is not a scope"),
        (order(f"agent:{'a' * 3000}", "day", "1"), r"'agent:a{74}' is not a scope"),
        (order("all", "day", None), "the budget all a day was not changed"),
    ],
)
def test_what_is_no_change_is_one_line(action: Action, line: str) -> None:
    totals = RunningTotals([daily("5")], ManualClock().now(), UTC)
    with pytest.raises(WrongUse, match=line):
        override_budget(action, totals.states(), ManualClock().now())


def test_undoing_a_second_change_goes_back_to_the_first() -> None:
    totals = RunningTotals([daily("5")], ManualClock().now(), UTC, limits={("all", "day"): D(3)})
    acted = override_budget(order("all", "day", "2"), totals.states(), ManualClock().now())
    assert acted.undo == order("all", "day", "3")


def test_of_two_budgets_alike_the_one_that_refuses_takes_the_limit() -> None:
    budgets = [daily("3", on_exceeded="alert"), daily("5")]
    found = in_force(
        budgets, overrides({switch_of("all", "day"): "4", "pin:ada": "local", switch_of("x", "day"): "no"})
    )
    assert [budget.limit_usd for budget in found] == [D(3), D(4)]


ZONES = ["Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]


def test_each_budget_has_the_days_of_its_zone() -> None:
    noon = datetime(2026, 10, 25, 12, tzinfo=UTC)
    totals = RunningTotals([daily("5", timezone=zone) for zone in ZONES], noon, UTC)
    for state, zone in zip(totals.states(), ZONES, strict=True):
        assert state.resets_at is not None
        at = state.resets_at.astimezone(ZoneInfo(zone))
        assert (at.hour, at.minute) == (0, 0)
        assert state.timezone == zone
    lengths = [
        ends - began for ends, began in zip((s.resets_at for s in totals.states()), totals.starts, strict=True) if ends
    ]
    assert lengths[0] == timedelta(hours=25)


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 — given a zone


@given(st.sampled_from(ZONES), MOMENTS, st.lists(st.integers(-90_000, 200_000), max_size=12))
def test_w1_no_jump_of_the_clock_reopens_a_window_or_forgets_what_was_spent(
    zone: str, begin: datetime, jumps: list[int]
) -> None:
    budgets = [daily("9", window=window, timezone=zone) for window in ("hour", "day", "week", "month", "total")]
    totals, clock = RunningTotals(budgets, begin, UTC), ManualClock(begin)
    spent: dict[tuple[str, datetime], Decimal] = {}
    for seconds in jumps:
        clock.jump(seconds)
        before = totals.starts
        totals.advance(clock.now())
        assert all(now >= then for now, then in zip(totals.starts, before, strict=True))
        totals.charge(Payer("ada"), [ONE])
        for state, began in zip(totals.states(), totals.starts, strict=True):
            key = (state.window, began)
            spent[key] = spent.get(key, ZERO) + 1
            assert state.spent_usd == spent[key]
            assert state.resets_at is None or began < state.resets_at


@given(st.sampled_from(ZONES), MOMENTS, st.integers(0, 90_000))
def test_w2_a_call_over_midnight_is_charged_to_the_window_of_its_admission(
    zone: str, begin: datetime, seconds: int
) -> None:
    totals = RunningTotals([daily("9", timezone=zone)], begin, UTC)
    first = totals.starts
    totals.admit("a", Payer("ada"), Reservation("cloud", "cloud", MODEL, D(2)))
    totals.advance(begin + timedelta(seconds=seconds))
    totals.settle("a", [ONE])
    (state,) = totals.states()
    assert state.reserved_usd == ZERO
    assert state.spent_usd == (1 if totals.starts == first else 0)


def test_an_alert_stands_from_its_share_on() -> None:
    (state,) = RunningTotals([daily("5", alert_at=0.5)], ManualClock().now(), UTC).states()
    assert isinstance(state, BudgetState)
    assert state.alert_at == 0.5
