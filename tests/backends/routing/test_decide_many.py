"""The decision among any number of engines, as properties and as cases."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.errors import ClawError, Refused, UnknownModel
from backends.routing.decide import BudgetRoom, EngineView, Inputs, decide
from backends.routing.quality.dial import Dial
from backends.types import Classes, Decision, Message, Request, Verdict, Zone

REQUEST = Request(id="r", agent="writer", messages=(Message(role="user", text="hello"),))
CLASSES = Classes(intent="chat", intent_p=0.9, complexity=0.4, p_local=0.6, p_cloud=0.9, input_tokens=100)
SCALE = Dial(tuple(step / 400 for step in range(201)))
SENSITIVE = Verdict(sensitive=True, why="key")


def engine(name: str, zone: Zone, quality: float, usd: str = "0", **more: object) -> EngineView:
    cost = Decimal(usd)
    view = EngineView(name=name, zone=zone, model=f"model of {name}", quality=quality, ability=100 * quality)
    home = zone == "local"
    return replace(view, worst_usd=3 * cost, expected_usd=cost, context=100_000, local_proved=home, **more)


SMALL = engine("small", "local", 0.4)
LOCAL = engine("local", "local", 0.6)
LARGE = engine("large", "local", 0.8)
LITE = engine("lite", "cloud", 0.8, "0.0002")
CLOUD = engine("cloud", "cloud", 0.9, "0.0007")
BACKUP = engine("backup", "cloud", 0.92, "0.0030")
FIVE = (LOCAL, CLOUD, SMALL, LITE, BACKUP)
CALM = Inputs(
    request=REQUEST,
    verdict=Verdict(sensitive=False),
    classes=CLASSES,
    policy="auto",
    dial=0.8,
    scale=SCALE,
    deadline_s=60.0,
    engines=FIVE,
    p_reference=0.9,
)

share = st.floats(0, 1)
money = st.decimals(0, 1, places=3)


@st.composite
def views(draw: st.DrawFn) -> tuple[EngineView, ...]:
    found = []
    for index in range(draw(st.integers(1, 8))):
        zone: Zone = draw(st.sampled_from(("local", "cloud")))
        cost = draw(money) if zone == "cloud" else Decimal(0)
        view = EngineView(
            name=f"engine{index}",
            zone=zone,
            model=draw(st.sampled_from(["one", "two", "three"])),
            quality=draw(share),
            ability=draw(st.floats(1, 99)),
            usable=draw(st.sampled_from([True, True, False])),
            local_proved=zone == "local" and draw(st.booleans()),
            wait_s=draw(st.none() | st.floats(0, 200)),
            first_token_s=draw(st.none() | st.floats(0, 50)),
            tokens_per_s=draw(st.none() | st.floats(1, 200)),
            warm=draw(st.booleans()),
            worst_usd=cost * 2,
            expected_usd=cost,
            room=BudgetRoom(
                left_usd=draw(st.none() | money),
                on_exceeded=draw(st.sampled_from(["local", "refuse", "alert"])),
            )
            if zone == "cloud"
            else BudgetRoom(),
        )
        found.append(view)
    return tuple(found)


inputs = st.builds(
    Inputs,
    request=st.builds(
        Request,
        id=st.just("r"),
        messages=st.just(REQUEST.messages),
        engine=st.sampled_from(["auto", "auto", "auto", "engine0", "engine3"]),
        model=st.sampled_from([None, None, None, "one", "nobody's"]),
    ),
    verdict=st.builds(Verdict, sensitive=st.booleans(), redacted=st.booleans()),
    classes=st.just(CLASSES),
    policy=st.sampled_from(["local", "prefer-local", "auto", "auto", "prefer-cloud", "cloud"]),
    pinned=st.sampled_from([None, None, None, "engine0"]),
    cloud_stopped=st.booleans(),
    dial=share,
    dial_by=st.sampled_from(["quality", "cloud-share"]),
    scale=st.just(SCALE),
    deadline_s=st.floats(1, 300),
    engines=views(),
    p_reference=share,
    ceiling_usd=st.none() | money,
    allowed_engines=st.sampled_from([(), (), ("engine0", "engine1")]),
)


def decided(some: Inputs) -> Decision | None:
    try:
        return decide(some)
    except ClawError as error:
        assert len(str(error).splitlines()) == 1
        return None


def answerers(some: Inputs, decision: Decision) -> list[EngineView]:
    """Who may get to see the prompt: the chosen engine, and those that may take over."""
    return [some.view(name) for name in (decision.engine, *decision.failover)]


@given(inputs)
def test_a_sensitive_prompt_never_leaves_the_local_zone(some: Inputs) -> None:
    decision = decided(replace(some, verdict=SENSITIVE))
    for view in answerers(some, decision) if decision else ():
        assert (view.zone, view.local_proved) == ("local", True)


@given(inputs)
def test_an_absolute_policy_never_leaves_its_zone(some: Inputs) -> None:
    decision = decided(some)
    if decision is not None and some.pinned is None and some.policy in ("local", "cloud"):
        assert {view.zone for view in answerers(some, decision)} == {some.policy}


@given(inputs)
def test_the_engine_that_is_asked_for_or_pinned_answers_alone(some: Inputs) -> None:
    decision = decided(some)
    if decision is None:
        return
    only = some.request.engine if some.request.engine != "auto" else some.pinned
    if only is not None:
        assert (decision.engine, decision.failover) == (only, ())
    if some.request.model is not None:
        assert {view.model for view in answerers(some, decision)} == {some.request.model}


@given(inputs)
def test_who_takes_over_may_answer_and_is_tried_once(some: Inputs) -> None:
    decision = decided(some)
    if decision is None:
        return
    assert len({decision.engine, *decision.failover}) == 1 + len(decision.failover)
    for view in answerers(some, decision):
        assert view.usable
        assert not (view.zone == "cloud" and some.cloud_stopped)
        assert view.affordable
        assert some.ceiling_usd is None or view.worst_usd <= some.ceiling_usd
        assert not some.allowed_engines or view.name in some.allowed_engines


@given(inputs)
def test_every_other_candidate_is_listed_with_what_spoke_against_it(some: Inputs) -> None:
    decision = decided(some)
    if decision is None:
        return
    ways = {way.engine: way for way in decision.alternatives}
    assert {decision.engine, *ways} == {view.name for view in some.engines}
    assert all(ways[view.name].quality == view.quality for view in some.engines if view.name in ways)
    assert all(way.detail for way in ways.values() if way.ruled_out_by)
    taking_over = {name for name in decision.failover if ways[name].ruled_out_by not in (None, "quality", "deadline")}
    assert taking_over == set()


@given(inputs)
def test_the_cheapest_that_answers_well_is_chosen_else_the_best(some: Inputs) -> None:
    open_to_all = {"request": REQUEST, "verdict": Verdict(sensitive=False), "cloud_stopped": False, "ceiling_usd": None}
    up = tuple(replace(view, usable=True, room=BudgetRoom()) for view in some.engines)
    some = replace(
        some, policy="auto", pinned=None, deadline_s=100_000.0, engines=up, allowed_engines=(), **open_to_all
    )
    decision = decide(some)
    chosen, *others = answerers(some, decision)
    assert len(others) == len(some.engines) - 1
    if some.answers_well(chosen):
        assert all(chosen.expected_usd <= view.expected_usd for view in others if some.answers_well(view))
    else:
        assert all(chosen.quality >= view.quality for view in others)


@given(inputs)
def test_what_is_said_to_flip_it_does(some: Inputs) -> None:
    decision = decided(some)
    for clause in decision.flips if decision is not None else ():
        name, _, bound = clause.rpartition(" ")
        if name.startswith("the dial"):
            changed = replace(some, dial=float(bound))
        elif clause == "cloud is stopped":
            changed = replace(some, cloud_stopped=True)
        else:
            continue
        assert decide(changed).engine != decision.engine  # type: ignore[union-attr]


@given(inputs, st.randoms())
def test_the_order_in_the_settings_counts_only_between_equals(some: Inputs, dice: object) -> None:
    decision = decided(some)
    shuffled = list(some.engines)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    again = decided(replace(some, engines=tuple(shuffled)))
    assert (decision is None) == (again is None)
    if decision is not None and again is not None:
        one, other = some.view(decision.engine), some.view(again.engine)
        assert (one.expected_usd, some.answers_well(one)) == (other.expected_usd, some.answers_well(other))


@pytest.mark.parametrize(
    ("dial", "engine", "failover"),
    [
        # at 0 anything is good enough, and the least able takes the least of the machine
        (0.0, "small", ("local", "lite", "cloud", "backup")),
        # P ≥ .40 + …: the larger local model does, for nothing
        (0.5, "local", ("lite", "cloud", "backup", "small")),
        # neither local model answers so well, and the lite one does for less than the others
        (0.9, "lite", ("cloud", "backup", "local", "small")),
        (1.0, "cloud", ("backup", "lite", "local", "small")),
    ],
)
def test_a_higher_dial_asks_for_more_and_pays_for_it(dial: float, engine: str, failover: tuple[str, ...]) -> None:
    decision = decide(replace(CALM, dial=dial))
    assert (decision.engine, decision.failover) == (engine, failover)


def test_a_warm_prefix_decides_between_equal_prices() -> None:
    again = replace(LARGE, warm=True)
    assert decide(replace(CALM, engines=(LOCAL, LARGE, CLOUD), dial=0.2)).engine == "local"
    assert decide(replace(CALM, engines=(LOCAL, again, CLOUD), dial=0.2)).engine == "large"


def test_what_a_prefix_cache_saves_makes_the_cheaper_one() -> None:
    cached = replace(CLOUD, expected_usd=Decimal("0.0001"))
    assert decide(replace(CALM, dial=0.9)).engine == "lite"
    assert decide(replace(CALM, dial=0.9, engines=(LOCAL, cached, SMALL, LITE, BACKUP))).engine == "cloud"


def test_policies_prefer_a_zone_and_choose_within_it() -> None:
    assert decide(replace(CALM, policy="prefer-local", dial=0.5)).engine == "local"
    assert decide(replace(CALM, policy="prefer-local", dial=1.0)).engine == "local"
    assert decide(replace(CALM, policy="prefer-cloud", dial=0.5)).engine == "lite"
    decision = decide(replace(CALM, policy="prefer-local", dial=0.5))
    assert decision.failover == ("small", "lite", "cloud", "backup")


def test_a_model_that_two_engines_serve_may_be_answered_by_both() -> None:
    two = (replace(LITE, model="shared"), replace(BACKUP, model="shared"), LOCAL)
    decision = decide(replace(CALM, engines=two, request=replace(REQUEST, model="shared")))
    assert (decision.engine, decision.failover) == ("lite", ("backup",))


def test_a_budget_of_one_engine_leaves_the_others() -> None:
    spent = replace(LITE, room=BudgetRoom(left_usd=Decimal(0), on_exceeded="local", scope="engine:lite"))
    decision = decide(replace(CALM, dial=0.9, engines=(LOCAL, CLOUD, spent)))
    assert decision.engine == "cloud"
    assert next(way.ruled_out_by for way in decision.alternatives if way.engine == "lite") == "budget"
    assert "lite" not in decision.failover


def test_errors_name_the_engines_there_are() -> None:
    with pytest.raises(UnknownModel, match="auto, local, cloud, small, lite, backup, model of local"):
        decide(replace(CALM, request=replace(REQUEST, model="gpt-9")))
    with pytest.raises(UnknownModel, match="no engine"):
        decide(replace(CALM, request=replace(REQUEST, engine="moon")))
    with pytest.raises(Refused, match="pinned to small, and backup was asked for"):
        decide(replace(CALM, pinned="small", request=replace(REQUEST, engine="backup")))
    with pytest.raises(Refused, match=r"sensitive .* but engine backup was asked for"):
        decide(replace(CALM, verdict=SENSITIVE, request=replace(REQUEST, engine="backup")))
