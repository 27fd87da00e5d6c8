"""First bytes: how long they usually take, how long lately, and who waits."""

from hypothesis import given
from hypothesis import strategies as st

from backends.upstream.first_bytes import GIVEN_UP_S, USUAL_CALLS, FirstBytes


def calls(it: FirstBytes, times: list[float], *, start: float = 0.0, every_s: float = 2.0) -> float:
    now = start
    for seconds in times:
        call = it.sent("ada", now, None)
        it.heard(call, now + seconds)
        it.heard(call, now + 2 * seconds + 1)
        it.gone(call)
        now += every_s
    return now


@given(st.lists(st.floats(0.01, 100), min_size=5, max_size=60))
def test_the_usual_is_among_the_times_that_were_seen(times: list[float]) -> None:
    it = FirstBytes()
    calls(it, times)
    assert it.usual_s is not None
    assert min(times) - 1e-6 <= it.usual_s <= max(times) + 1e-6
    assert it.unheard() == []


def test_nothing_is_usual_before_five_calls() -> None:
    it = FirstBytes()
    calls(it, [1.0] * 4)
    assert it.usual_s is None
    assert it.lately_s(6.0) is None


def test_a_slow_phase_becomes_usual_only_after_many_calls() -> None:
    it = FirstBytes()
    now = calls(it, [0.5] * 100)
    now = calls(it, [5.0] * 60, start=now)
    assert it.usual_s is not None
    assert it.usual_s < 0.6
    calls(it, [5.0] * 20 * USUAL_CALLS, start=now, every_s=1.0)
    assert it.usual_s > 4.9


def test_those_that_wait_are_listed_the_longest_first_until_they_are_heard_or_gone() -> None:
    it = FirstBytes()
    first, second, third = it.sent("ada", 1.0, None), it.sent("bo", 2.0, 3.0), it.sent("cy", 3.0, None)
    assert [call.agent for call in it.unheard()] == ["ada", "bo", "cy"]
    it.heard(first, 4.0)
    it.gone(third)
    assert [(call.agent, call.expected_s) for call in it.unheard()] == [("bo", 3.0)]
    it.gone(second)
    assert it.unheard() == []


def test_a_caller_gives_up_who_leaves_unheard_after_longer_than_is_usual() -> None:
    it = FirstBytes()
    soon, late, slow = it.sent("ada", 0.0, None), it.sent("bo", 0.0, None), it.sent("cy", 0.0, 30.0)
    assert not it.left(soon, GIVEN_UP_S)
    assert it.left(late, GIVEN_UP_S + 0.1)
    assert not it.left(slow, 29.0)
    assert [call.agent for call in it.given_up(60.0)] == ["bo"]
    assert it.given_up(70.0) == []
    heard = it.sent("ada", 3.0, None)
    it.heard(heard, 3.5)
    assert it.given_up(4.0) == []
    assert not it.left(heard, 60.0), "it was heard before"
    before = it.sent("ada", 60.0, None)
    it.forget()
    assert it.unheard() == []
    assert not it.left(before, 90.0), "how long it waited is forgotten"
