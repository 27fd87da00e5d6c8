"""What the provider counts, counted here: by model, the last minute, and its own day."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.clock import ManualClock
from backends.errors import QuotaHit
from backends.types import Attempt, Outcome
from backends.upstream.provider_quota import MODELS, ProviderQuota, last_of_the_day
from tests.backends.ledger.samples import attempt, outcome

EVENING = datetime(2026, 11, 30, 7, 59, tzinfo=UTC)  # a minute before midnight in California
LITE, FLASH = "gemini-3.5-flash-lite", "gemini-3.8-flash"


def test_requests_and_tokens_are_counted_by_model_as_sent_and_as_reported() -> None:
    quota = ProviderQuota(ManualClock(EVENING))
    quota.sent(LITE, 100)
    quota.counted(LITE, estimated=100, reported=70)
    quota.sent(FLASH, 5)
    lite, flash = quota.states()
    assert (lite.model, lite.minute_requests, lite.day_requests) == (LITE, 1, 1)
    assert lite.minute_input_tokens == lite.day_input_tokens == 70
    assert (flash.model, flash.day_requests, flash.day_input_tokens) == (FLASH, 1, 5)


def test_a_minute_is_the_last_one_and_a_day_is_californias() -> None:
    clock = ManualClock(EVENING)
    quota = ProviderQuota(clock)
    quota.sent(LITE, 10)
    clock.advance(59)
    assert quota.states()[0].minute_requests == 1
    assert quota.states()[0].resets_at == datetime(2026, 11, 30, 8, tzinfo=UTC)
    clock.advance(1)
    quota.sent(LITE, 10)
    (state,) = quota.states()
    assert (state.minute_requests, state.day_requests, state.day_input_tokens) == (1, 1, 10)
    assert state.resets_at == datetime(2026, 12, 1, 8, tzinfo=UTC)


def test_a_clock_that_jumps_back_forgets_nothing() -> None:
    clock = ManualClock(EVENING)
    quota = ProviderQuota(clock)
    clock.advance(120)
    quota.sent(LITE, 10)
    clock.jump(-25 * 3600)
    quota.sent(LITE, 10)
    assert quota.states()[0].day_requests == 2


def test_a_limit_that_was_raised_is_forgotten_once_more_was_taken() -> None:
    quota = ProviderQuota(ManualClock(EVENING))
    quota.refused(LITE, QuotaHit(window="minute", limit=2))
    for number in range(6):
        assert len(quota.states()[0].limits) == 1, number
        quota.sent(LITE, 1)
        quota.counted(LITE, estimated=1, reported=1)
    assert quota.states()[0].limits == ()


def test_limits_are_learned_from_refusals() -> None:
    quota = ProviderQuota(ManualClock(EVENING))
    quota.sent(LITE, 10)
    quota.refused(LITE, None)
    assert quota.states()[0].limits == ()
    quota.refused(LITE, QuotaHit(window="day", limit=20))
    quota.refused(LITE, QuotaHit(window="minute", metric="input_tokens", limit=250_000))
    quota.refused(LITE, QuotaHit(window="day", limit=1_500))
    limits = {(one.window, one.metric): one.limit for one in quota.states()[0].limits}
    assert limits == {("day", "requests"): 1_500, ("minute", "input_tokens"): 250_000}


def test_the_day_goes_on_from_what_the_ledger_has() -> None:
    quota = ProviderQuota(ManualClock(EVENING), {LITE: (7, 900)})
    quota.sent(LITE, 100)
    (state,) = quota.states()
    assert (state.day_requests, state.day_input_tokens, state.minute_requests) == (8, 1_000, 1)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 90)), max_size=30))
def test_counts_are_never_negative_and_the_minute_never_beyond_the_day(calls: list[tuple[int, int, int]]) -> None:
    clock = ManualClock(EVENING.replace(hour=12))
    quota = ProviderQuota(clock)
    for estimated, reported, seconds in calls:
        quota.sent(LITE, estimated)
        quota.counted(LITE, estimated=estimated, reported=reported)
        clock.advance(seconds)
    for state in quota.states():
        assert 0 <= state.minute_requests <= state.day_requests == len(calls)
        assert 0 <= state.minute_input_tokens <= state.day_input_tokens == sum(reported for _, reported, _ in calls)


def test_no_more_models_than_there_can_be_are_kept() -> None:
    quota = ProviderQuota(ManualClock(EVENING))
    for number in range(MODELS + 10):
        quota.sent(f"m{number}", 1)
    assert len(quota.states()) == MODELS


REFUSED = attempt("0", error="daily-quota: Gemini's quota of the day is used up: wait")
BUSY = attempt("0", error="unavailable: Gemini failed")


@pytest.mark.parametrize(
    ("calls", "known"),
    [
        ([REFUSED], True),
        ([attempt(), REFUSED, BUSY, attempt("0", engine="local")], True),
        ([REFUSED, attempt()], False),
        ([BUSY], False),
        ([], False),
    ],
)
def test_what_an_earlier_run_was_told_of_the_day_is_its_last_word(calls: list[Attempt], *, known: bool) -> None:
    rows: list[Outcome] = [outcome(f"r{index}", call) for index, call in enumerate(calls)]
    found = last_of_the_day(rows, "cloud")
    assert (found is not None) == known
    if found is not None:
        assert found == ("Gemini's quota of the day is used up: wait", rows[0].started_at)
