"""Budgets hold before every call, whoever asks at the same time, and are charged to the last digit."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from backends.errors import BudgetExceeded, BudgetHeld
from backends.ledger.reservations import Headroom
from backends.types import ZERO
from tests.backends.ledger.samples import MODEL, admission, attempt, daily, opened, outcome


async def test_what_does_not_fit_is_refused_and_leaves_no_trace(home: Path) -> None:
    async with opened(home, [daily("1.5")]) as ledger:
        await ledger.admit(admission("a", "1"))
        await ledger.settle(outcome("a", attempt("1")))
        with pytest.raises(BudgetExceeded, match=r"has \$0.5 left of \$1.5 .* may cost \$0.6") as refused:
            await ledger.admit(admission("b", "0.6"))
        assert type(refused.value) is BudgetExceeded
        assert refused.value.on_exceeded == "local"
        assert refused.value.budget == ledger.budgets()[0]
        await ledger.admit(admission("b", "0.5"))
        assert ledger.budgets()[0].left_usd == ZERO


async def test_what_only_calls_in_flight_keep_from_fitting_is_held_not_spent(home: Path) -> None:
    async with opened(home, [daily("1.5"), daily("1.2", "agent:scout", on_exceeded="refuse")]) as ledger:
        await ledger.admit(admission("a", "1"))
        with pytest.raises(BudgetHeld) as held:
            await ledger.admit(admission("b", "0.6"))
        assert (held.value.http_status, held.value.budget) == (429, ledger.budgets()[1])
        await ledger.settle(outcome("a", attempt("0.7")))
        with pytest.raises(BudgetExceeded) as spent:
            await ledger.admit(admission("b", "0.6"))
    assert spent.value.http_status == 402


async def test_five_hundred_at_once_never_overrun(home: Path) -> None:
    async with opened(home, [daily("10"), daily("4", "agent:ada")]) as ledger:
        agents = ("ada", "scout")
        calls = [ledger.admit(admission(f"{i}", "0.3", agent=agents[i % 2])) for i in range(500)]
        verdicts = await asyncio.gather(*calls, return_exceptions=True)
        admitted = [f"{i}" for i, verdict in enumerate(verdicts) if verdict is None]
        assert len(admitted) == 33
        assert {type(verdict) for verdict in verdicts} == {type(None), BudgetHeld}
        everything, ada = ledger.budgets()
        assert (everything.reserved_usd, ada.reserved_usd) == (Decimal("9.9"), Decimal("3.9"))
        await asyncio.gather(*(ledger.settle(outcome(id, attempt("0.1"), agent="ada")) for id in admitted))
        assert [state.reserved_usd for state in ledger.budgets()] == [ZERO, ZERO]
        assert ledger.budgets()[0].spent_usd == Decimal("3.3")
        await ledger.admit(admission("later", "6.7"))


@pytest.mark.parametrize(
    ("scope", "fits"),
    [
        ("all", False),
        ("agent:scout", False),
        ("agent:ada", True),
        ("engine:cloud", False),
        ("engine:local", True),
        (f"model:{MODEL}", False),
        ("model:gemini-2.5-pro", True),
    ],
)
async def test_a_budget_covers_its_scope(home: Path, scope: str, fits: bool) -> None:
    async with opened(home, [daily("0.5", scope)]) as ledger:
        if fits:
            await ledger.admit(admission("a"))
            await ledger.settle(outcome("a", attempt("0.7")))
        else:
            with pytest.raises(BudgetExceeded):
                await ledger.admit(admission("a"))
        assert ledger.budgets()[0].spent_usd == ledger.budgets()[0].reserved_usd == ZERO


async def test_an_alert_budget_counts_but_never_refuses(home: Path) -> None:
    async with opened(home, [daily("0.5", on_exceeded="alert")]) as ledger:
        await ledger.admit(admission("a"))
        (state,) = ledger.budgets()
        assert (state.reserved_usd, state.left_usd) == (Decimal(1), ZERO)
        assert ledger.headroom(agent="scout", engine="cloud", model=MODEL) == Headroom(
            left_usd=None, on_exceeded=None, scope=None
        )


async def test_a_call_that_costs_nothing_always_fits(home: Path) -> None:
    async with opened(home, [daily("0")]) as ledger:
        await ledger.admit(admission("a", "0", engine="local", model="qwen2.5:14b"))
        with pytest.raises(BudgetExceeded):
            await ledger.reserve("a", engine="cloud", zone="cloud", model=MODEL, amount=Decimal("0.000001"))


async def test_refusal_outranks_going_local(home: Path) -> None:
    async with opened(home, [daily("0"), daily("0", "agent:scout", on_exceeded="refuse")]) as ledger:
        with pytest.raises(BudgetExceeded, match="agent:scout") as refused:
            await ledger.admit(admission("a"))
        assert refused.value.on_exceeded == "refuse"


async def test_a_further_attempt_needs_a_further_reservation(home: Path) -> None:
    async with opened(home, [daily("2.5"), daily("9", "engine:cloud")]) as ledger:
        await ledger.admit(admission("a", "1"))
        await ledger.reserve("a", engine="cloud", zone="cloud", model=MODEL, amount=Decimal(1))
        with pytest.raises(BudgetExceeded):
            await ledger.reserve("a", engine="cloud", zone="cloud", model=MODEL, amount=Decimal(1))
        assert [state.reserved_usd for state in ledger.budgets()] == [Decimal(2), Decimal(2)]
        await ledger.settle(outcome("a", attempt("0.25"), attempt("0.5")))
        assert [state.spent_usd for state in ledger.budgets()] == [Decimal("0.75"), Decimal("0.75")]
        assert [state.reserved_usd for state in ledger.budgets()] == [ZERO, ZERO]


async def test_an_estimate_is_charged_at_its_upper_bound(home: Path) -> None:
    budgets = [daily("5"), daily("5", "engine:cloud"), daily("5", "engine:local")]
    async with opened(home, budgets) as ledger:
        await ledger.admit(admission("a", "1"))
        both = (attempt("0.25", estimated=True), attempt("0", "local", "qwen2.5:14b"))
        await ledger.settle(outcome("a", *both), charged_usd=Decimal("0.9"))
        assert [state.spent_usd for state in ledger.budgets()] == [Decimal("0.9"), Decimal("0.9"), ZERO]
        assert ledger.spend().today_usd == Decimal("0.25")
    async with opened(home, budgets) as ledger:
        assert [state.spent_usd for state in ledger.budgets()] == [Decimal("0.9"), Decimal("0.9"), ZERO]


async def test_budgets_are_never_charged_less_than_the_cost(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "1"))
        await ledger.settle(outcome("a", attempt("0.5")), charged_usd=Decimal("0.1"))
        assert ledger.budgets()[0].spent_usd == Decimal("0.5")


async def test_a_request_without_a_call_is_charged_nothing(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "1"))
        await ledger.settle(outcome("a", engine="cloud", cache="miss", finish="cancelled"))
        (state,) = ledger.budgets()
        assert (state.spent_usd, state.reserved_usd, state.left_usd) == (ZERO, ZERO, Decimal(5))


async def test_what_was_never_admitted_is_charged_all_the_same(home: Path) -> None:
    budgets = [daily("5"), daily("5", "agent:ada")]
    async with opened(home, budgets) as ledger:
        await ledger.settle(outcome("a", attempt("0.5")))
        assert [state.spent_usd for state in ledger.budgets()] == [Decimal("0.5"), ZERO]


async def test_room_is_the_tightest_hard_budget(home: Path) -> None:
    async with opened(home, [daily("5"), daily("2", "agent:scout", on_exceeded="refuse")]) as ledger:
        await ledger.admit(admission("a", "0.5", agent="scout"))
        assert ledger.headroom(agent="scout", engine="cloud", model=MODEL) == Headroom(
            left_usd=Decimal("1.5"),
            on_exceeded="refuse",
            scope="agent:scout",
            unspent_usd=Decimal(2),
            limit_usd=Decimal(2),
            resets_at=ledger.budgets()[1].resets_at,
            resets_s=12 * 3600.0,
        )
        assert ledger.headroom(agent="ada", engine="cloud", model=MODEL).scope == "all"


async def test_a_new_budget_counts_what_was_spent_before_it(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "2"))
        await ledger.settle(outcome("a", attempt("1.25")))
    later = [daily("9", window="month"), daily("9", "agent:scout", window="total"), daily("9", "agent:ada")]
    async with opened(home, later) as ledger:
        assert [state.spent_usd for state in ledger.budgets()] == [Decimal("1.25"), Decimal("1.25"), ZERO]


async def test_a_bill_above_the_worst_case_is_the_truth(home: Path) -> None:
    async with opened(home, [daily("1")]) as ledger:
        await ledger.admit(admission("a", "1"))
        await ledger.settle(outcome("a", attempt("1.5")))
        (state,) = ledger.budgets()
        assert (state.spent_usd, state.left_usd) == (Decimal("1.5"), ZERO)
        await ledger.admit(admission("b", "0", engine="local", model="qwen2.5:14b"))


async def test_a_budget_of_any_engine_pays_for_its_calls_alone(home: Path) -> None:
    backup = {"engine": "backup", "zone": "cloud", "model": "anthropic/claude-sonnet-4"}
    async with opened(home, [daily("1.5", "engine:backup")]) as ledger:
        await ledger.admit(admission("a", "9"))
        await ledger.admit(admission("b", "1", **backup))
        with pytest.raises(BudgetExceeded, match="the day budget of engine:backup"):
            await ledger.admit(admission("c", "2", **backup))
        call = attempt("0.25", "backup", backup["model"])
        await ledger.settle(outcome("b", call))
        assert ledger.headroom(agent="scout", engine="backup", model=backup["model"]).left_usd == Decimal("1.25")
        assert ledger.headroom(agent="scout", engine="cloud", model=MODEL).left_usd is None
    async with opened(home, [daily("1.5", "engine:backup")]) as ledger:
        assert ledger.budgets()[0].spent_usd == Decimal("0.25")
