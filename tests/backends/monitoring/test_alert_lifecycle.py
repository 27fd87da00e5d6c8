"""An alert's life: what it touched, who has seen it, how it ends, and how it outlives its core."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from backends import events
from backends.clock import ManualClock
from backends.errors import WrongUse
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import Condition
from backends.monitoring.touched import EndedRequest, Touches
from backends.text.times import moment
from backends.types import Alert
from tests.backends.monitoring.outcomes import published
from tests.backends.monitoring.test_alerts import Recorder

DOWN = Condition(key="down:{engine}", when="It is down.", text="{engine} is down", flaps=True)
NEAR = Condition(key="near", when="It is near.", text="{left} left", severity="warning")
AT_CLOUD = Touches(engines=frozenset({"cloud"}), rules=frozenset({"engine"}))


class Stand:
    def __init__(self) -> None:
        self.bus, self.clock = Recorder(), ManualClock()
        self.recent: list[EndedRequest] = []
        self.running: dict[str, EndedRequest] = {}
        self.alerts = Alerts(self.bus, self.clock, clear_after_s=5.0, recent=self.recent, running=self.running)

    def ended(self, **fields: Any) -> EndedRequest:
        usual: dict[str, Any] = {
            "at": self.clock.monotonic(),
            "began": self.clock.now(),
            "ended": self.clock.now(),
            "agent": "ada",
        }
        return EndedRequest(**usual | {"how": "local"} | fields)

    def only(self) -> Alert:
        (alert,) = self.alerts.current()
        return alert

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.alerts.advance()


def at(seconds: float) -> datetime:
    return ManualClock().now() + timedelta(seconds=seconds)


def test_it_counts_what_it_touched_since_its_onset_also_before_it_was_found() -> None:
    it = Stand()
    it.recent.append(it.ended(failed=(("cloud", "timeout"),), agent="early"))
    it.clock.advance(10)
    it.recent.append(it.ended(failed=(("cloud", "timeout"),), how="failed"))
    it.recent.append(it.ended(failed=(("local", "timeout"),), how="failed"))
    it.clock.advance(10)
    it.alerts.show(DOWN, engine="cloud", since=at(5), touches=AT_CLOUD)
    for agent in ("bo", "bo", "cy"):
        it.alerts.count(it.ended(passed_over=(("cloud", "engine"),), agent=agent))
    it.alerts.count(it.ended(passed_over=(("cloud", "budget"),), agent="dee"))
    it.later(1)
    alert = it.only()
    assert (alert.requests, alert.agents, alert.cost_usd) == (4, ("bo", "ada", "cy"), None)
    assert alert.effect == "3 went local, 1 failed"


def test_those_that_still_run_elsewhere_count_already_and_once() -> None:
    it = Stand()
    it.alerts.show(DOWN, engine="cloud", touches=AT_CLOUD)
    it.running["r1"] = it.running["r2"] = it.ended(passed_over=(("cloud", "engine"),))
    it.running["r3"] = it.ended(failed=(("local", "cut"),))
    it.later(1)
    assert (it.only().requests, it.only().effect, it.only().agents) == (2, "2 went local", ("ada",))
    it.alerts.count(it.running.pop("r1"))
    it.later(1)
    assert it.only().requests == 2


def test_those_that_it_keeps_waiting_count_and_their_number_never_falls() -> None:
    it = Stand()
    for agents in (("bo", "bo", "cy"), ("bo",), ()):
        it.alerts.show(DOWN, engine="cloud", touches=AT_CLOUD, kept_waiting=agents)
        it.later(1)
        assert it.only().requests == 3
    it.alerts.count(it.ended(failed=(("cloud", "cut"),)))
    it.later(1)
    assert (it.only().requests, it.only().agents) == (3, ("ada",))


def test_a_text_names_the_onset_of_the_whole_incident() -> None:
    it = Stand()
    since = at(-60)
    it.alerts.restore([(Alert(key="since", id="1", since=since, severity="warning", text="x"), at(-5))])
    it.alerts.show(Condition(key="since", when="Now.", text="since {onset}"))
    assert it.only().text == f"since {since.astimezone():%H:%M:%S}"


def test_a_detour_costs_what_the_cloud_was_paid_for_it() -> None:
    it = Stand()
    touches = Touches(engines=frozenset({"local"}), rules=frozenset({"engine"}), detour=True)
    it.alerts.show(DOWN, engine="local", touches=touches)
    for how in ("cloud", "cloud", "local"):
        it.alerts.count(it.ended(passed_over=(("local", "engine"),), how=how, cost_usd=Decimal("0.02")))
    it.later(1)
    assert (it.only().requests, it.only().cost_usd) == (3, Decimal("0.04"))


def test_counts_are_told_once_a_second_and_its_onset_and_end_at_once() -> None:
    it = Stand()
    it.alerts.show(DOWN, engine="cloud", touches=AT_CLOUD)
    for _ in range(100):
        it.alerts.count(it.ended(failed=(("cloud", "cut"),)))
        it.later(0.125)
    told = published(it.bus, events.AlertRaised)
    assert [told[0].alert.requests, told[-1].alert.requests, len(told)] == [0, 96, 13]
    it.alerts.clear(DOWN, engine="cloud")
    it.later(5)
    (end,) = published(it.bus, events.AlertCleared)
    assert end.alert is not None
    assert (end.alert.requests, end.alert.ended_at, end.alert.since) == (100, at(12.5), at(0))


def test_one_that_comes_back_in_time_goes_on_and_one_that_comes_back_late_is_another() -> None:
    it = Stand()
    ids = []
    for pause_s in (4, 6, 0):
        it.alerts.show(DOWN, engine="cloud")
        ids.append(it.only().id)
        it.alerts.clear(DOWN, engine="cloud")
        it.later(pause_s)
    assert ids[0] == ids[1] != ids[2]


def test_a_silenced_one_is_new_again_when_its_time_is_over_when_it_gets_worse_and_it_tells_its_end() -> None:
    it = Stand()
    it.alerts.show(NEAR, left=3)
    it.alerts.silence("near", 10, "ann")
    alert = it.only()
    assert (alert.state, alert.by, alert.silenced_until) == ("silenced", "ann", at(600))
    it.later(599)
    assert it.only().state == "silenced"
    it.later(1)
    assert (it.only().state, it.only().silenced_until, it.only().by) == ("new", None, "")
    it.alerts.silence(it.only().id, 10, "ann")
    it.alerts.show(NEAR, left=2)
    assert it.only().state == "silenced"
    it.alerts.show(NEAR, left=1, severity="critical")
    assert (it.only().state, it.only().severity) == ("new", "critical")
    it.alerts.silence(it.only().id[:4], 10, "ann")
    it.alerts.clear(NEAR)
    assert [event.key for event in published(it.bus, events.AlertCleared)] == ["near"]


def test_an_acknowledged_one_says_by_whom_and_can_be_taken_back() -> None:
    it = Stand()
    it.alerts.show(NEAR, left=3)
    assert it.alerts.acknowledge("near", "ann").by == "ann"
    it.alerts.show(NEAR, left=2)
    assert it.only().state == "acknowledged"
    assert it.alerts.renew("near").state == "new"
    with pytest.raises(WrongUse, match="no alert 'far' stands"):
        it.alerts.acknowledge("far", "ann")
    for minutes in (0, -1, float("nan"), 1e9):
        with pytest.raises(WrongUse, match="minutes"):
            it.alerts.silence("near", minutes, "ann")


def test_one_of_an_earlier_core_goes_on_where_it_is_found_again_and_ends_at_the_start_where_it_is_not() -> None:
    it = Stand()
    stood = Alert(key="down:cloud", id="11", since=at(-60), severity="critical", text="x", requests=7, agents=("bo",))
    gone = Alert(key="down:local", id="22", since=at(-60), severity="critical", text="y", effect="2 failed")
    past = Alert(key="near", id="33", since=at(-90), severity="warning", text="z", state="cleared", ended_at=at(-80))
    it.alerts.restore([(past, at(-80)), (stood, at(-5)), (gone, at(-5))])
    it.clock.advance(10)
    it.alerts.show(DOWN, engine="cloud", touches=AT_CLOUD)
    it.alerts.count(it.ended(failed=(("cloud", "cut"),)))
    it.later(1)
    assert (it.only().id, it.only().since, it.only().requests, it.only().agents) == ("11", at(-60), 8, ("bo", "ada"))
    it.alerts.close_left_over(at(0))
    ended, before = it.alerts.past()
    assert (ended.id, ended.state, ended.ended_at) == ("22", "cleared", at(0))
    assert ended.effect == f"2 failed; last seen to hold on {moment(at(-5))}"
    assert before == past


def test_an_end_is_never_before_its_onset_when_the_clock_was_set_back() -> None:
    it = Stand()
    it.alerts.show(NEAR, left=3)
    it.clock.jump(-3600)
    it.alerts.clear(NEAR)
    (alert,) = [event.alert for event in published(it.bus, events.AlertCleared)]
    assert alert is not None
    assert alert.ended_at == alert.since


def test_past_ones_stay_for_a_week() -> None:
    it = Stand()
    it.alerts.show(NEAR, left=3)
    it.alerts.clear(NEAR)
    it.later(7 * 86_400 - 1)
    assert len(it.alerts.past()) == 1
    it.later(2)
    assert it.alerts.past() == ()
