"""Unusual spend is told of the right agent with the right cause; ordinary spend, and cents, are not."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import exp, factorial
from typing import Any

import pytest
from msgspec.structs import replace

from backends.finops.anomaly import MOST, Anomaly, AnomalyDetector, at_least
from backends.finops.spend_profile import RequestBucket, SpendProfiles, profiles_from
from backends.types import Attempt, Outcome, Tokens
from tests.backends.ledger.samples import outcome

NOW = datetime(2026, 6, 15, 14, tzinfo=UTC)
USD = 0.001


@pytest.fixture(scope="module")
def profiles() -> SpendProfiles:
    """Two weeks in which `writer` paid a tenth of a cent each minute from 08 to 20, and `night` never paid."""
    first = int((NOW - timedelta(days=14)).timestamp()) // 300
    buckets = [
        RequestBucket(agent, slot, 5, 5 if agent == "writer" else 0, 5 * usd, 5 * usd * usd * 1.4, 5000, 0)
        for slot in range(first, first + 14 * 288)
        for agent, usd in (("writer", USD), ("night", 0.0))
        if 8 <= slot * 5 // 60 % 24 < 20
    ]
    traits: defaultdict[str, Counter[str]] = defaultdict(Counter)
    traits["writer"].update({"": 10_000, "model gemini-3.5-flash-lite": 10_000})
    found = profiles_from(buckets, traits, NOW)
    assert found is not None
    return found


def paid(agent: str = "writer", usd: float = USD, tokens: int = 1000, **more: Any) -> Outcome:
    model = more.pop("model", "gemini-3.5-flash-lite")
    call = Attempt(engine="cloud", zone="cloud", model=model, tokens=Tokens(input=tokens), cost_usd=Decimal(usd))
    failed = [replace(call, error="busy: later")] * (more.pop("tries", 1) - 1)
    return outcome("x", *failed, call, agent=agent, **more)


def seen(
    profiles: SpendProfiles, outcomes: Iterator[Outcome] | list[Outcome], *, now: datetime = NOW
) -> tuple[Anomaly, ...]:
    """What is told after `outcomes` came evenly over the last five minutes."""
    detector, every = AnomalyDetector(), list(outcomes)
    for place, each in enumerate(every):
        detector.record(each, 300 * place / len(every))
    return detector.detect(profiles, 300.0, now)


def test_an_ordinary_hour_is_let_be(profiles: SpendProfiles) -> None:
    assert seen(profiles, [paid() for _ in range(8)]) == ()


def test_a_flood_is_told_with_its_cause(profiles: SpendProfiles) -> None:
    (one,) = seen(profiles, [paid() for _ in range(200)])
    assert (one.agent, one.model, one.intent) == ("writer", "gemini-3.5-flash-lite", "chat")
    assert one.times is not None
    assert one.times > 20
    assert "times the requests" in one.because
    assert str(one).startswith("writer spends $")


def test_dearer_calls_are_told(profiles: SpendProfiles) -> None:
    (one,) = seen(profiles, [paid(usd=0.03, tokens=30_000) for _ in range(5)])
    assert "times the tokens a request" in one.because


def test_a_model_never_seen_is_suspicious_sooner(profiles: SpendProfiles) -> None:
    known = [paid(usd=0.003) for _ in range(5)]
    other = [paid(usd=0.003, model="gemini-2.5-pro") for _ in range(5)]
    assert seen(profiles, known) == ()
    assert [one.model for one in seen(profiles, other)] == ["gemini-2.5-pro"]


def test_retries_are_named(profiles: SpendProfiles) -> None:
    (one,) = seen(profiles, [paid(usd=0.01, tries=2) for _ in range(6)])
    assert "tried more than once" in one.because


def test_work_at_an_hour_that_is_quiet(profiles: SpendProfiles) -> None:
    assert [one.agent for one in seen(profiles, [paid() for _ in range(10)], now=NOW.replace(hour=3))] == ["writer"]


def test_an_agent_that_never_paid_and_one_that_never_was(profiles: SpendProfiles) -> None:
    told = seen(profiles, [paid(agent) for agent in ("night", "stranger") for _ in range(10)])
    assert [one.agent for one in told] == ["night", "stranger"]
    assert "and is new" in str(told[1])


def test_what_would_come_to_cents_a_day_is_not_told(profiles: SpendProfiles) -> None:
    assert seen(profiles, [paid(usd=0.000_01) for _ in range(30)], now=NOW.replace(hour=3)) == ()


def test_free_requests_are_never_unusual(profiles: SpendProfiles) -> None:
    assert seen(profiles, [paid(usd=0.0) for _ in range(500)]) == ()


def test_old_minutes_are_forgotten(profiles: SpendProfiles) -> None:
    detector = AnomalyDetector()
    for _ in range(200):
        detector.record(paid(), 0.0)
    assert detector.detect(profiles, 60.0, NOW)
    assert detector.detect(profiles, 16 * 60.0, NOW) == ()


def test_a_young_ledger_has_no_usual() -> None:
    slot = int(NOW.timestamp()) // 300 - 3
    assert profiles_from([RequestBucket("writer", slot, 500, 500, 1.0, 1.0, 500, 0)], defaultdict(Counter), NOW) is None
    assert profiles_from([], defaultdict(Counter), NOW) is None


@pytest.mark.parametrize(("count", "mean"), [(1, 0.5), (3, 0.04), (7, 2.0), (40, 10.0)])
def test_the_tail_of_a_count_is_poissons(count: int, mean: float) -> None:
    below = sum(exp(-mean) * mean**k / factorial(k) for k in range(count))
    assert at_least(count, mean) == pytest.approx(1 - below, rel=1e-6)


def test_of_a_flood_of_requests_only_the_newest_are_remembered(profiles: SpendProfiles) -> None:
    detector = AnomalyDetector()
    for _ in range(200):
        detector.record(paid(), 0.0)
    free = paid(usd=0.0)
    for _ in range(MOST):
        detector.record(free, 0.0)
    assert detector.detect(profiles, 60.0, NOW) == ()
