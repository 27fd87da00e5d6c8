"""What tells typed keys from pasted ones: when they arrived, whenever a busy machine handles them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.keys import ARRIVALS, PASTE_GUARD_S, PASTED_S, PasteGuard

APART = st.floats(PASTED_S * 1.1, 2.0)
TOGETHER = st.floats(0.0, PASTED_S * 0.9)
LATE = st.floats(0.0, 10.0)


class Keyboard:
    """Keys that arrive at their moments and are handled in order, later."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.unread = False
        self.guard = PasteGuard(lambda: self.now, waiting=lambda: self.unread)

    def arrive(self, *gaps: float) -> list[float]:
        times = []
        for gap in gaps:
            self.now += gap
            self.guard.arrived(self.now)
            times.append(self.now)
        return times


@given(st.lists(APART, min_size=1, max_size=8), LATE)
def test_typed_keys_act_however_late_they_are_handled(gaps: list[float], late: float) -> None:
    keyboard = Keyboard()
    arrived = keyboard.arrive(*gaps)
    keyboard.now += late
    for at in arrived:
        keyboard.guard.handle(at)
    assert keyboard.guard.settled
    assert keyboard.guard.allows()


@given(APART, st.lists(TOGETHER, min_size=1, max_size=20), LATE, st.data())
@pytest.mark.proves("S33")
@pytest.mark.proves("T6")
def test_a_burst_acts_at_no_moment_of_its_handling(
    gap: float, together: list[float], late: float, data: st.DataObject
) -> None:
    keyboard = Keyboard()
    arrived = keyboard.arrive(gap, *together)
    keyboard.now += late
    for at in arrived[: data.draw(st.integers(1, len(arrived)))]:
        keyboard.guard.handle(at)
        assert not keyboard.guard.allows()


@given(st.lists(APART, min_size=1, max_size=5))
@pytest.mark.proves("S33")
@pytest.mark.proves("T6")
def test_bytes_that_nobody_has_read_may_be_a_paste(gaps: list[float]) -> None:
    keyboard = Keyboard()
    for at in keyboard.arrive(*gaps):
        keyboard.guard.handle(at)
    keyboard.unread = True
    assert not keyboard.guard.settled
    assert not keyboard.guard.allows()


@pytest.mark.proves("S33")
def test_after_a_paste_hands_may_act_again_soon() -> None:
    keyboard = Keyboard()
    for at in keyboard.arrive(1.0, *[0.001] * (2 * ARRIVALS)):
        keyboard.guard.handle(at)
    assert not keyboard.guard.allows()
    (typed,) = keyboard.arrive(PASTE_GUARD_S * 1.1)
    keyboard.guard.handle(typed)
    assert keyboard.guard.allows()


def test_keys_that_no_driver_reported_count_when_they_are_handled() -> None:
    keyboard = Keyboard()
    keyboard.guard.handle(1_000.0)
    assert keyboard.guard.allows()
    keyboard.guard.handle(1_000.0 + PASTED_S / 2)
    assert not keyboard.guard.allows()
