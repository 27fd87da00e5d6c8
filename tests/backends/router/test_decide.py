"""The decision as properties: whatever policy, budget, failures and dial say, these hold."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.errors import BudgetExceeded, ClawError, NoEngine, Refused, TooLarge, WrongUse
from backends.router.decide import EngineView, Inputs, decide
from backends.types import Classes, Decision, Image, Message, Request, Tool, Verdict

REQUEST = Request(id="r", agent="writer", messages=(Message(role="user", text="hello"),))
CLASSES = Classes(intent="chat", intent_p=0.9, complexity=0.4, p_local=0.6, p_cloud=0.9, input_tokens=100)
LOCAL = EngineView(
    name="local", model="qwen", local_proved=True, wait_s=2.0, first_token_s=1.0, tokens_per_s=32.0, vision=False
)
CLOUD = EngineView(
    name="cloud",
    model="gemini",
    wait_s=0.0,
    first_token_s=0.5,
    tokens_per_s=256.0,
    context=1_000_000,
    vision=True,
    worst_usd=Decimal("0.0021"),
    expected_usd=Decimal("0.0007"),
)
CALM = Inputs(
    request=REQUEST,
    verdict=Verdict(sensitive=False),
    classes=CLASSES,
    policy="auto",
    dial=0.8,
    deadline_s=60.0,
    local=LOCAL,
    cloud=CLOUD,
)
SENSITIVE = Verdict(sensitive=True, why="key")

seconds = st.none() | st.floats(0, 300)
money = st.decimals(0, 1, places=4)
views = st.builds(
    EngineView,
    name=st.just("local"),
    model=st.just("qwen"),
    usable=st.booleans(),
    local_proved=st.booleans(),
    wait_s=seconds,
    first_token_s=seconds,
    tokens_per_s=st.none() | st.floats(0, 500),
    context=st.integers(1, 100_000),
    vision=st.booleans(),
    tools=st.booleans(),
    worst_usd=money,
    expected_usd=money,
    expected_output=st.integers(0, 4000),
)
requests = st.builds(
    Request,
    id=st.just("r"),
    agent=st.sampled_from(["scout", "writer"]),
    messages=st.sampled_from(
        [
            REQUEST.messages,
            (Message(role="user", text="see", images=(Image(media_type="image/png", data=b"x"),)),),
        ]
    ),
    engine=st.sampled_from(["auto", "auto", "local", "cloud"]),
    model=st.sampled_from([None, None, None, "qwen", "gemini", "other"]),
    tools=st.sampled_from([(), (Tool(name="t"),)]),
)
share = st.floats(0, 1)
inputs = st.builds(
    Inputs,
    request=requests,
    verdict=st.builds(Verdict, sensitive=st.booleans(), why=st.sampled_from(["", "key"])),
    classes=st.builds(
        Classes,
        intent=st.just("chat"),
        intent_p=share,
        complexity=share,
        p_local=share,
        p_cloud=share,
        input_tokens=st.integers(0, 50_000),
    ),
    policy=st.sampled_from(["local", "prefer-local", "auto", "prefer-cloud", "cloud"]),
    pinned=st.sampled_from([None, None, "local", "cloud"]),
    cloud_stopped=st.booleans(),
    dial=share,
    deadline_s=st.floats(0.1, 300),
    local=views,
    cloud=views.map(lambda view: replace(view, name="cloud", model="gemini")),
    room_left_usd=st.none() | money,
    room_on_exceeded=st.sampled_from([None, "local", "refuse", "alert"]),
    room_scope=st.sampled_from([None, "all"]),
)


def decided(given_inputs: Inputs) -> Decision | None:
    try:
        return decide(given_inputs)
    except ClawError as error:
        assert len(str(error).splitlines()) == 1
        assert isinstance(error, Refused | NoEngine | WrongUse)
        return None


@given(inputs)
def test_a_sensitive_prompt_never_goes_out(some: Inputs) -> None:
    decision = decided(replace(some, verdict=SENSITIVE))
    if decision is not None:
        assert decision.engine == "local"
        assert decision.failover is None
        assert some.local.local_proved


@given(inputs)
def test_absolute_policies_and_pins_are_kept_and_never_fail_over(some: Inputs) -> None:
    decision = decided(some)
    absolute = some.pinned or some.policy
    if decision is not None and absolute in ("local", "cloud"):
        assert decision.engine == absolute
        assert decision.failover is None


@given(inputs)
def test_what_was_asked_for_answers_or_nothing_does(some: Inputs) -> None:
    decision = decided(some)
    if decision is not None and some.request.engine != "auto":
        assert decision.engine == some.request.engine
        assert decision.failover is None


@given(inputs)
def test_a_call_over_budget_neither_starts_nor_takes_over_in_the_cloud(some: Inputs) -> None:
    decision = decided(some)
    over = some.room_left_usd is not None and some.cloud.worst_usd > some.room_left_usd
    if decision is not None and over and some.room_on_exceeded != "alert":
        assert decision.engine == "local"
        assert decision.failover is None


@given(inputs)
def test_an_engine_that_cannot_is_never_chosen_nor_takes_over(some: Inputs) -> None:
    decision = decided(some)
    if decision is None:
        return
    for name in (decision.engine, decision.failover):
        view = {"local": some.local, "cloud": some.cloud}.get(name or "")
        if view is not None:
            assert view.usable
            assert view.vision or not any(message.images for message in some.request.messages)
            assert view.tools or not some.request.tools
            assert some.classes.input_tokens < view.context
            assert not (view.name == "cloud" and some.cloud_stopped)


@given(inputs)
def test_every_decision_says_why_and_accounts_for_the_other_way(some: Inputs) -> None:
    decision = decided(some)
    if decision is None:
        return
    assert decision.reasons
    assert all(reason.rule and reason.detail for reason in decision.reasons)
    assert {decision.engine, *(way.engine for way in decision.alternatives)} == {"local", "cloud"}
    ruled_out_by = decision.alternatives[0].ruled_out_by
    assert ruled_out_by is None or ruled_out_by in {reason.rule for reason in decision.reasons}
    assert decide(some) == decision


@given(inputs, share, share)
def test_a_higher_dial_never_takes_a_call_from_the_cloud(some: Inputs, one: float, two: float) -> None:
    low, high = decided(replace(some, dial=min(one, two))), decided(replace(some, dial=max(one, two)))
    if low is not None and high is not None and low.engine == "cloud":
        assert high.engine == "cloud"


CHANGES: dict[str, Any] = {
    "cloud is stopped": {"cloud_stopped": True},
    "cloud is resumed": {"cloud_stopped": False},
    "the prompt is not sensitive": {"verdict": Verdict(sensitive=False)},
}


@given(inputs)
def test_what_is_said_to_flip_it_does(some: Inputs) -> None:
    decision = decided(some)
    for clause in decision.flips if decision is not None else ():
        name, _, bound = clause.rpartition(" ")
        if name.startswith("the dial"):
            changed = replace(some, dial=float(bound))
        elif name.startswith("the deadline"):
            changed = replace(some, deadline_s=float(clause.split()[-2]))
        elif clause in CHANGES:
            changed = replace(some, **CHANGES[clause])
        else:
            continue
        flipped = decided(changed)
        assert flipped is not None
        assert decision is not None
        assert flipped.engine != decision.engine


@pytest.mark.parametrize(
    ("change", "engine", "rule"),
    [
        ({}, "cloud", "quality"),
        ({"dial": 0.6}, "local", "quality"),
        ({"policy": "prefer-local"}, "local", "preferred"),
        ({"policy": "prefer-cloud"}, "cloud", "preferred"),
        ({"policy": "local"}, "local", "policy"),
        ({"policy": "cloud"}, "cloud", "policy"),
        ({"pinned": "local"}, "local", "pin"),
        ({"verdict": SENSITIVE}, "local", "privacy"),
        ({"cloud_stopped": True}, "local", "stopped"),
        ({"cloud": replace(CLOUD, usable=False, why_not="breaker open")}, "local", "engine"),
        (
            {"dial": 0.1, "request": replace(REQUEST, tools=(Tool(name="t"),)), "local": replace(LOCAL, tools=False)},
            "cloud",
            "needs",
        ),
        ({"dial": 0.1, "classes": replace(CLASSES, input_tokens=20_000)}, "cloud", "needs"),
        ({"dial": 0.1, "deadline_s": 5.0}, "cloud", "deadline"),
        ({"dial": 0.1, "deadline_s": 5.0, "local": replace(LOCAL, wait_s=None)}, "local", "quality"),
        ({"room_left_usd": Decimal("0.001"), "room_on_exceeded": "local"}, "local", "budget"),
        ({"room_left_usd": Decimal("0.001"), "room_on_exceeded": "alert"}, "cloud", "budget"),
        ({"request": replace(REQUEST, model="gemini"), "dial": 0.1}, "cloud", "asked"),
        ({"policy": "prefer-cloud", "room_left_usd": Decimal(0), "room_on_exceeded": "local"}, "local", "budget"),
    ],
)
def test_each_rule_speaks_for_its_choice(change: dict[str, Any], engine: str, rule: str) -> None:
    decision = decide(replace(CALM, **change))
    assert decision.engine == engine
    assert rule in {reason.rule for reason in decision.reasons}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"policy": "cloud", "verdict": SENSITIVE}, Refused, "sensitive (key)"),
        ({"request": replace(REQUEST, engine="cloud"), "verdict": SENSITIVE}, Refused, "was asked for"),
        ({"pinned": "cloud", "verdict": SENSITIVE}, Refused, "is pinned"),
        ({"verdict": SENSITIVE, "local": replace(LOCAL, local_proved=False)}, Refused, "not proved"),
        ({"policy": "local", "request": replace(REQUEST, engine="cloud")}, Refused, "agents.writer.policy"),
        ({"pinned": "local", "request": replace(REQUEST, engine="cloud")}, Refused, "unpin writer"),
        ({"policy": "cloud", "cloud_stopped": True}, Refused, "resume-cloud"),
        ({"policy": "cloud", "room_left_usd": Decimal(0), "room_on_exceeded": "local"}, BudgetExceeded, "does not fit"),
        ({"room_left_usd": Decimal(0), "room_on_exceeded": "refuse"}, BudgetExceeded, "does not fit"),
        ({"request": replace(REQUEST, model="nobody's")}, WrongUse, "no engine serves"),
        ({"request": replace(REQUEST, engine="local", model="gemini")}, WrongUse, "no engine serves"),
        ({"verdict": SENSITIVE, "local": replace(LOCAL, usable=False, why_not="down")}, NoEngine, "local: down"),
        ({"classes": replace(CLASSES, input_tokens=1_000_000)}, TooLarge, "largest window 1,000,000"),
        (
            {"local": replace(LOCAL, usable=False), "cloud": replace(CLOUD, usable=False)},
            NoEngine,
            "claw doctor",
        ),
    ],
)
def test_nothing_allowed_is_said_in_one_line_with_the_remedy(
    change: dict[str, Any], error: type[ClawError], words: str
) -> None:
    with pytest.raises(error) as raised:
        decide(replace(CALM, **change))
    assert type(raised.value) is error
    assert words in str(raised.value)


def test_the_other_engine_may_take_over_where_all_allow_it() -> None:
    assert decide(CALM).failover == "local"
    assert decide(replace(CALM, dial=0.1)).failover == "cloud"


def test_estimates_are_the_chosen_engines_own() -> None:
    decision = decide(replace(CALM, dial=0.0))
    assert decision.estimate.latency_ms == pytest.approx(11_000)
    assert decision.estimate.cost_usd == 0
    assert decision.alternatives[0].cost_usd == Decimal("0.0007")


def test_flips_name_the_dial_the_deadline_and_the_budget() -> None:
    roomy = replace(CALM, room_left_usd=Decimal(1), room_on_exceeded="local")
    assert decide(roomy).flips == ("the dial is ≤ 0.66", "cloud is stopped", "the budget left is < $0.0021")
    spent = replace(roomy, room_left_usd=Decimal(0))
    assert "the budget left is ≥ $0.0021" in decide(spent).flips
    asked = replace(CALM, request=replace(REQUEST, engine="local"))
    assert "no engine is asked for" in decide(asked).flips
    down = replace(CALM, cloud=replace(CLOUD, usable=False))
    assert "cloud can be used again" in decide(down).flips
    assert "writer is unpinned" in decide(replace(CALM, pinned="local")).flips
