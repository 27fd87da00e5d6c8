"""The stored answer that was nearest stands beside the ways not taken."""

from decimal import Decimal

import pytest

from backends.cache.semantic.semantic_lookup import NearMiss
from backends.pipeline.plan import RequestFacts, RoutePlan
from backends.types import Classes, Decision, Estimate, Explanation, Message, Reason, Request, Verdict

CLASSES = Classes(intent="chat", intent_p=0.9, complexity=0.1, p_local=0.9, p_cloud=0.95)
ESTIMATE = Estimate(cost_usd=Decimal(0), latency_ms=None)
REASONS = (Reason(rule="policy", detail="local"),)
REQUEST = Request(id="r", messages=(Message(role="user", text="hi"),))
PLAN = RoutePlan(
    facts=RequestFacts(request=REQUEST, verdict=Verdict(sensitive=False), classes=CLASSES),
    decision=Decision(engine="local", zone="local", model="qwen", reasons=REASONS, estimate=ESTIMATE),
    candidates={},
    explanation=Explanation(
        agent="scout",
        engine="local",
        zone="local",
        model="qwen",
        intent="chat",
        complexity=0.1,
        sensitive=False,
        reasons=REASONS,
        decision_us=1.0,
        estimate=ESTIMATE,
    ),
)


@pytest.mark.parametrize(
    ("guard", "rule", "detail"),
    [
        ("risk", "risk", "nearest .71, too unsure"),
        ("numbers", "guard", "nearest .71, stopped by numbers"),
    ],
)
def test_it_is_told_with_what_kept_it_back(guard: str, rule: str, detail: str) -> None:
    (way,) = PLAN.with_near_miss(NearMiss("scout", 0.71, guard)).explanation.alternatives
    assert (way.engine, way.ruled_out_by, way.detail) == ("cache", rule, detail)


def test_without_one_nothing_is_told() -> None:
    assert PLAN.with_near_miss(None) is PLAN
