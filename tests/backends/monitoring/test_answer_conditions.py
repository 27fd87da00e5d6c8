"""A cache that answers less or wrongly, and private requests that nobody can judge or answer."""

from datetime import UTC, datetime, timedelta

import pytest

from backends.monitoring.answer_conditions import hits_fell, locked_out, unsure_gate, wrong_hits
from backends.monitoring.touched import EndedRequest
from backends.settings.alert_limits import AlertLimits
from backends.types import Estimate, Exchange, Explanation, Verdict

AT = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
LIMITS = AlertLimits(hit_share_fall=0.5)


@pytest.mark.parametrize(
    ("lately", "usually", "standing", "fell"),
    [
        (0.3, 0.5, (), False),
        (0.25, 0.5, (), True),
        (0.27, 0.5, (), False),
        (0.27, 0.5, ("cache-hits",), True),
        (0.0, 0.04, (), False),
        (None, 0.5, (), False),
        (0.1, None, (), False),
    ],
)
def test_hits_fell_by_the_part_that_is_set(
    lately: float | None, usually: float | None, standing: tuple[str, ...], fell: bool
) -> None:
    assert bool(list(hits_fell(lately, usually, LIMITS, standing))) == fell


def test_wrong_hits_are_an_alert_where_chance_does_not_explain_them() -> None:
    assert not list(wrong_hits(0, 0, 0.01))
    assert not list(wrong_hits(20, 1, 0.01))
    (found,) = wrong_hits(50, 5, 0.01)
    assert found.condition.text.format(**found.fields).startswith("5 of 50 checked cache answers were wrong (")
    assert [choice.action.verb for choice in found.choices] == ["flush-cache"]


def exchange(why: str, at: datetime) -> Exchange:
    explanation = Explanation(
        agent="ada",
        engine="local",
        zone="local",
        model="m",
        intent="chat",
        complexity=0.1,
        sensitive=True,
        reasons=(),
        decision_us=1.0,
        estimate=Estimate(cost_usd=0, latency_ms=0.0),  # type: ignore[arg-type]
        verdict=Verdict(sensitive=True, why=why),
    )
    return Exchange(id="r", at=at, explanation=explanation)


def test_the_gate_is_unsure_from_the_first_request_that_it_could_not_judge() -> None:
    recent = [exchange("unsure", AT), exchange("key", AT), exchange("unsure", AT + timedelta(seconds=5))]
    (found,) = unsure_gate(recent, AT)
    assert (found.since, found.effect) == (AT, "2 kept on this machine")
    (found,) = unsure_gate(recent, AT + timedelta(seconds=1))
    assert found.effect == "1 kept on this machine"
    assert not list(unsure_gate(recent, AT + timedelta(seconds=6)))


def test_an_agent_is_locked_out_where_privacy_alone_keeps_its_requests_from_the_cloud() -> None:
    def ended(how: str, *passed_over: tuple[str, str]) -> EndedRequest:
        return EndedRequest(at=1.0, began=AT, ended=AT, agent="ada", how=how, passed_over=passed_over)  # type: ignore[arg-type]

    cloud = frozenset({"cloud"})
    private = ended("failed", ("local", "engine"), ("cloud", "privacy"))
    (found,) = locked_out([private], cloud)
    assert (found.key, found.since) == ("privacy-locked:ada", AT)
    assert found.touches is not None
    assert found.touches.match(private)
    assert not list(locked_out([ended("local", ("cloud", "privacy")), ended("failed", ("cloud", "engine"))], cloud))


def test_an_agent_is_locked_out_from_the_first_request_that_nobody_answered() -> None:
    def ended(how: str, seconds: float, *passed_over: tuple[str, str], agent: str = "ada") -> EndedRequest:
        at = AT + timedelta(seconds=seconds)
        return EndedRequest(at=seconds, began=at, ended=at, agent=agent, how=how, passed_over=passed_over)  # type: ignore[arg-type]

    private = ended("failed", 9.0, ("local", "engine"), ("cloud", "privacy"))
    before = [ended("failed", 1.0), ended("local", 2.0), ended("failed", 3.0), ended("failed", 4.0, agent="bo")]
    (found,) = locked_out([*before, ended("failed", 5.0), private], frozenset({"cloud"}))
    assert found.since == AT + timedelta(seconds=3)
