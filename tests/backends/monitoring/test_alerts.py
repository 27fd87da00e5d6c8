"""The table of alerts, and how an alert is raised, replaced and cleared."""

import inspect
from collections import Counter
from string import Formatter

import pytest

from backends import events
from backends.bus import Bus
from backends.clock import ManualClock
from backends.monitoring import alerts
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import BUDGET_OVERRUN, CACHE_FAILED, ENGINE_DOWN, Condition

CONDITIONS = {name: each for name, each in vars(alerts).items() if isinstance(each, Condition)}


class Recorder(Bus):
    """A bus that keeps what is published."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[events.Event] = []

    def publish(self, event: events.Event) -> None:
        self.published.append(event)


def fields(template: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(template) if field}


def test_no_two_conditions_have_one_key() -> None:
    assert CONDITIONS
    assert {key: count for key, count in Counter(each.key for each in CONDITIONS.values()).items() if count > 1} == {}


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_says_when_it_holds_and_its_key_has_no_field_that_its_text_lacks(name: str) -> None:
    condition = CONDITIONS[name]
    assert condition.when.endswith(".")
    if condition is not alerts.ENGINE_PRICE_UNKNOWN:  # its problem names the engine
        assert fields(condition.key) <= fields(condition.text) | fields(condition.remedy) | {"agent"}


def test_no_template_has_a_field_that_an_alert_has_itself() -> None:
    own = set(inspect.signature(Alerts.show).parameters)
    assert {name for name, each in CONDITIONS.items() if fields(each.key + each.text + each.remedy) & own} == set()


def test_an_alert_is_raised_once_replaced_by_another_text_and_cleared_once() -> None:
    bus, clock = Recorder(), ManualClock()
    it = Alerts(bus, clock)
    for problem in ("no answer", "no answer", "key refused"):
        it.show(ENGINE_DOWN, engine="small", problem=problem)
        clock.advance(1)
    (alert,) = it.current()
    assert (alert.key, alert.severity, alert.text) == ("engine:small", "critical", "small: key refused")
    it.clear(ENGINE_DOWN, engine="other")
    assert it.current() == (alert,)
    for _ in range(2):
        it.clear(ENGINE_DOWN, engine="small")
    assert it.current() == ()
    assert [type(event) for event in bus.published] == [events.AlertRaised, events.AlertRaised, events.AlertCleared]


def test_an_update_shows_a_problem_and_clears_it_where_there_is_none() -> None:
    it = Alerts(Bus(), ManualClock())
    it.update(CACHE_FAILED, "the disk is full {of it}")
    assert [(alert.severity, alert.text) for alert in it.current()] == [("warning", "the disk is full {of it}")]
    it.update(CACHE_FAILED, "")
    assert it.current() == ()


def test_two_budgets_have_an_alert_each() -> None:
    it = Alerts(Bus(), ManualClock())
    for scope in ("all", "agent:ada"):
        it.show(BUDGET_OVERRUN, scope=scope, window="day", overrun_usd=0.1, models="m")
    first, second = it.current()
    assert (first.key, second.key) == ("budget:all:day:overrun", "budget:agent:ada:day:overrun")
    assert first.text == "budget all a day is over by $0.100000: m billed beyond the caps of its calls"
    assert first.remedy
