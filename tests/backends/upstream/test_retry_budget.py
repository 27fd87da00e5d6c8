import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.clock import ManualClock
from backends.upstream.retry_budget import AT_LEAST, WINDOW_S, RetryBudget


@given(st.integers(0, 200))
@pytest.mark.proves("I14")
def test_second_tries_are_a_share_of_the_first_ones(first: int) -> None:
    budget = RetryBudget(ManualClock())
    for _ in range(first):
        budget.record_first()
    granted = sum(budget.take() for _ in range(500))
    assert granted == max(3, -(-first // 5)), "a fifth, and three at least"


def test_the_budget_fills_up_again_with_time() -> None:
    clock = ManualClock()
    budget = RetryBudget(clock)
    assert [budget.take() for _ in range(AT_LEAST + 1)] == [True] * AT_LEAST + [False]
    clock.advance(WINDOW_S + 1)
    assert budget.take()
