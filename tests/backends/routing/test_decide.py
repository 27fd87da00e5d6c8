"""The decision as properties: whatever policy, budget, failures and dial say, these hold."""

from decimal import Decimal
from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.errors import (
    BudgetExceeded,
    BudgetHeld,
    ClawError,
    ContextTooLong,
    CostCapExceeded,
    EngineError,
    NoEngine,
    Refused,
    UnknownModel,
    Unsupported,
    WrongUse,
)
from backends.routing.decide import BudgetRoom, EngineView, Inputs, decide
from backends.routing.quality.ability import weaknesses
from backends.routing.quality.dial import Dial
from backends.types import Classes, Decision, Media, Message, Policy, Request, ResponseFormat, Sampling, Tool, Verdict

REQUEST = Request(id="r", agent="writer", messages=(Message(role="user", text="hello"),))
WITH_TOOL = replace(REQUEST, tools=(Tool(name="t"),))
CLASSES = Classes(intent="chat", intent_p=0.9, complexity=0.4, p_local=0.6, p_cloud=0.9, input_tokens=100)
LOCAL = EngineView(
    name="local",
    zone="local",
    model="qwen",
    quality=0.6,
    ability=63.7,
    local_proved=True,
    wait_s=2.0,
    first_token_s=1.0,
    tokens_per_s=32.0,
    vision=False,
)
UNPROVED = replace(LOCAL, local_proved=False)
CLOUD = EngineView(
    name="cloud",
    zone="cloud",
    model="gemini",
    quality=0.9,
    ability=83.0,
    wait_s=0.0,
    first_token_s=0.5,
    tokens_per_s=256.0,
    context=1_000_000,
    vision=True,
    worst_usd=Decimal("0.0021"),
    expected_usd=Decimal("0.0007"),
)
SCALE = Dial(tuple(step / 400 for step in range(201)))
"""Gains spread evenly from 0 to a half."""

UNREACHED = replace(UNPROVED, unproved="qwen does not answer")
READS_PDF = replace(CLOUD, media=frozenset({"pdf"}))
HELD_UP: dict[str, Any] = {"left_usd": Decimal("0.001"), "unspent_usd": Decimal("0.5")}


def with_file(media_type: str) -> Classes:
    return replace(CLASSES, media=frozenset({media_type}))


CALM = Inputs(
    request=REQUEST,
    verdict=Verdict(sensitive=False),
    classes=CLASSES,
    policy="auto",
    dial=0.8,
    scale=SCALE,
    deadline_s=60.0,
    engines=(LOCAL, CLOUD),
    p_reference=0.9,
)
SENSITIVE = Verdict(sensitive=True, why="key")
LOCAL_FIRST = replace(SENSITIVE, redacted=True, local_first=True)


def but(
    base: Inputs, *, local: EngineView = LOCAL, cloud: EngineView = CLOUD, room: Any = None, **changes: Any
) -> Inputs:
    """`base` with other engines, another room in the budget, or other classes, whose chances the engines then have."""
    it = replace(base, engines=(local, cloud), **changes)
    if room is not None:
        it = replace(it, engines=(local, replace(cloud, room=BudgetRoom(**room))))
    return judged(it) if "classes" in changes else it


def judged(it: Inputs) -> Inputs:
    """The same, each engine's quality as the classes say."""
    classes = it.classes
    chances = {"local": classes.p_local, "cloud": classes.p_cloud}

    def view_of(view: EngineView) -> EngineView:
        weak = weaknesses(classes, view.languages) if view.zone == "local" else ()
        return replace(view, quality=chances[view.zone] * prod(weight for _, weight in weak), weaknesses=weak)

    engines = tuple(map(view_of, it.engines))
    return replace(it, engines=engines, p_reference=classes.p_cloud)


seconds = st.none() | st.floats(0, 300)
money = st.decimals(0, 1, places=4)
views = st.builds(
    EngineView,
    name=st.just("local"),
    zone=st.just("local"),
    model=st.just("qwen"),
    usable=st.booleans(),
    local_proved=st.booleans(),
    wait_s=seconds,
    first_token_s=seconds,
    tokens_per_s=st.none() | st.floats(0, 500),
    context=st.integers(1, 100_000),
    vision=st.booleans(),
    tools=st.booleans(),
    schema=st.booleans(),
    languages=st.sampled_from([frozenset(), frozenset({"en"})]),
    worst_usd=money,
    expected_usd=money,
    expected_output=st.integers(0, 4000),
)
rooms = st.builds(
    BudgetRoom,
    left_usd=st.none() | money,
    on_exceeded=st.sampled_from([None, "local", "refuse", "alert"]),
    scope=st.sampled_from([None, "all"]),
)


def in_the_cloud(view: EngineView, room: BudgetRoom) -> EngineView:
    return replace(view, name="cloud", zone="cloud", model="gemini", room=room)


requests = st.builds(
    Request,
    id=st.just("r"),
    agent=st.sampled_from(["scout", "writer"]),
    messages=st.just(REQUEST.messages),
    engine=st.sampled_from(["auto", "auto", "local", "cloud"]),
    model=st.sampled_from([None, None, None, "qwen", "gemini", "other"]),
    tools=st.sampled_from([(), (Tool(name="t"),)]),
    response_format=st.sampled_from([ResponseFormat(), ResponseFormat(kind="schema", schema={})]),
)
share = st.floats(0, 1)
inputs = st.builds(
    Inputs,
    request=requests,
    verdict=st.builds(Verdict, sensitive=st.booleans(), why=st.sampled_from(["", "key"]), redacted=st.booleans()),
    classes=st.builds(
        Classes,
        intent=st.just("chat"),
        intent_p=share,
        complexity=share,
        p_local=share,
        p_cloud=share,
        needs=st.sampled_from([frozenset(), frozenset({"fresh"})]),
        language=st.sampled_from([None, "en", "pl"]),
        input_tokens=st.integers(0, 50_000),
        media=st.sampled_from([frozenset(), frozenset({"image/png"})]),
    ),
    policy=st.sampled_from(["local", "prefer-local", "auto", "prefer-cloud", "cloud"]),
    pinned=st.sampled_from([None, None, "local", "cloud"]),
    cloud_stopped=st.booleans(),
    dial=share,
    dial_by=st.sampled_from(["quality", "cloud-share"]),
    scale=st.just(SCALE),
    deadline_s=st.floats(0.1, 300),
    engines=st.tuples(views, st.builds(in_the_cloud, views, rooms)),
    p_reference=st.just(0.0),
    allowed_engines=st.sampled_from([(), (), ("local",), ("cloud",), ("local", "cloud")]),
    allowed_models=st.sampled_from([(), (), ("qwen",), ("gemini",)]),
    ceiling_usd=st.none() | money,
).map(judged)


def decided(given_inputs: Inputs) -> Decision | None:
    try:
        return decide(given_inputs)
    except ClawError as error:
        assert len(str(error).splitlines()) == 1
        assert isinstance(error, Refused | NoEngine | WrongUse | EngineError)
        return None


@given(inputs)
def test_a_sensitive_prompt_never_goes_out(some: Inputs) -> None:
    decision = decided(replace(some, verdict=SENSITIVE))
    if decision is not None:
        assert decision.engine == "local"
        assert decision.failover == ()
        assert some.view("local").local_proved


@given(inputs)
def test_absolute_policies_and_pins_are_kept_and_never_fail_over(some: Inputs) -> None:
    decision = decided(some)
    absolute = some.pinned or some.policy
    if decision is not None and absolute in ("local", "cloud"):
        assert decision.engine == absolute
        assert decision.failover == ()


@given(inputs)
def test_what_was_asked_for_answers_or_nothing_does(some: Inputs) -> None:
    decision = decided(some)
    if decision is not None and some.request.engine != "auto":
        assert decision.engine == some.request.engine
        assert decision.failover == ()


@given(inputs)
def test_a_call_over_budget_neither_starts_nor_takes_over_in_the_cloud(some: Inputs) -> None:
    decision = decided(some)
    cloud = some.view("cloud")
    if decision is not None and cloud.over_budget and cloud.room.on_exceeded != "alert":
        assert decision.engine == "local"
        assert decision.failover == ()


@given(inputs)
def test_ceilings_hold_for_the_first_call_and_for_the_one_that_takes_over(some: Inputs) -> None:
    decision = decided(some)
    for name in (decision.engine, *decision.failover) if decision is not None else ():
        if name is None:
            continue
        assert not some.allowed_engines or name in some.allowed_engines
        assert not some.allowed_models or {"local": "qwen", "cloud": "gemini"}[name] in some.allowed_models
        if name == "cloud" and some.ceiling_usd is not None:
            assert some.view("cloud").worst_usd <= some.ceiling_usd


@given(inputs)
def test_an_engine_that_cannot_is_never_chosen_nor_takes_over(some: Inputs) -> None:
    decision = decided(some)
    if decision is None:
        return
    for name in (decision.engine, *decision.failover):
        view = some.view(name)
        if view is not None:
            assert view.usable
            assert view.vision or not some.classes.media
            assert view.tools or not some.request.tools
            assert view.schema or some.request.response_format.kind != "schema"
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


@given(st.lists(inputs, min_size=1, max_size=5), share, share, st.sampled_from(["quality", "cloud-share"]))
def test_a_higher_dial_never_lowers_the_number_of_cloud_calls(
    some: list[Inputs], one: float, two: float, by: Any
) -> None:
    def in_the_cloud(dial: float) -> set[int]:
        decisions = [decided(replace(each, dial=dial, dial_by=by)) for each in some]
        return {index for index, each in enumerate(decisions) if each is not None and each.engine == "cloud"}

    assert in_the_cloud(min(one, two)) <= in_the_cloud(max(one, two))


@given(inputs, st.floats(-1, 1), st.floats(-1, 1))
def test_a_prompt_that_local_answers_worse_never_leaves_the_cloud(some: Inputs, one: float, two: float) -> None:
    def at(p_local: float) -> Decision | None:
        return decided(judged(replace(some, classes=replace(some.classes, p_local=abs(p_local)))))

    worse, better = at(min(abs(one), abs(two))), at(max(abs(one), abs(two)))
    if worse is not None and better is not None and better.engine == "cloud":
        assert worse.engine == "cloud"


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
        ({"verdict": replace(SENSITIVE, redacted=True)}, "cloud", "quality"),
        ({"verdict": LOCAL_FIRST}, "local", "local-first"),
        ({"verdict": LOCAL_FIRST, "local": replace(LOCAL, context=10)}, "cloud", "window"),
        ({"verdict": LOCAL_FIRST, "local": replace(LOCAL, first_token_s=500.0)}, "cloud", "deadline"),
        ({"verdict": LOCAL_FIRST, "local": replace(LOCAL, usable=False, why_not="down")}, "cloud", "engine"),
        ({"dial": 0.1, "verdict": replace(SENSITIVE, redacted=True), "local": UNPROVED}, "cloud", "privacy"),
        ({"cloud_stopped": True}, "local", "stopped"),
        ({"cloud": replace(CLOUD, usable=False, why_not="breaker open")}, "local", "engine"),
        (
            {"dial": 0.1, "request": replace(REQUEST, tools=(Tool(name="t"),)), "local": replace(LOCAL, tools=False)},
            "cloud",
            "needs",
        ),
        ({"dial": 0.1, "classes": replace(CLASSES, input_tokens=20_000)}, "cloud", "window"),
        ({"dial": 0.1, "classes": with_file("application/pdf"), "cloud": READS_PDF}, "cloud", "needs"),
        ({"dial": 0.1, "deadline_s": 5.0}, "cloud", "deadline"),
        ({"dial": 0.1, "deadline_s": 5.0, "local": replace(LOCAL, wait_s=None)}, "cloud", "deadline"),
        (
            {"dial": 0.1, "deadline_s": 5.0, "local": replace(LOCAL, first_token_s=None, tokens_per_s=None)},
            "local",
            "quality",
        ),
        ({"dial": 0.1, "deadline_s": 2.5}, "cloud", "deadline"),
        ({"allowed_engines": ("local",)}, "local", "allowed"),
        ({"dial": 0.1, "allowed_models": ("gemini",)}, "cloud", "allowed"),
        ({"ceiling_usd": Decimal("0.002")}, "local", "ceiling"),
        ({"dial": 0.3, "classes": replace(CLASSES, p_local=0.7, needs=frozenset({"fresh"}))}, "local", "weighs"),
        ({"dial": 0.5, "classes": replace(CLASSES, needs=frozenset({"fresh"}))}, "cloud", "weighs"),
        (
            {
                "dial": 0.5,
                "local": replace(LOCAL, languages=frozenset({"en"})),
                "classes": replace(CLASSES, language="pl"),
            },
            "cloud",
            "weighs",
        ),
        (
            {
                "dial": 0.1,
                "local": replace(LOCAL, schema=False),
                "request": replace(REQUEST, response_format=ResponseFormat(kind="schema", schema={})),
            },
            "cloud",
            "needs",
        ),
        ({"dial": 0.39, "dial_by": "cloud-share"}, "local", "quality"),
        ({"dial": 0.41, "dial_by": "cloud-share"}, "cloud", "quality"),
        ({"room": {"left_usd": Decimal("0.001"), "on_exceeded": "local"}}, "local", "budget"),
        ({"room": {"left_usd": Decimal("0.001"), "on_exceeded": "alert"}}, "cloud", "budget"),
        ({"request": replace(REQUEST, model="gemini"), "dial": 0.1}, "cloud", "asked"),
        ({"policy": "prefer-cloud", "room": {"left_usd": Decimal(0), "on_exceeded": "local"}}, "local", "budget"),
    ],
)
def test_each_rule_speaks_for_its_choice(change: dict[str, Any], engine: str, rule: str) -> None:
    decision = decide(but(CALM, **change))
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
        ({"policy": "cloud", "room": {"left_usd": Decimal(0), "on_exceeded": "local"}}, BudgetExceeded, "does not fit"),
        ({"room": {"left_usd": Decimal(0), "on_exceeded": "refuse"}}, BudgetExceeded, "does not fit"),
        ({"policy": "cloud", "ceiling_usd": Decimal("0.001")}, CostCapExceeded, "agents.writer.max_cost_usd"),
        (
            {"ceiling_usd": Decimal(0), "local": replace(LOCAL, tools=False), "request": WITH_TOOL},
            CostCapExceeded,
            "does not fit its ceiling",
        ),
        (
            {"verdict": SENSITIVE, "local": replace(LOCAL, tools=False), "request": WITH_TOOL},
            Unsupported,
            "cannot call tools",
        ),
        (
            {"request": replace(REQUEST, engine="cloud"), "allowed_engines": ("local",)},
            Refused,
            "may use only engines local",
        ),
        ({"pinned": "cloud", "allowed_models": ("qwen",)}, Refused, "is pinned: `claw act unpin writer`, or change"),
        ({"request": replace(REQUEST, model="nobody's")}, UnknownModel, "no engine serves"),
        ({"request": replace(REQUEST, engine="local", model="gemini")}, UnknownModel, "no engine serves"),
        ({"verdict": SENSITIVE, "classes": with_file("image/png")}, Unsupported, "local cannot see images"),
        ({"classes": with_file("audio/wav")}, Unsupported, "cloud cannot read audio"),
        ({"verdict": SENSITIVE, "local": UNREACHED}, NoEngine, "does not answer"),
        ({"policy": "cloud", "room": {**HELD_UP, "on_exceeded": "local"}}, BudgetHeld, "in flight"),
        ({"policy": "cloud", "room": {**HELD_UP, "on_exceeded": "refuse"}}, BudgetHeld, "in flight"),
        (
            {"classes": replace(CLASSES, input_tokens=20_000), "room": {**HELD_UP, "on_exceeded": "local"}},
            BudgetHeld,
            "in flight",
        ),
        ({"policy": "cloud", "cloud": replace(CLOUD, usable=False, closed="daily-quota")}, EngineError, "cloud: "),
        ({"policy": "cloud", "cloud": replace(CLOUD, usable=False, closed="rate-limited")}, EngineError, "cloud: "),
        ({"verdict": SENSITIVE, "local": replace(LOCAL, usable=False, why_not="down")}, NoEngine, "local: down"),
        ({"classes": replace(CLASSES, input_tokens=1_000_000)}, ContextTooLong, "maximum context length is 1000000"),
        (
            {"policy": "local", "classes": replace(CLASSES, input_tokens=20_000)},
            ContextTooLong,
            "maximum context length is 16384 tokens. However, your messages resulted in about 20000",
        ),
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
        decide(but(CALM, **change))
    assert type(raised.value) is error
    assert words in str(raised.value)


@pytest.mark.parametrize(("opens_in_s", "wait"), [(None, 10.0), (0.2, 1.0), (36.0, 36.0)])
@pytest.mark.parametrize("closed", ["", "unavailable", "rate-limited", "daily-quota"])
def test_an_engine_that_is_away_comes_with_when_to_try_again(
    closed: str, opens_in_s: float | None, wait: float
) -> None:
    away = replace(CLOUD, usable=False, why_not="limited", closed=closed, opens_in_s=opens_in_s)
    with pytest.raises(ClawError) as raised:
        decide(but(CALM, policy="cloud", cloud=away))
    assert raised.value.retry_after_s == wait
    asked = but(CALM, request=replace(REQUEST, engine="cloud"), cloud=away)
    with pytest.raises(ClawError, match=r"can answer \(cloud: limited\)"):  # not that local was not asked for
        decide(asked)
    assert raised.value.kind == (closed if closed in ("rate-limited", "daily-quota") else "no_engine")


def test_room_for_output_is_what_the_window_leaves_and_no_more_is_asked() -> None:
    nearly = replace(CLASSES, input_tokens=16_384 - 1_024, p_local=0.9)
    roomy = but(CALM, policy="local", classes=nearly, local=replace(LOCAL, least_output=1_024))
    assert decide(roomy).engine == "local"
    longer = replace(roomy, classes=replace(nearly, input_tokens=nearly.input_tokens + 1))
    with pytest.raises(ContextTooLong):
        decide(longer)
    brief = replace(longer, request=replace(REQUEST, sampling=Sampling(max_tokens=100)))
    assert decide(brief).engine == "local"


def test_the_other_engine_may_take_over_where_all_allow_it() -> None:
    assert decide(CALM).failover == ("local",)
    assert decide(but(CALM, dial=0.1)).failover == ("cloud",)


def test_a_decision_tells_what_it_was_weighed_against() -> None:
    weighed = decide(but(CALM, local=replace(LOCAL, waiting=3))).weighed
    assert weighed is not None
    assert (weighed.dial, weighed.dial_by, weighed.deadline_s) == (0.8, "quality", 60.0)
    assert weighed.asked == pytest.approx(0.676, abs=0.002)
    assert (weighed.waiting, weighed.wait_s) == (3, 2.0)
    assert weighed.all_cloud_usd == Decimal("0.0007")


def test_chances_that_look_alike_are_told_with_a_third_digit() -> None:
    close = but(CALM, classes=replace(CLASSES, p_local=0.675))
    assert decide(close).reasons[-1].detail == ".675 < .676"


def test_estimates_are_the_chosen_engines_own() -> None:
    decision = decide(but(CALM, dial=0.0))
    assert decision.estimate.latency_ms == pytest.approx(11_000)
    assert decision.estimate.cost_usd == 0
    assert decision.alternatives[0].cost_usd == Decimal("0.0007")


def test_flips_name_the_dial_the_deadline_and_the_budget() -> None:
    roomy = but(CALM, room={"left_usd": Decimal(1), "on_exceeded": "local"})
    assert decide(roomy).flips == ("the dial is ≤ .64", "cloud is stopped", "the budget left is < $0.0021")
    spent = but(CALM, room={"left_usd": Decimal(0), "on_exceeded": "local"})
    assert "the budget left is ≥ $0.0021" in decide(spent).flips
    low = but(CALM, ceiling_usd=Decimal("0.001"))
    assert "the ceiling is ≥ $0.0021 a request" in decide(low).flips
    shared = but(CALM, dial_by="cloud-share")
    assert "the dial is ≤ .39" in decide(shared).flips
    asked = but(CALM, request=replace(REQUEST, engine="local"))
    assert "no engine is asked for" in decide(asked).flips
    down = but(CALM, cloud=replace(CLOUD, usable=False))
    assert "cloud can be used again" in decide(down).flips
    assert "writer is unpinned" in decide(but(CALM, pinned="local")).flips


MUST_CALL = replace(WITH_TOOL, tool_choice="required")
UNFORCED = replace(LOCAL, forces_tools=False)


@pytest.mark.parametrize("policy", ["auto", "prefer-local", "prefer-cloud"])
def test_who_can_be_held_to_a_tool_choice_is_chosen_and_the_other_may_take_over(policy: Policy) -> None:
    it = but(CALM, request=MUST_CALL, local=UNFORCED, dial=0.0, policy=policy)
    decision = decide(it)
    assert (decision.engine, decision.failover) == ("cloud", ("local",))
    assert decide(replace(it, request=WITH_TOOL, policy="prefer-local")).engine == "local"


def test_where_only_the_other_may_answer_it_does() -> None:
    it = but(CALM, request=MUST_CALL, local=UNFORCED)
    assert decide(replace(it, policy="local")).engine == "local"
    assert decide(replace(it, verdict=SENSITIVE)).engine == "local"
    assert decide(replace(it, cloud_stopped=True)).engine == "local"


def test_an_image_type_that_a_server_does_not_take_rules_it_out() -> None:
    gif = Message(role="user", text="look", media=(Media(media_type="image/gif", data=b"GIF"),))
    it = but(CALM, request=replace(REQUEST, messages=(gif,)), dial=0.0, policy="prefer-local")
    seeing = replace(LOCAL, vision=True, images=frozenset({"image/png"}))
    decision = decide(but(it, local=seeing))
    assert decision.engine == "cloud"
    assert ("needs", "takes no image/gif") in [(reason.rule, reason.detail) for reason in decision.reasons]
    assert decide(but(it, local=replace(seeing, images=frozenset({"image/gif"})))).engine == "local"


def test_a_hidden_questions_difficulty_is_given_as_a_reason_once() -> None:
    hidden = replace(CLASSES, hidden=True)
    assert [reason.rule for reason in decide(but(CALM, classes=hidden)).reasons].count("envelope") == 1
    assert "envelope" not in [reason.rule for reason in decide(CALM).reasons]
