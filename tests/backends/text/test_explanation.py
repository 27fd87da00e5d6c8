"""An explanation in words, as people read it from `claw explain` and the why view."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from backends.commands.explain import lines
from backends.types import Alternative, Classes, Estimate, Explanation, Reason, Verdict, Weighed

CLASSES = Classes(
    intent="creative-writing",
    intent_p=0.88,
    runner_up="rewriting",
    runner_up_p=0.07,
    complexity=0.39,
    p_local=0.61,
    p_cloud=0.93,
    input_tokens=310,
)
WEIGHED = Weighed(
    dial=0.8,
    dial_by="quality",
    p_local=0.61,
    asked=0.8,
    deadline_s=30.0,
    waiting=3,
    wait_s=2.4,
    all_cloud_usd=Decimal("0.0021"),
)
TOLD = Explanation(
    agent="writer",
    engine="cloud",
    zone="cloud",
    model="gemini-3.5-flash-lite",
    intent="creative-writing",
    complexity=0.74,
    sensitive=False,
    reasons=(Reason(rule="policy", detail="auto"), Reason(rule="quality", detail=".61 < .80")),
    decision_us=900.0,
    estimate=Estimate(cost_usd=Decimal("0.0021"), latency_ms=2140.0),
    classes=CLASSES,
    alternatives=(
        Alternative(
            engine="local",
            zone="local",
            model="qwen2.5:14b",
            cost_usd=Decimal(0),
            latency_ms=9100.0,
            ruled_out_by="quality",
            detail=".61 < .80",
        ),
        Alternative(
            engine="cache",
            zone="local",
            model="",
            cost_usd=None,
            latency_ms=None,
            ruled_out_by="risk",
            detail="nearest .71, too unsure",
        ),
    ),
    verdict=Verdict(sensitive=False),
    flips=("the dial is ≤ .60", "cloud is stopped", "the budget left is < $0.0021"),
    weighed=WEIGHED,
)


def test_it_reads_as_sketched() -> None:
    assert (
        "\n".join(lines(TOLD))
        == """\
writer → cloud gemini-3.5-flash-lite · ~$0.0021 · ~2.1 s · decided in 0.9 ms
intent      creative-writing .88 (next: rewriting .07)
complexity  .74; local answers well .61 < .80 required (dial .80 by quality); cloud .93
needs       none; ~310 tokens in
sensitive   no
queue       3 waiting, ~2.4 s; deadline 30 s: not the reason
because     policy: auto
            quality: .61 < .80
instead     local qwen2.5:14b · 0 · ~9.1 s: ruled out by quality: .61 < .80
            cache: ruled out by risk: nearest .71, too unsure
flips when  the dial is ≤ .60; or cloud is stopped; or the budget left is < $0.0021
all-cloud   ~$0.0021, saved 0"""
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sensitive": True, "verdict": Verdict(sensitive=True, why="key")}, "sensitive   yes: key"),
        ({"classes": None}, "complexity  .74"),
        ({"classes": replace(CLASSES, familiar=False)}, "cloud .93; unlike the training data"),
        ({"reasons": (Reason(rule="deadline", detail="about 9 s, deadline 5 s"),)}, "deadline 30 s: the reason"),
        ({"estimate": Estimate(cost_usd=Decimal(0), latency_ms=None)}, "all-cloud   ~$0.0021, saved ~$0.0021"),
        (
            {"classes": replace(CLASSES, language="pl", needs=frozenset({"json", "fresh"}))},
            "fresh, json; language pl",
        ),
        ({"alternatives": (replace(TOLD.alternatives[0], ruled_out_by=None),)}, "~9.1 s: possible, but not the best"),
        ({"quality": 0.93}, "~2.1 s · quality .93 · decided in"),
        ({"alternatives": (replace(TOLD.alternatives[0], quality=0.61),)}, "~9.1 s · quality .61: ruled out by"),
        ({"alternatives": (replace(TOLD.alternatives[0], engine="gpu"),)}, "instead     gpu (local) qwen2.5:14b"),
        ({"weighed": replace(WEIGHED, dial_by="cloud-share")}, "(dial .80 by cloud share)"),
        ({"weighed": replace(WEIGHED, wait_s=0.0, waiting=0)}, "0 waiting, no wait;"),
        ({"weighed": replace(WEIGHED, wait_s=None)}, "3 waiting; deadline"),
    ],
)
def test_each_part_says_what_is_known(change: dict[str, Any], says: str) -> None:
    assert says in "\n".join(lines(replace(TOLD, **change)))


def test_what_was_decided_before_it_was_weighed_is_told_without() -> None:
    said = "\n".join(lines(replace(TOLD, weighed=None, flips=(), alternatives=())))
    assert "local answers well .61; cloud .93" in said
    assert not any(word in said for word in ("queue", "all-cloud", "flips", "instead"))
