"""The watch: what it finds is raised, what it finds no more has ended, and how long either must hold."""

from collections.abc import Iterable
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from backends.bus import Bus
from backends.clock import ManualClock
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import Condition
from backends.monitoring.watch import Holding, Watch, beyond

HOT = Condition(key="hot:{what}", when="It is hot.", text="{what} is hot", flaps=True)


class Stand:
    """A watch over one list of what is hot; time passes in rounds of half a second."""

    def __init__(self, *, clear_after_s: float = 5.0, for_s: float = 0.0) -> None:
        self.clock = ManualClock()
        self.alerts = Alerts(Bus(), self.clock, clear_after_s=clear_after_s)
        self.watch = Watch(self.alerts, self.clock)
        self.hot: set[str] = set()
        self.for_s = for_s
        self.watch.add(self.find)

    def find(self) -> Iterable[Holding]:
        return [Holding(condition=HOT, fields={"what": what}, for_s=self.for_s) for what in sorted(self.hot)]

    def rounds(self, count: int = 1) -> None:
        for _ in range(count):
            self.watch.check()
            self.clock.advance(0.5)


def test_what_is_found_is_raised_at_once_and_ends_when_it_has_been_over_for_a_while() -> None:
    it = Stand()
    it.hot = {"oven", "stove"}
    it.rounds()
    assert [alert.text for alert in it.alerts.current()] == ["oven is hot", "stove is hot"]
    it.hot = {"oven"}
    over = it.clock.now()
    it.rounds(10)
    assert len(it.alerts.current()) == 2
    it.rounds()
    (stands,), (past,) = it.alerts.current(), it.alerts.past()
    assert (stands.key, past.key, past.state, past.ended_at) == ("hot:oven", "hot:stove", "cleared", over)


def test_what_must_hold_for_a_while_is_raised_late_with_its_true_onset() -> None:
    it = Stand(for_s=3)
    began = it.clock.now()
    it.hot = {"oven"}
    it.rounds(6)
    assert it.alerts.current() == ()
    it.rounds()
    assert [alert.since for alert in it.alerts.current()] == [began]


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.sampled_from([0.0, 1.0, 5.0]))
def test_a_condition_that_flaps_is_one_incident_until_it_was_over_for_long_enough(
    holds: list[bool], clear_after_s: float
) -> None:
    it = Stand(clear_after_s=clear_after_s)
    began = it.clock.now()
    for each in holds:
        it.hot = {"oven"} if each else set()
        it.rounds()
    it.hot = set()
    it.rounds(12)
    expected: list[tuple[float, float]] = []
    for start, end in ((index * 0.5, (index + 1) * 0.5) for index, each in enumerate(holds) if each):
        if expected and start - expected[-1][1] <= clear_after_s:
            expected[-1] = expected[-1][0], end
        else:
            expected.append((start, end))
    found = [
        ((alert.since - began) / timedelta(seconds=1), (alert.ended_at - began) / timedelta(seconds=1))
        for alert in reversed(it.alerts.past())
        if alert.ended_at is not None
    ]
    assert found == expected
    assert it.alerts.current() == ()


def test_a_watcher_that_fails_hides_no_other_and_ends_nothing() -> None:
    it = Stand(clear_after_s=0)
    broken = False

    def find() -> Iterable[Holding]:
        if broken:
            raise RuntimeError("a fault of ours")
        return [Holding(condition=HOT, fields={"what": "lamp"})]

    it.watch.add(find)
    it.rounds()
    broken, it.hot = True, {"oven"}
    it.rounds()
    assert {alert.key for alert in it.alerts.current()} == {"hot:lamp", "hot:oven"}


def test_a_value_has_to_fall_clearly_below_its_threshold_to_be_over() -> None:
    assert [beyond(value, 10, standing=False) for value in (9.5, 10)] == [False, True]
    assert [beyond(value, 10, standing=True) for value in (8.9, 9.5)] == [False, True]
