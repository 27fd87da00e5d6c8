"""A decision within a session: a tool loop stays, and a move between asks pays for what it makes others read."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.errors import ClawError
from backends.routing.decide import NEW_SESSION, BudgetRoom, EngineView, Inputs, SessionView, decide
from backends.routing.quality.dial import Dial
from backends.types import Classes, Decision, Message, Policy, Request, Verdict, Zone

REQUEST = Request(id="r", agent="writer", messages=(Message(role="user", text="hello"),))
CLASSES = Classes(intent="chat", intent_p=0.9, complexity=0.4, p_local=0.6, p_cloud=0.9, input_tokens=100)
SCALE = Dial(tuple(step / 400 for step in range(201)))


def engine(name: str, zone: Zone, quality: float, usd: str = "0", **more: object) -> EngineView:
    cost = Decimal(usd)
    view = EngineView(name=name, zone=zone, model=f"model of {name}", quality=quality, ability=100 * quality)
    return replace(view, worst_usd=3 * cost, expected_usd=cost, local_proved=zone == "local", kept_s=300.0, **more)


LOCAL = engine("local", "local", 0.89)
CLOUD = engine("cloud", "cloud", 0.9, "0.0012", warm=True, warm_s=280.0, reread_usd=Decimal("0.0030"))
LITE = engine("lite", "cloud", 0.89, "0.0018", reread_usd=Decimal("0.0011"))
INPUTS = Inputs(
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
AT_CLOUD = SessionView(engine="cloud", read_tokens=12_000, turns_per_ask=1.0, hard_share=0.5, ask_every_s=60.0)


def reasons(decision: Decision) -> dict[str, str]:
    return {reason.rule: reason.detail for reason in decision.reasons}


share = st.floats(0, 1)
usd = st.decimals(0, 1, places=4)


@st.composite
def sessions(draw: st.DrawFn) -> SessionView:
    return SessionView(
        engine=draw(st.sampled_from(["engine0", "engine1", "engine2", "gone"])),
        continues=draw(st.booleans()),
        read_tokens=draw(st.integers(0, 100_000)),
        turns_per_ask=draw(st.floats(1, 50)),
        hard_share=draw(share),
        ask_every_s=draw(st.none() | st.floats(0, 10_000)),
    )


@st.composite
def inputs(draw: st.DrawFn) -> Inputs:
    views = []
    for index in range(draw(st.integers(1, 4))):
        zone: Zone = draw(st.sampled_from(("local", "cloud")))
        cost = draw(usd) if zone == "cloud" else Decimal(0)
        view = EngineView(
            name=f"engine{index}",
            zone=zone,
            model=f"model{index}",
            quality=draw(share),
            ability=draw(st.floats(1, 99)),
            usable=draw(st.sampled_from([True, True, False])),
            local_proved=zone == "local" and draw(st.booleans()),
            warm=draw(st.booleans()),
            warm_s=draw(st.floats(0, 300)),
            kept_s=300.0,
            reread_usd=draw(usd),
            worst_usd=cost * 2,
            expected_usd=cost,
            first_token_s=draw(st.none() | st.floats(0, 90)),
            room=BudgetRoom(left_usd=draw(st.none() | usd), on_exceeded="local"),
        )
        views.append(view)
    policy: Policy = draw(st.sampled_from(["local", "prefer-local", "auto", "prefer-cloud", "cloud"]))
    verdict = Verdict(sensitive=draw(st.booleans()))
    made = replace(INPUTS, engines=tuple(views), policy=policy, verdict=verdict, session=draw(sessions()))
    return replace(made, dial=draw(share), cloud_stopped=draw(st.booleans()))


def decided(given: Inputs) -> Decision | type[ClawError]:
    try:
        return decide(given)
    except ClawError as error:
        return type(error)


@given(inputs())
def test_a_session_never_makes_a_ruled_out_engine_chosen(given: Inputs) -> None:
    alone = decided(replace(given, session=NEW_SESSION))
    together = decided(given)
    if isinstance(alone, Decision) and isinstance(together, Decision):
        hard = {"needs", "window", "privacy", "stopped", "engine", "ceiling", "budget", "policy", "pin", "allowed"}
        against = {each.engine for each in alone.alternatives if each.ruled_out_by in hard}
        assert together.engine not in against
    else:
        assert together == alone


@given(inputs())
def test_without_an_engine_of_its_own_a_session_changes_nothing(given: Inputs) -> None:
    session = replace(given.session, engine=None, turns_per_ask=1.0)
    assert decided(replace(given, session=session)) == decided(replace(given, session=NEW_SESSION))


@given(inputs())
def test_a_tool_loop_stays_where_it_is_as_long_as_that_engine_may_answer(given: Inputs) -> None:
    looping = replace(given, session=replace(given.session, continues=True))
    decision = decided(looping)
    if isinstance(decision, Decision) and decision.engine != given.session.engine:
        home = [each for each in decision.alternatives if each.engine == given.session.engine]
        assert all(each.ruled_out_by is not None for each in home)


def test_a_tool_loop_goes_on_at_the_cloud_though_local_would_do() -> None:
    decision = decide(replace(INPUTS, session=replace(AT_CLOUD, continues=True)))
    assert decision.engine == "cloud"
    assert reasons(decision)["session"] == "goes on where it is"


@pytest.mark.parametrize(
    ("home", "cleared", "goes_to"), [("local", False, "local"), ("local", True, "cloud"), ("cloud", False, "cloud")]
)
def test_a_session_goes_on_at_home_while_only_unused_tools_are_left_out(home: str, cleared: bool, goes_to: str) -> None:
    short = replace(LOCAL, fitted="to fit the window: 2 unused tools left out", cleared=cleared)
    session = replace(AT_CLOUD, engine=home)
    assert decide(replace(INPUTS, engines=(short, CLOUD), session=session)).engine == goes_to


def test_a_loop_whose_engine_went_down_fails_over() -> None:
    down = replace(CLOUD, usable=False, why_not="breaker open")
    looping = replace(INPUTS, engines=(LOCAL, down), session=replace(AT_CLOUD, continues=True))
    assert decide(looping).engine == "local"


def test_an_easy_ask_leaves_the_cloud_while_the_prefix_is_kept_for_the_way_back() -> None:
    decision = decide(replace(INPUTS, session=AT_CLOUD))
    assert decision.engine == "local"
    assert reasons(decision)["session"] == "leaves cloud, re-reading 12k tokens costs 0 of $0.0012 saved"


def test_an_easy_ask_stays_where_coming_back_would_cost_more_than_it_saves() -> None:
    slow = replace(AT_CLOUD, ask_every_s=290.0)
    decision = decide(replace(INPUTS, session=slow))
    assert decision.engine == "cloud"
    assert reasons(decision)["session"] == "stays, re-reading 12k tokens would cost $0.0015 of $0.0012 saved"
    assert "the session is new" in decision.flips


def test_longer_pauses_than_any_prefix_is_kept_make_leaving_free() -> None:
    assert decide(replace(INPUTS, session=replace(AT_CLOUD, ask_every_s=900.0))).engine == "local"


def test_several_turns_an_ask_pay_for_the_way_back() -> None:
    slow = replace(AT_CLOUD, ask_every_s=290.0, turns_per_ask=4.0)
    assert decide(replace(INPUTS, session=slow)).engine == "local"


def test_a_hard_ask_moves_to_the_cloud() -> None:
    weak = replace(LOCAL, quality=0.3)
    at_local = replace(AT_CLOUD, engine="local")
    assert decide(replace(INPUTS, engines=(weak, CLOUD), session=at_local)).engine == "cloud"


def test_a_cheaper_cloud_is_worth_its_re_reading_only_for_enough_turns() -> None:
    clouds = replace(INPUTS, engines=(CLOUD, LITE), session=replace(AT_CLOUD, ask_every_s=60.0))
    stays = decide(clouds)
    assert stays.engine == "cloud"
    assert reasons(stays)["session"] == "stays, re-reading 12k tokens would cost $0.0011 of $0.0005 saved"
    longer = replace(clouds, session=replace(clouds.session, turns_per_ask=3.0))
    assert decide(longer).engine == "lite"


@pytest.mark.parametrize("policy", ["prefer-local", "local"])
def test_policies_come_before_sessions(policy: Policy) -> None:
    slow = replace(AT_CLOUD, ask_every_s=290.0)
    assert decide(replace(INPUTS, policy=policy, session=slow)).engine == "local"


def test_a_sensitive_prompt_comes_home_from_a_loop_in_the_cloud() -> None:
    looping = replace(INPUTS, verdict=Verdict(sensitive=True, why="key"), session=replace(AT_CLOUD, continues=True))
    assert decide(looping).engine == "local"
