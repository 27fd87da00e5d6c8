"""I2 for budgets of models where a provider answers with other models than were asked for."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from backends.errors import BudgetExceeded
from backends.ledger.running_totals import RunningTotals
from backends.ledger.write_commands import Admit, Settle
from backends.types import ZERO
from tests.backends.ledger.samples import AT, admission, attempt, daily, outcome

MODELS = ("gemini-2.5-flash", "gemini-3.5-flash-lite", "gemini-3.8-flash")
BUDGETS = (*(daily("1", f"model:{model}") for model in MODELS[:2]), daily("2.5"))

models = st.sampled_from(MODELS)
usd = st.decimals("0", "0.9", places=2)
calls = st.lists(st.tuples(models, models, usd, st.sampled_from((0, 1, 2)), st.booleans()), max_size=12)


@given(calls)
def test_i2_no_budget_of_a_model_is_overrun_whichever_models_answer(
    calls: list[tuple[str, str, Decimal, int, bool]],
) -> None:
    """Each call is admitted, and every other one settled at once, at nothing, half or all of its reservation."""
    totals = RunningTotals(BUDGETS, AT)
    still_open: list[tuple[str, str, str, Decimal, int]] = []
    for index, (asked, answering, reserved, halves, at_once) in enumerate(calls):
        try:
            Admit(admission(f"r{index}", str(reserved), model=asked)).enter(totals)
        except BudgetExceeded:
            continue
        still_open.append((f"r{index}", asked, answering, reserved, halves))
        if at_once:
            settle(totals, still_open.pop())
        holds(totals)
    while still_open:
        settle(totals, still_open.pop())
        holds(totals)
    assert all(state.reserved_usd == ZERO for state in totals.states())


def settle(totals: RunningTotals, call: tuple[str, str, str, Decimal, int]) -> None:
    id, asked, answering, reserved, halves = call
    cost = reserved * halves / 2
    asked_for = "" if answering == asked else asked
    ended = outcome(id, attempt(cost, model=answering, model_asked=asked_for))
    Settle(outcome=ended, charged_usd=cost).enter(totals)


def holds(totals: RunningTotals) -> None:
    for state in totals.states():
        assert state.spent_usd >= ZERO
        assert state.reserved_usd >= ZERO
        assert state.spent_usd + state.reserved_usd <= state.limit_usd
        assert state.overrun_usd == ZERO
