import random

import pytest

from backends.clock import ManualClock
from backends.errors import EngineError, EngineErrorKind
from backends.router.breaker import FAILURES, FIRST_PAUSE_S, LONGEST_PAUSE_S, REMEMBERED_S, Breaker


def breaker(clock: ManualClock) -> Breaker:
    return Breaker(clock, changed=lambda: None, rng=random.Random(1))


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
    it.left()
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


def test_a_failure_that_no_other_followed_is_forgotten_on_screen() -> None:
    clock = ManualClock()
    it = breaker(clock)
    it.answered()
    it.failed(error("cut"))
    assert it.health == "degraded"
    clock.advance(REMEMBERED_S)
    assert it.health == "up"
