"""Requests and tokens a minute: never more than the limit over any time, and no false refusal once it is paid for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.clock import ManualClock
from backends.errors import RateLimited
from backends.settings.agents import Agent
from backends.types import Tokens
from backends.upstream.rate_limiter import RateLimiter


def limiter(clock: ManualClock, **limits: int) -> RateLimiter:
    return RateLimiter({"ada": Agent(**limits), "scout": Agent()}, clock)  # type: ignore[arg-type]


def test_requests_a_minute_fill_up_steadily() -> None:
    clock = ManualClock()
    it = limiter(clock, requests_per_minute=6)
    for number in range(6):
        it.admit(f"{number}", "ada", 10)
    with pytest.raises(RateLimited, match=r"ada has used its 6 requests a minute: try again in 10 s") as refused:
        it.admit("7", "ada", 10)
    assert refused.value.retry_after_s == pytest.approx(10)
    assert (refused.value.http_status, refused.value.exit_code) == (429, 3)
    clock.advance(10)
    it.admit("8", "ada", 10)
    it.admit("9", "scout", 10**9)
    it.admit("10", "stranger", 10**9)


def test_tokens_are_made_up_for_when_a_request_ends() -> None:
    clock = ManualClock()
    it = limiter(clock, tokens_per_minute=600)
    it.admit("a", "ada", 100)
    it.settle("a", "ada", Tokens(input=90, output=800, thinking=10))
    it.settle("a", "ada", Tokens(input=90, output=800))  # twice does no harm
    with pytest.raises(RateLimited, match="tokens_per_minute") as refused:
        it.admit("b", "ada", 100)
    assert refused.value.retry_after_s == pytest.approx(40)
    clock.advance(40)
    it.admit("b", "ada", 100)
    it.settle("b", "ada", Tokens())
    it.admit("c", "ada", 100)


def test_a_prompt_larger_than_the_limit_waits_for_a_full_bucket_only() -> None:
    clock = ManualClock()
    it = limiter(clock, tokens_per_minute=60)
    it.admit("a", "ada", 300)
    with pytest.raises(RateLimited) as refused:
        it.admit("b", "ada", 300)
    assert refused.value.retry_after_s == pytest.approx(300)


def test_the_wall_clock_has_no_say() -> None:
    clock = ManualClock()
    it = limiter(clock, requests_per_minute=1)
    it.admit("a", "ada", 1)
    clock.jump(86_400)
    with pytest.raises(RateLimited):
        it.admit("b", "ada", 1)
    clock.jump(-90_000)
    clock.advance(60)
    it.admit("c", "ada", 1)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 400), st.integers(0, 900)), max_size=60))
def test_the_mean_is_within_the_limit(steps: list[tuple[float, int, int]]) -> None:
    """All that was used, less what was used by the calls that are in debt, is no more than what has flowed in."""
    clock = ManualClock()
    it, size = limiter(clock, tokens_per_minute=600), 600
    used, passed = 0, 0.0
    for number, (pause, prompt, answer) in enumerate(steps):
        clock.advance(pause)
        passed += pause
        try:
            it.admit(f"{number}", "ada", prompt)
        except RateLimited as error:
            assert error.retry_after_s is not None
            assert error.retry_after_s > 0
            continue
        assert used <= size + passed * size / 60 + 1e-6, "admitted while in debt"
        it.settle(f"{number}", "ada", Tokens(input=prompt, output=answer))
        used += prompt + answer
