"""Whether any engine answers, and whether too many requests fail: by what the requests of the last seconds show."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.clock import ManualClock
from backends.errors import NoEngine
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import AGENT_ERRORS, ERRORS, NO_ENGINE
from backends.monitoring.traffic_conditions import errors, no_engine_answers, watch_traffic
from backends.monitoring.traffic_window import TrafficWindow
from backends.monitoring.watch import Holding, Watch
from backends.settings.alert_limits import AlertLimits
from backends.types import Attempt, EngineState, Health, Zone
from tests.backends.monitoring.outcomes import an_outcome
from tests.backends.monitoring.test_alerts import Recorder

LIMITS = AlertLimits()


def engine(name: str, health: Health = "down", **fields: Any) -> EngineState:
    zone: Zone = "cloud" if name == "cloud" else "local"
    return EngineState(name=name, zone=zone, kind="openai", model="m", label="m", health=health, **fields)


DOWN = (engine("local"), engine("cloud"))


class Stand:
    def __init__(self, *engines: EngineState) -> None:
        self.clock, self.engines = ManualClock(), engines or DOWN
        self.window = TrafficWindow(Recorder(), self.clock)

    def fails(
        self, kind: str = "unavailable", *, at: tuple[str, ...] = (), agent: str = "ada", took_s: float = 1
    ) -> None:
        attempts = tuple(Attempt(engine=name, zone="local", model="m", error=f"{kind}: x") for name in at)
        began = self.clock.now() - timedelta(seconds=took_s)
        fields = {"finish": "error", "error_kind": kind, "attempts": attempts}
        self.window.settled(an_outcome(agent=agent, started_at=began, **fields))

    def answered(self, agent: str = "ada") -> None:
        self.window.settled(an_outcome(agent=agent))

    def found(self) -> list[Holding]:
        return list(no_engine_answers(self.window.failing, self.engines, LIMITS, now=self.clock.monotonic()))


def test_one_failure_that_no_prompt_causes_tells_within_two_seconds_that_no_engine_answers() -> None:
    it = Stand()
    began = it.clock.now() - timedelta(seconds=1)
    it.fails()
    assert it.found() == []
    it.clock.advance(1)
    (found,) = it.found()
    assert (found.condition, found.since, found.key) == (NO_ENGINE, began, "no-engine")
    it.answered()
    assert it.found() == []


@pytest.mark.parametrize("kind", ["timeout", "cut", "empty", "protocol", "deadline"])
def test_what_a_prompt_may_cause_by_itself_must_happen_three_times(kind: str) -> None:
    it = Stand()
    for count in range(1, 5):
        it.fails(kind)
        it.clock.advance(2)
        assert bool(it.found()) == (count >= 3)


def test_an_agent_that_may_ask_only_the_engine_that_is_down_does_not_say_that_none_answers() -> None:
    it = Stand(engine("local"), engine("cloud", "up"))
    for _ in range(5):
        it.fails(at=("local",))
    it.clock.advance(2)
    assert it.found() == []
    it.fails(at=("local", "cloud"))
    assert len(it.found()) == 1


def test_where_nobody_asks_any_more_an_engine_that_is_up_again_ends_it() -> None:
    it = Stand(engine("local"), engine("cloud", "degraded"))
    for _ in range(3):
        it.fails(at=("local", "cloud"))
    it.engines = (engine("local", "up"), engine("cloud"))
    it.clock.advance(9)
    assert it.found()
    it.clock.advance(1)
    assert it.found() == []


def test_with_the_cloud_stopped_its_key_resumes_it() -> None:
    it = Stand(engine("local"), engine("cloud", "up", stopped=True))
    it.window.refused("r", "ada", NoEngine("none"))
    it.clock.advance(1)
    (found,) = it.found()
    assert [choice.action.verb for choice in found.choices] == ["resume-cloud"]


@given(st.integers(0, 30), st.integers(0, 30), st.booleans())
def test_a_share_of_errors_is_an_alert_from_its_threshold_on_and_ends_clearly_below_it(
    failed: int, answered: int, stands: bool
) -> None:
    it = Stand()
    for _ in range(failed):
        it.fails()
    for _ in range(answered):
        it.answered()
    requests = failed + answered
    found = list(errors(it.window, LIMITS, {"errors"} if stands else set()))
    threshold = LIMITS.error_share * (0.9 if stands else 1)
    enough = stands or requests >= LIMITS.error_requests
    holds = failed > 0 and enough and failed / requests >= threshold
    assert [each.condition for each in found] == ([ERRORS] if holds else [])
    assert all(each.fields["failed"] == failed for each in found)


def test_where_one_agent_fails_among_many_that_do_not_it_is_named() -> None:
    it = Stand()
    for _ in range(6):
        it.fails(agent="bo")
    for _ in range(60):
        it.answered("ada")
    (found,) = errors(it.window, LIMITS, set())
    assert (found.condition, found.key, found.fields["requests"]) == (AGENT_ERRORS, "errors:bo", 6)
    assert found.choices[0].action.agent == "bo"


@given(st.integers(0, 60), st.integers(5, 20), st.integers(0, 1), st.sampled_from(["ada", "bo"]))
def test_its_onset_is_the_first_failed_request_of_those_that_raised_it(
    well: int, failing: int, lone: int, agent: str
) -> None:
    it = Stand()
    for _ in range(lone):
        it.fails(agent=agent)
    for _ in range(well + 10 * lone):
        it.clock.advance(0.5)
        it.answered(agent)
    onset, raised = it.clock.now() + timedelta(seconds=0.5), None
    for number in range(failing):
        it.clock.advance(1.5)
        it.fails(agent=agent, took_s=1)
        it.answered("cy" if number % 2 else agent)
        found = list(errors(it.window, LIMITS, set()))
        raised = raised or (found[0].since if found else None)
    assert raised in (onset, None)
    assert raised is not None or failing + lone < 0.2 * (well + 11 * lone + 2 * failing)


def test_failures_of_an_outage_that_is_over_are_no_share_of_errors_afterwards() -> None:
    it = Stand()
    watch = Watch(Alerts(Recorder(), it.clock), it.clock)
    find = watch_traffic(it.window, lambda: it.engines, watch, it.clock.monotonic)
    for _ in range(20):
        it.fails()
    it.clock.advance(1)
    assert [each.condition for each in find()] == [NO_ENGINE]
    it.answered()
    assert list(find()) == []
    for _ in range(5):
        it.clock.advance(1)
        it.answered()
        it.fails(agent="bo")
    assert [each.condition for each in find()] == [ERRORS]
    it.clock.advance(91)
    it.answered()
    assert list(find()) == []
    assert it.window.since_recovery() == ()
