"""Traffic: each request of the last 90 seconds counted once, and since when none is answered."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends import events
from backends.clock import ManualClock
from backends.errors import BudgetExceeded, ClawError, DeadlinePassed, EngineError, NoEngine, QueueFull, WrongUse
from backends.monitoring.traffic_window import MOST, TrafficWindow
from backends.types import Alternative, Attempt, Estimate, Explanation, Outcome, Reason, Traffic
from tests.backends.monitoring.outcomes import an_outcome, published
from tests.backends.monitoring.test_alerts import Recorder


class Stand:
    def __init__(self) -> None:
        self.bus, self.clock = Recorder(), ManualClock()
        self.window = TrafficWindow(self.bus, self.clock)

    def end(self, finish: str = "stop", *, took_s: float = 1.0, **fields: Any) -> None:
        outcome = an_outcome(finish=finish, started_at=self.clock.now() - timedelta(seconds=took_s), **fields)
        self.window.settled(outcome)


ENDS: dict[str, dict[str, Any]] = {
    "local": {"engine": "local", "zone": "local"},
    "cloud": {"engine": "cloud", "zone": "cloud"},
    "cache": {"engine": "cache", "cache": "semantic"},
    "failed": {"finish": "error", "error_kind": "unavailable", "cache": "exact"},
    "refused": {"finish": "error", "error_kind": "context"},
    "cancelled": {"finish": "cancelled"},
}


@given(st.lists(st.tuples(st.sampled_from([*ENDS]), st.sampled_from("abc"), st.floats(0, 60)), max_size=60))
def test_each_request_counts_once_until_it_leaves_the_window(ended: list[tuple[str, str, float]]) -> None:
    it, moments = Stand(), list[tuple[float, str, str]]()
    for how, agent, pause_s in ended:
        it.clock.advance(pause_s)
        moments.append((it.clock.monotonic(), how, agent))
        it.end(**{"agent": agent} | ENDS[how])
    now, traffic = it.clock.monotonic(), it.window.traffic()
    inside = [(how, agent) for at, how, agent in moments if at > now - 90]
    assert {how: getattr(traffic, how) for how in ENDS} == dict.fromkeys(ENDS, 0) | Counter(how for how, _ in inside)
    assert traffic.requests == len(inside) == sum(each.requests for each in traffic.agents)
    assert {each.agent: each.failed for each in traffic.agents if each.failed} == Counter(
        agent for how, agent in inside if how == "failed"
    )


@pytest.mark.parametrize(
    ("error", "how"),
    [
        (NoEngine("none"), "failed"),
        (QueueFull("full"), "failed"),
        (DeadlinePassed("late"), "failed"),
        (EngineError("limited", kind="rate-limited"), "failed"),
        (EngineError("spent", kind="daily-quota"), "failed"),
        (BudgetExceeded("spent"), "refused"),
        (WrongUse("no"), "refused"),
    ],
)
def test_what_no_engine_could_answer_has_failed_and_what_a_rule_ended_was_refused(error: ClawError, how: str) -> None:
    it = Stand()
    it.window.refused("a", "ada", error)
    traffic = it.window.traffic()
    assert (getattr(traffic, how), traffic.requests) == (1, 1)


def test_failing_since_is_the_start_of_the_first_failure_after_the_last_answer() -> None:
    it = Stand()
    it.end()
    answered = it.clock.now()
    it.clock.advance(10)
    it.end("error", took_s=30, error_kind="timeout")
    assert it.window.traffic().failing_since == answered  # it began before, but then one was answered
    it.clock.advance(5)
    it.end()
    assert it.window.traffic().failing_since is None
    it.clock.advance(10)
    it.end("error", took_s=4, error_kind="unavailable")
    it.clock.advance(100)
    it.end("error", took_s=4, error_kind="unavailable")
    traffic = it.window.traffic()
    assert (traffic.failing_since, traffic.failed) == (answered + timedelta(seconds=21), 1)


def test_answers_from_the_cache_do_not_say_that_an_engine_answers() -> None:
    it = Stand()
    for _ in range(3):
        it.end("error", error_kind="unavailable")
        it.end(**ENDS["cache"])
    assert it.window.traffic().failing_since is None
    assert it.window.failing is not None
    assert it.window.failing.requests == 3
    it.end()
    assert it.window.failing is None


def test_it_is_published_when_it_has_changed_also_by_moving_on() -> None:
    it = Stand()
    it.window.publish()
    it.end()
    it.window.publish()
    it.window.publish()
    it.clock.advance(91)
    it.window.publish()
    sent = published(it.bus, events.TrafficSampled)
    assert [event.traffic.requests for event in sent] == [1, 0]


def test_its_memory_is_bounded_and_a_shadow_request_is_nobodys() -> None:
    it = Stand()
    for index in range(MOST + 10):
        it.end(agent=f"agent{index % 100}")
    it.end(source="shadow")
    assert it.window.traffic().requests == len(it.window.ended) == MOST
    assert len(it.window.traffic().agents) == 64
    for _ in range(3):
        it.clock.advance(45)
    assert it.window.traffic().agents == ()
    assert it.window.traffic() == Traffic(answered_at=it.window.traffic().answered_at)


def test_a_request_knows_at_which_engines_it_failed_and_which_it_would_have_asked() -> None:
    it = Stand()
    explained = Explanation(
        agent="ada",
        engine="local",
        zone="local",
        model="m",
        intent="chat",
        complexity=0.1,
        sensitive=False,
        reasons=(),
        decision_us=1.0,
        estimate=Estimate(cost_usd=an_outcome().cost_usd, latency_ms=None),
        alternatives=(
            Alternative(
                engine="cloud", zone="cloud", model="g", cost_usd=None, latency_ms=None, ruled_out_by="stopped"
            ),
            Alternative(
                engine="backup", zone="cloud", model="g", cost_usd=None, latency_ms=None, ruled_out_by="engine"
            ),
        ),
        flips=("cloud is resumed",),
    )
    it.window.decided("one", explained)
    assert it.window.running["one"].passed_over == (("cloud", "stopped"),)
    failed = Attempt(engine="cloud", zone="cloud", model="g", error="timeout: silent")
    ended = it.window.settled(an_outcome(id="one", attempts=(failed,)))
    again: Outcome = an_outcome(id="one")
    assert ended is not None
    assert (ended.failed, ended.passed_over) == ((("cloud", "timeout"),), (("cloud", "stopped"),))
    assert (second := it.window.settled(again)) is not None
    assert (second.passed_over, it.window.running) == ((), {})
    again_at_local = replace(explained, flips=(), reasons=(Reason(rule="failover", detail="cloud: timeout"),))
    it.window.decided("two", again_at_local)
    assert it.window.running["two"].failed == (("cloud", "timeout"),)
    it.window.refused("two", "ada", NoEngine("none"))
    assert it.window.running == {}
