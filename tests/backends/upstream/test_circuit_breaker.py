import random
from datetime import UTC, datetime, timedelta

import pytest

from backends.clock import ManualClock
from backends.errors import EngineError, EngineErrorKind
from backends.upstream.circuit_breaker import (
    FAILURES,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    MOST_EXCUSED,
    QUOTA_PROBE_S,
    CircuitBreaker,
)


def breaker(clock: ManualClock) -> CircuitBreaker:
    return CircuitBreaker(clock, changed=lambda: None, rng=random.Random(1))


def error(kind: EngineErrorKind, retry_after_s: float | None = None) -> EngineError:
    return EngineError("the engine did not answer: start it", kind=kind, retry_after_s=retry_after_s)


def test_an_engine_that_was_never_asked_is_unknown_and_may_be_asked() -> None:
    new = breaker(ManualClock())
    assert (new.health, new.usable()) == ("unknown", True)


def test_trouble_that_may_pass_opens_it_after_a_few_failures_in_a_row() -> None:
    clock = ManualClock()
    it = breaker(clock)
    for _ in range(FAILURES - 1):
        it.failed(error("unavailable"))
    assert (it.health, it.usable()) == ("degraded", True)
    it.failed(error("unavailable"))
    assert (it.health, it.usable()) == ("down", False)
    assert it.since == clock.now()
    assert it.why == "the engine did not answer: start it"


def test_an_answer_in_between_starts_the_count_anew() -> None:
    it = breaker(ManualClock())
    for _ in range(FAILURES * 2):
        it.failed(error("timeout"))
        it.answered()
    assert it.health == "up"


def test_who_met_a_limit_without_a_time_hears_how_long_the_engine_stays_closed() -> None:
    it, met = breaker(ManualClock()), error("rate-limited")
    it.failed(met)
    assert met.retry_after_s is not None
    assert met.retry_after_s == pytest.approx(it.retry_after_s())


def test_after_the_pause_exactly_one_call_finds_out() -> None:
    clock = ManualClock()
    it = breaker(clock)
    it.failed(error("rate-limited", retry_after_s=36.0))
    clock.advance(35.9)
    assert not it.usable()
    clock.advance(0.2)
    assert it.usable()
    it.called()
    assert not it.usable()
    it.answered()
    assert (it.health, it.usable()) == ("up", True)


def test_a_probe_whose_caller_left_lets_the_next_one_try() -> None:
    clock = ManualClock()
    it = breaker(clock)
    it.failed(error("key"))
    clock.advance(LONGEST_PAUSE_S)
    it.called()
    it.abandoned()
    assert it.usable()


def test_pauses_double_up_to_the_longest() -> None:
    clock = ManualClock()
    it = breaker(clock)
    pauses = []
    for _ in range(FAILURES + 8):
        it.called()
        it.failed(error("unavailable"))
        if (pause := it.retry_after_s()) is not None:
            pauses.append(pause)
            clock.advance(pause)
    assert pauses[0] < 7
    assert pauses[0] < pauses[1] < pauses[2]
    assert max(pauses) <= LONGEST_PAUSE_S * 1.2


@pytest.mark.parametrize("kind", ["rejected", "context", "busy", "model"])
def test_a_wrong_request_or_a_missing_place_says_nothing_of_the_engine(kind: EngineErrorKind) -> None:
    it = breaker(ManualClock())
    for _ in range(FAILURES * 2):
        it.failed(error(kind))
    assert it.usable()
    assert it.health == "unknown"


def test_a_wall_clock_that_jumps_changes_no_pause() -> None:
    clock = ManualClock()
    it = breaker(clock)
    it.failed(error("rate-limited", retry_after_s=30.0))
    clock.jump(86_400)
    assert it.retry_after_s() == 30.0


def test_an_engine_known_to_be_back_may_be_asked_before_the_pause_is_over() -> None:
    it = breaker(ManualClock())
    for _ in range(FAILURES):
        it.failed(error("unavailable"))
    assert not it.usable()
    it.shorten()
    assert it.usable()
    assert it.health == "down"


def test_calls_that_were_under_way_when_it_opened_do_not_lengthen_the_pause() -> None:
    clock = ManualClock()
    it = breaker(clock)
    for _ in range(32):
        it.called()
    for _ in range(32):
        it.failed(error("unavailable"))
    clock.advance(FIRST_PAUSE_S * 1.2)
    assert it.usable()


def test_a_failure_is_not_well_again_by_time_alone() -> None:
    clock = ManualClock()
    it = breaker(clock)
    it.answered()
    it.failed(error("cut"))
    clock.advance(3600)
    assert it.health == "degraded"
    it.answered()
    assert it.health == "up"


NOON = datetime(2026, 11, 30, 20, tzinfo=UTC)  # at noon in California: twelve hours are left of the quota's day


def test_a_day_quota_waits_for_midnight_in_california_and_asks_once_an_hour() -> None:
    clock = ManualClock(NOON)
    it = breaker(clock)
    refused = error("daily-quota")
    it.failed(refused)
    assert (refused.retry_after_s, refused.should_retry) == (12 * 3600, False)
    assert it.reopens_at() == datetime(2026, 12, 1, 8, tzinfo=UTC)
    asked = 0
    for _ in range(12 * 60):
        clock.advance(60)
        if it.usable():
            asked += 1
            it.called()
            it.failed(error("daily-quota"))
    assert asked == 12
    assert it.retry_after_s() == pytest.approx(24 * 3600, abs=60)  # the last of them was refused in the new day


def test_a_day_quota_that_was_raised_is_found_out_within_the_hour() -> None:
    clock = ManualClock(NOON)
    it = breaker(clock)
    it.failed(error("daily-quota"))
    clock.advance(QUOTA_PROBE_S)
    assert it.usable()
    it.called()
    it.answered()
    assert (it.health, it.retry_after_s(), it.reopens_at(), it.kind) == ("up", None, None, "")


def test_a_day_quota_near_midnight_is_asked_for_at_midnight() -> None:
    clock = ManualClock(NOON + timedelta(hours=11, minutes=50))
    it = breaker(clock)
    it.failed(error("daily-quota"))
    clock.advance(599)
    assert not it.usable()
    clock.advance(1)
    assert it.usable()


@pytest.mark.parametrize(("hours", "waits"), [(0.25, True), (5, True), (12, False), (30, False)])
def test_a_day_quota_of_an_earlier_run_is_waited_for_while_it_is_that_day(hours: float, *, waits: bool) -> None:
    """Refused at noon; the core starts again so many hours later."""
    clock = ManualClock(NOON + timedelta(hours=hours))
    it = breaker(clock)
    it.remember("the day's quota is used up: wait", NOON)
    assert (it.health == "down") == waits
    assert it.usable() == (hours >= 1 or not waits)
    if waits:
        assert it.retry_after_s() == pytest.approx((12 - hours) * 3600)


def test_a_minute_quota_waits_as_long_as_the_provider_says_and_no_day() -> None:
    clock = ManualClock(NOON)
    it = breaker(clock)
    it.failed(error("daily-quota"))
    clock.advance(QUOTA_PROBE_S)
    it.called()
    it.failed(error("rate-limited", retry_after_s=36.0))
    assert (it.retry_after_s(), it.reopens_at(), it.kind) == (36.0, None, "rate-limited")


def test_long_prompts_that_are_slow_count_only_where_nothing_else_is_heard() -> None:
    it = breaker(ManualClock())
    for _ in range(3):
        for number in range(MOST_EXCUSED - 1):
            it.failed(error("timeout"), cause=f"prompt {number}", excused=True)
        assert (it.health, it.usable()) != ("down", False)
        it.answered()
    for number in range(MOST_EXCUSED + FAILURES - 1):
        it.failed(error("timeout"), cause=f"prompt {number}", excused=True)
    assert (it.health, it.usable()) == ("down", False)
